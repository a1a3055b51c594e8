"""What nobody can beat, measured beside everybody: the raw engine, and all that a picture needs.

    python limits.py MODEL PICTURE SECONDS raw|pipeline

As many threads as processors share one session of one thread and run until the time is up, with
nothing between them and the engine; `pipeline` decodes, prepares and suppresses too, each in the
cheapest way known (FACTS, stages). Prints CPU-ms an image and images a second as JSON.
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
import onnxruntime
import simplejpeg

cv2.setNumThreads(1)


class Lane:
    """One thread's buffers."""

    def __init__(self, session: Any, body: bytes) -> None:
        self.session = session
        self.body = body
        self.name = session.get_inputs()[0].name
        _, _, self.height, self.width = session.get_inputs()[0].shape
        self.blob = np.zeros((1, 3, self.height, self.width), np.float32)
        self.canvas = np.full((self.height, self.width, 3), 114, np.uint8)
        self.planes = [np.empty((self.height, self.width), np.uint8) for _ in range(3)]
        height, width, _, _ = simplejpeg.decode_jpeg_header(body)
        self.pixels = np.empty((height, width, 3), np.uint8)
        gain = min(self.width / width, self.height / height)
        w, h = round(width * gain), round(height * gain)
        x, y = (self.width - w) // 2, (self.height - h) // 2
        self.inner = self.canvas[y : y + h, x : x + w]
        self.count = 0

    def raw(self) -> None:
        """The engine alone."""
        self.session.run(None, {self.name: self.blob})

    def pipeline(self) -> None:
        """All that a picture needs."""
        pixels = simplejpeg.decode_jpeg(self.body, "BGR", buffer=self.pixels)
        cv2.resize(pixels, self.inner.shape[1::-1], dst=self.inner)
        cv2.split(self.canvas, self.planes)
        for channel, plane in enumerate(reversed(self.planes)):
            np.multiply(plane, np.float32(1 / 255), out=self.blob[0, channel])
        output = self.session.run(None, {self.name: self.blob})[0][0]
        scores = output[4:]
        best = scores.max(axis=0)
        chosen = np.flatnonzero(best > 0.25)
        boxes = output[:4, chosen].T.copy()
        boxes[:, :2] -= boxes[:, 2:] / 2
        kinds = scores[:, chosen].argmax(axis=0)
        cv2.dnn.NMSBoxesBatched(boxes, best[chosen], kinds.astype(np.int32), 0.25, 0.7)


def main(arguments: list[str]) -> None:
    """Run and print."""
    model, picture, seconds, what = arguments
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    body = Path(picture).read_bytes()
    lanes = [Lane(session, body) for _ in os.sched_getaffinity(0)]
    for lane in lanes:
        getattr(lane, what)()
    end = time.perf_counter() + float(seconds)

    def work(lane: Lane) -> None:
        act = getattr(lane, what)
        while time.perf_counter() < end:
            act()
            lane.count += 1

    threads = [threading.Thread(target=work, args=(lane,)) for lane in lanes]
    cpu, wall = time.process_time(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = sum(lane.count for lane in lanes)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps({"cpu_ms": 1000 * cpu / count, "per_s": count / wall}))


if __name__ == "__main__":
    main(sys.argv[1:])
