"""From what was seen in a frame to the message that leaves the server."""

from __future__ import annotations

import os
import time
from time import perf_counter_ns
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.publishing import MESSAGE_VERSION, DetectionMessage
from yolodeploy.core.sketch import TOTAL

if TYPE_CHECKING:
    from yolodeploy.core.detections import Box
    from yolodeploy.core.serving import ServeConfig
    from yolodeploy.serve.pipeline import Sighting
    from yolodeploy.serve.sources.wire import Filled
    from yolodeploy.serve.tracking.tracked import Tracked


class Sender:
    """Who speaks in the messages: one server process."""

    def __init__(self, config: ServeConfig, epoch: int) -> None:
        self._config = config
        # the epoch is counted in the state folder; by hand there may be a new one every time
        who = config.instance or config.app or "server"
        self._life = f"{who}/{epoch}-{os.urandom(4).hex()}"

    def frame_id(self, camera: str, frame: int) -> str:
        """What no other frame is called, of this server or another, in this life or another."""
        return f"{self._life}/{camera}/{frame}"

    def message(
        self,
        camera: str,
        frame: int,
        filled: Filled,
        sighting: Sighting,
        boxes: tuple[Box, ...],
        tracked: Tracked,
    ) -> tuple[DetectionMessage, dict[str, float]]:
        """The message of a frame that is handed over now, and its stages in µs with `total`."""
        config = self._config
        answer = sighting.answer
        now_ns = perf_counter_ns()
        stages_us = {
            **sighting.stages_us,
            "publish": (now_ns - sighting.ended_ns) / 1000,
            TOTAL: (now_ns - filled.taken_ns) / 1000,
        }
        probabilities = answer.probabilities
        message = DetectionMessage(
            version=MESSAGE_VERSION,
            id=answer.request_id,
            camera=camera,
            frame=frame,
            at=round(time.time() - (now_ns - filled.taken_ns) / 1e9, 6),
            width=filled.width,
            height=filled.height,
            boxes=boxes,
            classes=answer.classes,
            stages_ms={stage: round(us / 1000, 4) for stage, us in stages_us.items()},
            model=answer.model,
            site=config.site,
            device=config.device,
            app=config.app,
            release=config.release,
            probabilities=() if probabilities is msgspec.UNSET else probabilities,
            tracks=tracked.tracks,
            lines=tracked.lines,
            zones=tracked.zones,
        )
        return message, stages_us
