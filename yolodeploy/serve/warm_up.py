"""The first pictures a server sees: made here, the same every time.

They wake every buffer and library before traffic comes, and a faster engine is held against the
plain one on them.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from yolodeploy.core.serving import DetectResponse
from yolodeploy.serve.opencv import cv2
from yolodeploy.serve.pipeline import Asked
from yolodeploy.serve.postprocess import Wanted

if TYPE_CHECKING:
    from yolodeploy.core.release import Serving
    from yolodeploy.serve.pipeline import Pipeline

SHAPES = 40

# made once, by the thread that imports: two threads that make msgspec learn the same type at the
# same moment crash the process (2 starts of 330)
_decode = msgspec.json.Decoder(DetectResponse).decode


def grey() -> bytes:
    """A small grey JPEG: enough to touch everything."""
    return _jpeg(np.full((72, 128, 3), 114, np.uint8))


def pictures(count: int = 4) -> list[bytes]:
    """1280 × 720 of blurred noise with rectangles, discs and lines on it, as JPEG."""
    made = []
    for seed in range(count):
        chance = np.random.default_rng(seed)
        coarse = chance.integers(0, 255, (9, 16, 3), np.uint8)
        canvas = cv2.resize(coarse, (1280, 720), interpolation=cv2.INTER_CUBIC)
        for _ in range(SHAPES):
            x, y, w, h = (int(chance.integers(8, limit)) for limit in (1280, 720, 320, 240))
            colour = tuple(int(part) for part in chance.integers(0, 255, 3))
            if w % 3 == 0:
                cv2.circle(canvas, (x, y), h // 2, colour, -1)
            elif w % 3 == 1:
                cv2.rectangle(canvas, (x, y), (x + w, y + h), colour, -1)
            else:
                cv2.line(canvas, (x, y), (x + w, y + h), colour, 1 + h % 9)
        made.append(_jpeg(canvas))
    return made


def asked(picture: bytes, serving: Serving, conf: float) -> Asked:
    """A request for a picture."""
    wanted = Wanted(conf, serving.iou, serving.max_det)
    return Asked(picture, wanted, "warm-up", perf_counter_ns())


def answer(pipeline: Pipeline, picture: bytes, serving: Serving, conf: float) -> DetectResponse:
    """What a pipeline makes of a picture.

    Raises:
        Failed: `serve.*`.
    """
    return _decode(pipeline.answer(asked(picture, serving, conf)).body)


def _jpeg(canvas: np.ndarray[Any, Any]) -> bytes:
    return cv2.imencode(".jpg", canvas)[1].tobytes()
