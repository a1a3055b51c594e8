"""What one life of the process has measured: cumulative, cheap, from any thread."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from yolodeploy.core.site import Epoch
from yolodeploy.core.sketch import STAGES, TOTAL, Sketch, Stages

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "http"


class Measurements:
    """Counts of one epoch; they only grow. About 10 µs a request, under one lock."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self._lock = Lock()
        self._requests = 0
        self._failures = 0
        self._stages: Stages = {stage: Sketch(0.0, {}) for stage in (*STAGES, TOTAL)}

    def detected(self, stages_us: Mapping[str, float]) -> None:
        """Count one request that was answered with detections."""
        with self._lock:
            self._requests += 1
            for stage, value_us in stages_us.items():
                self._stages[stage].record(value_us)

    def refused(self, *, failed: bool) -> None:
        """Count one request that was answered with an error; `failed`: with one of ours (5xx)."""
        with self._lock:
            self._requests += 1
            self._failures += failed

    def snapshot(self) -> Epoch:
        """The counts at this moment, all of the same moment."""
        with self._lock:
            stages = {
                stage: Sketch(sketch.sum_us, dict(sketch.counts))
                for stage, sketch in self._stages.items()
            }
            return Epoch(
                number=self.epoch,
                source=SOURCE,
                requests=self._requests,
                failures=self._failures,
                stages=stages,
            )
