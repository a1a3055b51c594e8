"""The comparison of two servers so far: cumulative, from any thread."""

from __future__ import annotations

import time
from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.comparing import sightings
from yolodeploy.core.detections import Agreement, counted, pairs
from yolodeploy.core.shadowing import ShadowReport, quantiles_of
from yolodeploy.core.sketch import Sketch
from yolodeploy.serve.shadow.answer import total_us

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from yolodeploy.core.detections import Box
    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.serve.shadow.answer import Theirs

MILLION = 1_000_000


class Comparison:
    """Counts of one pair of servers; begins anew when another model answers."""

    def __init__(self, url: str, share: float) -> None:
        self._url = url
        self.share = share
        self._lock = Lock()
        self._who = ("", "")
        self._begin()

    def _begin(self) -> None:
        self._since = time.time()
        self._mirrored = self._compared = self._skipped = 0
        self._failed: Counter[str] = Counter()
        self._agreement = Agreement()
        self._lost, self._gained = Counter[str](), Counter[str]()
        self._up, self._down, self._here, self._there = (Sketch(0.0, {}) for _ in range(4))
        self._problem = ""

    def mirrored(self) -> None:
        """Count a picture that is being sent."""
        with self._lock:
            self._mirrored += 1

    def skipped(self) -> None:
        """Count one for which there was no room."""
        with self._lock:
            self._skipped += 1

    def failed(self, error: YolodeployError) -> bool:
        """Count one that could not be compared; whether that is another reason than the last."""
        with self._lock:
            self._failed[error.code.partition(".")[2]] += 1
            news, self._problem = self._problem != error.code, error.code
            return news

    def compared(self, ours: DetectResponse, theirs: Theirs) -> Agreement:
        """Count one that was answered, and tell how far the two agree on it."""
        held = _held(ours, theirs)
        with self._lock:
            who = theirs.model, theirs.release
            if who != self._who and any(self._who):
                self._begin()
                self._mirrored = 1
            self._who = who
            self._compared += 1
            self._agreement += held.agreement
            self._lost.update(held.lost)
            self._gained.update(held.gained)
            for shift in held.shifts:
                (self._up if shift > 0 else self._down).record(abs(shift) * MILLION)
            self._here.record(total_us(ours.stages_ms))
            self._there.record(theirs.total_us)
            self._problem = ""
        return held.agreement

    def report(self) -> ShadowReport:
        """All of it, of one moment."""
        with self._lock:
            return ShadowReport(
                url=self._url,
                share=self.share,
                since=self._since,
                model=self._who[0],
                release=self._who[1],
                mirrored=self._mirrored,
                compared=self._compared,
                skipped=self._skipped,
                failed=dict(self._failed),
                agreement=self._agreement,
                lost=self._agreement.lost,
                lost_by_class=dict(self._lost),
                gained_by_class=dict(self._gained),
                score_shift=_mean_shift(self._up, self._down),
                here_ms=quantiles_of(self._here),
                there_ms=quantiles_of(self._there),
                up=self._up.copy(),
                down=self._down.copy(),
                here=self._here.copy(),
                there=self._there.copy(),
                problem=self._problem,
            )


def _mean_shift(up: Sketch, down: Sketch) -> float:
    count = up.count + down.count
    return round((up.sum_us - down.sum_us) / MILLION / count, 6) if count else 0.0


class _Held(NamedTuple):
    """Two answers to one picture; `lost` and `gained` have a class for each box of one alone."""

    agreement: Agreement
    lost: list[str]
    gained: list[str]
    shifts: list[float]


def _held(ours: DetectResponse, theirs: Theirs) -> _Held:
    """How far two answers agree, and by how much the scores of what both saw differ."""
    classify = bool(ours.probabilities)
    expected, found = (sightings(one, classify=classify) for one in (ours, theirs))
    paired = pairs(expected, found)
    olds, news = {old for old, _ in paired}, {new for _, new in paired}
    return _Held(
        counted(expected, found, len(paired)),
        list(_alone(expected, olds, ours.classes)),
        list(_alone(found, news, ours.classes)),
        [found[new].score - expected[old].score for old, new in paired],
    )


def _alone(boxes: Sequence[Box], paired: Container[int], classes: Sequence[str]) -> Iterator[str]:
    """The classes of boxes without a counterpart; the other server's own classes are left out."""
    for place, box in enumerate(boxes):
        if place not in paired and box.valid and box.class_id < len(classes):
            yield classes[box.class_id]
