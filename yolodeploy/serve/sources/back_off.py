"""When a camera that failed is tried again."""

from __future__ import annotations

from yolodeploy.core.back_off import delay_s

GOOD_S = 60.0  # of frames; then a failure is a new one


class BackOff:
    """Counts the failures that came in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def wait_s(self, good_s: float, chance: float) -> float:
        """How long to wait after a failure that came after `good_s` of frames.

        `chance` is a random number from 0 to 1.
        """
        self._failures = 1 if good_s >= GOOD_S else self._failures + 1
        return delay_s(self._failures, chance)
