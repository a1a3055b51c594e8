"""When a camera that failed is tried again."""

from __future__ import annotations

FIRST_S = 0.5
LONGEST_S = 30.0
GOOD_S = 60.0  # of frames; then a failure is a new one


class BackOff:
    """Twice as long after every failure, half of it by chance.

    Cameras behind one switch come back together, and must not be asked together.
    """

    def __init__(self) -> None:
        self._failures = 0

    def wait_s(self, good_s: float, chance: float) -> float:
        """How long to wait after a failure that came after `good_s` of frames.

        `chance` is a random number from 0 to 1.
        """
        if good_s >= GOOD_S:
            self._failures = 0
        longest_s = min(FIRST_S * 2.0**self._failures, LONGEST_S)
        if longest_s < LONGEST_S:
            self._failures += 1
        return longest_s * (0.5 + chance / 2)
