"""A frame that was worth keeping: what stands in the JSON beside its picture."""

from __future__ import annotations

from typing import Literal

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.detections import Box
from yolodeploy.core.serving import DetectResponse, Probability

# why a frame was kept: a box close to the least score, a shadow that disagrees, an output that
# could not be read, or just its turn
Reason = Literal["margin", "shadow", "error", "share"]


class Limits(msgspec.Struct, frozen=True):
    """What the answer was asked for; `classes` None means all."""

    conf: float
    iou: float
    max_det: int
    classes: tuple[int, ...] | None = None


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """What a second server made of the same frame; class ids are those of the first."""

    model: str
    release: str
    boxes: tuple[Box, ...]
    probabilities: tuple[Probability, ...] = ()
    lost: int
    gained: int


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`ID.json`. `at` is Unix seconds, `picture_bytes` the size of the file beside it.

    `answer` is what the client was told, `code` the error it was told instead.
    """

    id: str
    at: float
    reason: Reason
    source: str
    request_id: str
    kind: str
    picture_bytes: int
    limits: Limits
    code: str = ""
    answer: DetectResponse | None = None
    shadow: Disagreement | None = None


class SampleLine(msgspec.Struct, frozen=True, kw_only=True):
    """A sample in the list."""

    id: str
    at: float
    reason: Reason
    source: str
    request_id: str
    kind: str
    picture_bytes: int
    code: str = ""


class SampleList(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `GET /samples`: the latest first. `count` and `bytes` are of all that are kept.

    `before` is where the next page begins (`/samples?before=`); empty when this one is the last.
    """

    samples: tuple[SampleLine, ...]
    count: int
    bytes: int
    before: str = ""


known(Sample, SampleLine, SampleList)
