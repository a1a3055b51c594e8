"""What nobody can beat, measured beside everybody: the raw engine, and all that a picture needs.

    python limits.py MODEL PICTURE SECONDS raw|pipeline onnxruntime|openvino-bf16

As many threads as processors share one engine, of one thread each, and run until the time is up,
with nothing between them and it; `pipeline` decodes, prepares and suppresses too, each in the
cheapest way known (FACTS, stages). Prints CPU-ms an image, images a second, and how far the slowest
hundredth is from the median, as JSON: what this machine's other guests do to nobody's code.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg

cv2.setNumThreads(1)


class OnnxRuntime:
    """One session of one thread, which all lanes share."""

    def __init__(self, model: str, lanes: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self._name = self._session.get_inputs()[0].name
        _, _, self.height, self.width = self._session.get_inputs()[0].shape

    def lane(self) -> Any:
        """A way in for one thread."""
        return lambda blob: self._session.run(None, {self._name: blob})[0]


class OpenVinoBf16:
    """One stream a lane."""

    def __init__(self, model: str, lanes: int) -> None:
        import openvino

        core = openvino.Core()
        hints = {
            "INFERENCE_PRECISION_HINT": openvino.Type.bf16,
            "NUM_STREAMS": lanes,
            "INFERENCE_NUM_THREADS": lanes,
        }
        self._compiled = core.compile_model(core.read_model(model), "CPU", hints)
        _, _, self.height, self.width = self._compiled.inputs[0].shape

    def lane(self) -> Any:
        """A way in for one thread."""
        request = self._compiled.create_infer_request()
        return lambda blob: request.infer([blob], share_inputs=True, share_outputs=True)[0]


ENGINES = {"onnxruntime": OnnxRuntime, "openvino-bf16": OpenVinoBf16}


class Lane:
    """One thread's buffers."""

    def __init__(self, engine: Any, body: bytes) -> None:
        self.infer = engine.lane()
        self.body = body
        self.height, self.width = engine.height, engine.width
        self.blob = np.zeros((1, 3, self.height, self.width), np.float32)
        self.canvas = np.full((self.height, self.width, 3), 114, np.uint8)
        self.planes = [np.empty((self.height, self.width), np.uint8) for _ in range(3)]
        height, width, _, _ = simplejpeg.decode_jpeg_header(body)
        self.pixels = np.empty((height, width, 3), np.uint8)
        gain = min(self.width / width, self.height / height)
        w, h = round(width * gain), round(height * gain)
        x, y = (self.width - w) // 2, (self.height - h) // 2
        self.inner = self.canvas[y : y + h, x : x + w]
        self.taken_ms: list[float] = []

    def raw(self) -> None:
        """The engine alone."""
        self.infer(self.blob)

    def pipeline(self) -> None:
        """All that a picture needs."""
        pixels = simplejpeg.decode_jpeg(self.body, "BGR", buffer=self.pixels)
        cv2.resize(pixels, self.inner.shape[1::-1], dst=self.inner)
        cv2.split(self.canvas, self.planes)
        for channel, plane in enumerate(reversed(self.planes)):
            np.multiply(plane, np.float32(1 / 255), out=self.blob[0, channel])
        output = self.infer(self.blob)[0]
        scores = output[4:]
        best = scores.max(axis=0)
        chosen = np.flatnonzero(best > 0.25)
        boxes = output[:4, chosen].T.copy()
        boxes[:, :2] -= boxes[:, 2:] / 2
        kinds = scores[:, chosen].argmax(axis=0)
        cv2.dnn.NMSBoxesBatched(boxes, best[chosen], kinds.astype(np.int32), 0.25, 0.7)


def main(arguments: list[str]) -> None:
    """Run and print."""
    model, picture, seconds, what, name = arguments
    count = len(os.sched_getaffinity(0))
    engine = ENGINES[name](model, count)
    body = Path(picture).read_bytes()
    lanes = [Lane(engine, body) for _ in range(count)]
    for lane in lanes:
        getattr(lane, what)()
    end = time.perf_counter() + float(seconds)

    def work(lane: Lane) -> None:
        act = getattr(lane, what)
        while (began := time.perf_counter()) < end:
            act()
            lane.taken_ms.append((time.perf_counter() - began) * 1000)

    threads = [threading.Thread(target=work, args=(lane,)) for lane in lanes]
    cpu, wall = time.process_time(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken_ms = sorted(ms for lane in lanes for ms in lane.taken_ms)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    told = {
        "cpu_ms": 1000 * cpu / len(taken_ms),
        "per_s": len(taken_ms) / wall,
        "p99_to_p50": taken_ms[int(0.99 * len(taken_ms))] / taken_ms[len(taken_ms) // 2],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
