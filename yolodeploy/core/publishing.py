"""What a camera's results look like when they leave the server: the message, version 1.

A field may be added within a version; none changes its meaning or goes. `docs/messages.md` says
the same for those who read it elsewhere.
"""

from __future__ import annotations

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.detections import Box
from yolodeploy.core.serving import Probability

MESSAGE_VERSION = 1


class Counted(msgspec.Struct, frozen=True):
    """Objects that crossed a line since the server began with the camera as it is, by direction."""

    into: int = msgspec.field(default=0, name="in")
    out: int = 0


class DetectionMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One frame's result.

    `id` is the same when a message is delivered twice (which happens when a connection breaks
    before it was acknowledged), and no other message has it. `at` is when the picture was taken by
    the stream's own clock, in Unix seconds of this machine; `frame` counts the frames that were
    looked at since the server's start. Boxes are in pixels of the whole picture, of `width` ×
    `height`, whatever region was looked at. `stages_ms` has `capture` and `publish` beside the
    stages of a request, and `total`: from `at` until the message was handed over to its sinks.
    `tracks` has an object's number a box (-1: not known yet), in the boxes' order; `lines` and
    `zones` what was counted.
    """

    version: int
    id: str
    camera: str
    frame: int
    at: float
    width: int
    height: int
    boxes: tuple[Box, ...]
    classes: tuple[str, ...]
    stages_ms: dict[str, float]
    model: str
    site: str = ""
    device: str = ""
    app: str = ""
    release: str = ""
    probabilities: tuple[Probability, ...] = ()
    tracks: tuple[int, ...] = ()
    lines: dict[str, Counted] = {}
    zones: dict[str, int] = {}


known(DetectionMessage)
