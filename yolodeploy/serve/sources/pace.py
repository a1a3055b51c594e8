"""Which frames of a stream are looked at, so that there are not more than somebody wants."""

from __future__ import annotations

from math import ceil


class Pace:
    """At most `fps` frames a second by the time they were taken; 0 means all."""

    def __init__(self, fps: float) -> None:
        self._period_ns = ceil(1e9 / fps) if fps else 0
        self._next_ns: int | None = None

    def due(self, taken_ns: int) -> bool:
        """Whether a frame may be looked at."""
        if not self._period_ns or self._next_ns is None:
            return True
        # more than a period before its time: the clock has gone back
        return not 0 < self._next_ns - taken_ns <= self._period_ns

    def took(self, taken_ns: int) -> None:
        """It is looked at; the next is due a period later, whenever within one this was."""
        planned = self._next_ns
        if planned is None or not 0 <= taken_ns - planned < self._period_ns:
            planned = taken_ns
        # counted from when it was due: 25 frames a second become 10, and not 8.3
        self._next_ns = planned + self._period_ns
