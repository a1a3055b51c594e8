"""The second server's answer, believed only as far as it can be checked."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.comparing import numbers_of
from yolodeploy.core.decoding import known
from yolodeploy.core.detections import Box
from yolodeploy.core.errors import Failed
from yolodeploy.core.serving import Probability
from yolodeploy.core.sketch import STAGES
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.serve.postprocess import Wanted

LONGEST_NAME = 100


class _Box(msgspec.Struct):
    """Without outlines and masks, which nobody compares."""

    class_id: int
    score: float
    x1: float
    y1: float
    x2: float
    y2: float


class _Told(msgspec.Struct):
    boxes: tuple[_Box, ...]
    classes: tuple[str, ...]
    width: int
    height: int
    stages_ms: dict[str, float]
    release: str = ""
    model: str = ""
    probabilities: tuple[Probability, ...] | None = None


known(_Told)
_decode = msgspec.json.Decoder(_Told).decode


class Theirs(NamedTuple):
    """What the second server saw. Class ids are ours; its own classes come behind them."""

    boxes: tuple[Box, ...]
    probabilities: tuple[Probability, ...] | None
    total_us: float
    model: str
    release: str


def theirs(content: bytes, ours: DetectResponse, wanted: Wanted, url: str) -> Theirs:
    """The answer to the picture that `ours` is our answer to.

    Raises:
        Failed: `shadow.answer`, `shadow.other_classes`.
    """
    try:
        told = _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Failed("shadow.answer", url=url, reason=error) from error
    reason = _mistake(told, ours, wanted)
    if reason:
        raise Failed("shadow.answer", url=url, reason=reason)
    if told.classes != ours.classes and wanted.classes is not None:
        raise Failed("shadow.other_classes", url=url)
    number = numbers_of(ours.classes, told.classes)
    return Theirs(
        boxes=tuple(
            Box(number[box.class_id], box.score, box.x1, box.y1, box.x2, box.y2)
            for box in told.boxes
        ),
        probabilities=None
        if told.probabilities is None
        else tuple(Probability(number[one.class_id], one.score) for one in told.probabilities),
        total_us=total_us(told.stages_ms),
        model=one_line(told.model, LONGEST_NAME),
        release=one_line(told.release, LONGEST_NAME),
    )


def total_us(stages_ms: Mapping[str, float]) -> float:
    """The sum of the stages that every answer has: a camera's has more, before and after them."""
    return 1000 * sum(stages_ms.get(stage, 0.0) for stage in STAGES)


def _mistake(told: _Told, ours: DetectResponse, wanted: Wanted) -> str:
    """What is wrong with an answer; empty where nothing is."""
    found: tuple[_Box | Probability, ...] = (*told.boxes, *(told.probabilities or ()))
    times = [told.stages_ms.get(stage, 0.0) for stage in STAGES]
    checks = (
        ((told.width, told.height) == (ours.width, ours.height), "a picture of another size"),
        (len(told.boxes) <= max(wanted.max_det, len(ours.boxes)), "too many boxes"),
        (isinstance(ours.probabilities, tuple) == (told.probabilities is not None), "another task"),
        (all(0 <= one.class_id < len(told.classes) for one in found), "a class without a name"),
        (all(0 <= one.score <= 1 for one in found), "a score that cannot be"),
        (all(isfinite(time) and time >= 0 for time in times), "a time that cannot be"),
    )
    return next((reason for sound, reason in checks if not sound), "")
