"""What one life of the process has measured: cumulative, cheap, from any thread."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING

from yolodeploy.core.site import Epoch
from yolodeploy.core.sketch import CAMERA_STAGES, STAGES, TOTAL, Sketch, Stages

if TYPE_CHECKING:
    from collections.abc import Mapping

HTTP = "http"
CAMERA = "camera:"


def source_of(camera: str) -> str:
    """The name under which a camera's frames are counted."""
    return f"{CAMERA}{camera}"


class _Counts:
    """Of one source; a camera's frames have more stages than a request."""

    def __init__(self, source: str) -> None:
        stages = CAMERA_STAGES if source.startswith(CAMERA) else STAGES
        self.requests = 0
        self.failures = 0
        self.stages: Stages = {stage: Sketch(0.0, {}) for stage in (*stages, TOTAL)}


class Measurements:
    """Counts of one epoch, a source each; they only grow.

    One lock: 3 µs a request are not worth a more clever one (`benchmarks/measuring.py`).
    """

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self._lock = Lock()
        self._sources = {HTTP: _Counts(HTTP)}
        self._refusals: Counter[tuple[str, str]] = Counter()

    def detected(self, stages_us: Mapping[str, float], source: str = HTTP) -> None:
        """Count one picture that was answered with detections."""
        with self._lock:
            counts = self._of(source)
            counts.requests += 1
            for stage, value_us in stages_us.items():
                counts.stages[stage].record(value_us)

    def refused(self, code: str, *, failed: bool, source: str = HTTP) -> None:
        """Count one that was answered with an error; `failed`: with one of ours (5xx)."""
        with self._lock:
            counts = self._of(source)
            counts.requests += 1
            counts.failures += failed
            self._refusals[source, code] += 1

    def turned_away(self, code: str, source: str = HTTP) -> None:
        """Count one that is nobody's request: without a token, or before the model is there."""
        with self._lock:
            self._refusals[source, code] += 1

    def refusals(self) -> dict[tuple[str, str], int]:
        """How often each code was the answer, by (source, code); of this life only."""
        with self._lock:
            return dict(self._refusals)

    def snapshot(self) -> tuple[Epoch, ...]:
        """The counts of each source at this moment, all of the same moment; HTTP comes first."""
        with self._lock:
            return tuple(
                Epoch(
                    number=self.epoch,
                    source=source,
                    requests=counts.requests,
                    failures=counts.failures,
                    stages={stage: sketch.copy() for stage, sketch in counts.stages.items()},
                )
                for source, counts in self._sources.items()
            )

    def _of(self, source: str) -> _Counts:
        known = self._sources.get(source)
        if known is None:
            known = self._sources[source] = _Counts(source)
        return known
