"""What is measured of one site during a rollout, and kept so that a successor can go on."""

from __future__ import annotations

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.detections import Box
from yolodeploy.core.gates import Observation
from yolodeploy.core.release import Release


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The old release's answers, and what was seen of both.

    `expected` has the old release's boxes, one tuple a frame, in the order of the frames;
    `frames` names those frames by digest, so that a successor with other ones does not compare
    apples with pears. `new` was seen of the new release since the switch, `beside` while it ran
    beside the old one. `build_s` is how long its instances build an engine before they are ready.
    """

    previous: Release | None = None
    frames: tuple[str, ...] = ()
    expected: tuple[tuple[Box, ...], ...] = ()
    old: Observation | None = None
    new: Observation | None = None
    outage_s: float = 0.0
    beside: Observation | None = None
    build_s: float = 0.0


known(Figures)
