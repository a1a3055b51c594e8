"""Bytes as the outputs of a network."""

from __future__ import annotations

import msgspec
import numpy as np

from tests.fuzz.target import Wrong
from yolodeploy.core.serving import DetectResponse
from yolodeploy.serve.drawing import draw, jpeg
from yolodeploy.serve.formats import TEXTS
from yolodeploy.serve.layout import Head, Layout
from yolodeploy.serve.letterbox import fit
from yolodeploy.serve.postprocess import Wanted
from yolodeploy.serve.tasks.table import READERS

CLASSES = ("scratch", "crack", "划痕")
PLACE = fit(33, 21, 64, 64)
PLAIN = Head("detect", Layout.RAW, len(CLASSES))
HEADS = (
    PLAIN,
    PLAIN._replace(layout=Layout.END_TO_END),
    PLAIN._replace(layout=Layout.QUERIES),
    PLAIN._replace(layout=Layout.QUERY_SCORES),
    PLAIN._replace(task="segment", extra=4, prototypes=1),
    PLAIN._replace(task="pose", extra=6, keypoints=(2, 3)),
    PLAIN._replace(task="obb", extra=1),
    PLAIN._replace(task="obb", layout=Layout.END_TO_END, extra=1),
    PLAIN._replace(task="classify", layout=Layout.PROBABILITIES),
)


def answered(content: bytes) -> None:
    """Read an answer and write it in every form; the first bytes say what it is the answer to."""
    if len(content) < 3:
        return
    head = HEADS[content[0] % len(HEADS)]
    wanted = Wanted(content[1] / 255, content[2] / 255, 300, masks="rle")
    figures = np.frombuffer(content[3 : 3 + (len(content) - 3) // 4 * 4], np.float32)
    outputs = _shaped(figures, head)
    # as numpy warns where it must not be silent: what is too large becomes infinite
    with np.errstate(all="ignore"):
        for masks in ("polygons", "rle"):
            seen = READERS[head.task](outputs, head, wanted._replace(masks=masks), PLACE)
            answer = DetectResponse(
                boxes=seen.boxes,
                classes=CLASSES,
                width=33,
                height=21,
                stages_ms={},
                probabilities=msgspec.UNSET if seen.probabilities is None else seen.probabilities,
            )
            for write in TEXTS.values():
                write(answer)
            # a box may be inside out: the gates count those; NaN or infinity would be null
            if b"null" in TEXTS["json"](answer).replace(b'"rotated":null', b""):
                raise Wrong("a figure that is none")
            msgspec.json.decode(TEXTS["json"](answer), type=DetectResponse)
        pixels = np.zeros((21, 33, 3), np.uint8)
        draw(pixels, seen, CLASSES)
        jpeg(pixels)


def _shaped(figures: np.ndarray, head: Head) -> tuple[np.ndarray, ...]:
    if head.layout is Layout.PROBABILITIES:
        return (np.resize(figures, 3) if figures.size else np.zeros(3, np.float32),)
    raw = head.layout is Layout.RAW
    columns = 4 + head.classes + head.extra if raw else 6 + head.extra
    if head.layout is Layout.QUERY_SCORES:
        columns = 4 + head.classes
    rows = min(figures.size // columns, 200)
    main = figures[: rows * columns].reshape(rows, columns)
    if head.prototypes is None:
        return (main.T if raw else main,)
    rest = figures[rows * columns :]
    return main.T, np.resize(rest if rest.size else figures, (head.extra, 16, 16))
