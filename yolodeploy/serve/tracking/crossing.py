"""Who crosses a line, and which way. Pure geometry; all in pixels of the picture.

A box trembles from frame to frame. So an object is on a side only once it is further from the
line than a margin: what trembles within it crosses nothing, however often it passes the line.
"""

from __future__ import annotations

from math import hypot, inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolodeploy.core.site_settings import Line, Point

LEFT, RIGHT = -1, 1


class Path:
    """Where one object has been, as seen from one line."""

    __slots__ = ("along", "between", "right", "side")

    def __init__(self) -> None:
        self.side = 0  # the last one on which it was for certain
        self.along = self.right = 0.0  # where it was last, see `Gate`
        self.between = False  # whether it passed between the line's ends when it last changed sides


class Gate:
    """A line to be crossed."""

    def __init__(self, line: Line) -> None:
        self._begin = line.begin
        self._ahead = line.end[0] - line.begin[0], line.end[1] - line.begin[1]
        # a line without a length has no sides, and nobody crosses it
        self._length = hypot(*self._ahead) or inf

    def crossed(self, path: Path, point: Point, margin: float) -> int:
        """An object goes on to `point`: RIGHT, it has crossed from left to right; LEFT; or 0.

        It counts when the object is surely on the other side, once, and where it passed the line
        between its ends. Who was never surely on one side, has not come from there.
        """
        along, right = self._seen_from(point)
        if right == 0:
            return 0  # on the line itself, it is still where it came from
        if right * path.right < 0:
            share = path.right / (path.right - right)
            path.between = 0 <= path.along + share * (along - path.along) <= 1
        path.along, path.right = along, right
        if abs(right) <= margin:
            return 0
        side = RIGHT if right > 0 else LEFT
        came_from, path.side = path.side, side
        return side if came_from == -side and path.between else 0

    def _seen_from(self, point: Point) -> tuple[float, float]:
        """How far along the line, from 0 to 1, and how many pixels to its right (y points down)."""
        x, y = point[0] - self._begin[0], point[1] - self._begin[1]
        ahead_x, ahead_y = self._ahead
        along = (x * ahead_x + y * ahead_y) / self._length**2
        return along, (y * ahead_x - x * ahead_y) / self._length
