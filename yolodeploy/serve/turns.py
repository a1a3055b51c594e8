"""Whose turn it is, when only a share of all frames is taken."""

from __future__ import annotations

from threading import Lock

MILLION = 1_000_000


class Turns:
    """Takes a share (0 to 1) of what comes, evenly; by counting, so that nothing is left to chance.

    Whole millionths: of 100 frames, a share of 0.29 takes 29, where floats would take 28.
    """

    def __init__(self, share: float) -> None:
        self._millionths = round(share * MILLION)
        self._owed = 0
        self._lock = Lock()

    def next(self) -> bool:
        """Whether this one is taken; from any thread."""
        with self._lock:
            self._owed += self._millionths
            if self._owed < MILLION:
                return False
            self._owed -= MILLION
            return True
