"""Whether a camera shows nothing, or the same picture for too long.

Judged by 64 × 36 points of each picture that is looked at, which takes 0.1 ms. Both are warnings:
results flow on. A sensor's noise makes no two pictures equal, but a compressed picture of a scene
at rest may be equal to the last bit, and a lens in the dark is black for good reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from typing import Any

COLUMNS, ROWS = 64, 36
# of 255, as the brightest hundredth: a covered lens gives noise up to about 10, a night scene with
# one lamp more than 40
BLACK = 20
BLACK_S = 2.0  # cameras show a black picture or two when they switch to infrared
FROZEN_S = 10.0
FROZEN_FRAMES = 3  # and not the one picture that a slow camera sends in ten seconds


class Glance(NamedTuple):
    """What is kept of a picture: how bright its brightest hundredth is, and a fingerprint."""

    brightness: int
    print: int


def glance(pixels: np.ndarray[Any, Any]) -> Glance:
    """A look at (height, width, 3) BGR: its green, which is most of what an eye sees."""
    height, width = pixels.shape[:2]
    points = pixels[:: max(height // ROWS, 1), :: max(width // COLUMNS, 1), 1].ravel()
    place = points.size - 1 - points.size // 100
    return Glance(int(np.partition(points, place)[place]), crc32(points.tobytes()))


class PictureWatch:
    """One camera's pictures, to be shown in order; times in s of any one clock."""

    def __init__(self) -> None:
        self.black = False
        self.frozen = False
        self._black_since: float | None = None
        self._print: int | None = None
        self._same_since = 0.0
        self._same = 0

    def saw(self, look: Glance, at_s: float) -> None:
        """Judge anew by one more picture."""
        if look.brightness > BLACK:
            self._black_since = None
        elif self._black_since is None:
            self._black_since = at_s
        self.black = self._black_since is not None and at_s - self._black_since >= BLACK_S
        if look.print != self._print:
            self._print, self._same_since, self._same = look.print, at_s, 0
        self._same += 1
        self.frozen = self._same >= FROZEN_FRAMES and at_s - self._same_since >= FROZEN_S
