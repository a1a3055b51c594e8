"""One camera's objects: their numbers, the lines they have crossed, the zones they are in.

An object stands where the middle of its box's lower edge is: where a person or a vehicle touches
the ground. Of boxes that lie aslant it is the upright box around them.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from yolodeploy.core.publishing import Counted
from yolodeploy.serve.drawing import thickness, whole, write
from yolodeploy.serve.opencv import cv2
from yolodeploy.serve.tracking.crossing import RIGHT, Gate
from yolodeploy.serve.tracking.followed import Objects
from yolodeploy.serve.tracking.tracked import Tracked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.detections import Box
    from yolodeploy.core.site_settings import Camera, Point
    from yolodeploy.serve.drawing import Pixels
    from yolodeploy.serve.tracking.followed import Followed

MARGIN = 0.05  # of a box's size: boxes of something at rest tremble by 1 to 3 %
MARKS = (255, 255, 255)
EDGE = 1.0  # pixels: a box that is cut off at the picture's edge stands on it


class Tracking:
    """Of one camera, from its start to its end; a camera that is opened anew keeps it."""

    def __init__(self, camera: Camera) -> None:
        """Begin with no objects.

        Raises:
            Failed: `tracking.library_missing`.
        """
        self._camera = camera
        self._objects = Objects(len(camera.lines))
        self._gates = [(line.name, Gate(line)) for line in camera.lines]
        self._lines = {line.name: Counted() for line in camera.lines}
        self._areas = [(zone.name, np.array(zone.corners, np.float32)) for zone in camera.zones]

    def seen(self, boxes: Sequence[Box], at_s: float) -> Tracked:
        """What the boxes of the next frame tell; `at_s` is when it was taken."""
        objects = self._objects.of(boxes, at_s)
        zones = dict.fromkeys((name for name, _ in self._areas), 0)
        for box, one in zip(boxes, objects, strict=True):
            if one is not None:
                self._count(box, one, zones)
        tracks = [one.number if one is not None else -1 for one in objects]
        return Tracked(tuple(tracks), dict(self._lines), zones)

    def draw(
        self, pixels: Pixels, boxes: Sequence[Box], tracked: Tracked, corner: tuple[int, int]
    ) -> None:
        """Draw lines and zones with what was counted, and the objects' numbers, onto a picture.

        `boxes` are in pixels of the whole picture, `corner` is where in it `pixels` (BGR) begin.
        """
        thick = thickness(pixels)
        for zone in self._camera.zones:
            corners = _moved(zone.corners, corner)
            cv2.polylines(pixels, [corners], isClosed=True, color=MARKS, thickness=thick)
            _label(pixels, f"{zone.name}: {tracked.zones.get(zone.name, 0)}", corners, thick)
        for line in self._camera.lines:
            ends = _moved((line.begin, line.end), corner)
            # the arrow's head tells which way is `out`: from the left of it to its right
            cv2.arrowedLine(pixels, ends[0, 0], ends[1, 0], MARKS, thick, tipLength=0.03)
            counted = tracked.lines.get(line.name, Counted())
            _label(pixels, f"{line.name}: in {counted.into} out {counted.out}", ends, thick)
        for box, number in zip(boxes, tracked.tracks, strict=False):
            if number >= 0:
                at = round(box.x1 - corner[0]), round(box.y2 - corner[1])
                write(pixels, f"no. {number}", at, MARKS, thick)

    def _count(self, box: Box, one: Followed, zones: dict[str, int]) -> None:
        stands = (box.x1 + box.x2) / 2, box.y2
        margin = MARGIN * sqrt((box.x2 - box.x1) * (box.y2 - box.y1))
        for (name, gate), path in zip(self._gates, one.paths, strict=True):
            side = gate.crossed(path, stands, margin)
            if side:
                counted = self._lines[name]
                self._lines[name] = Counted(
                    into=counted.into + (side != RIGHT), out=counted.out + (side == RIGHT)
                )
        if one.number < 0:
            return  # what was seen once may be a mistake
        for name, corners in self._areas:
            zones[name] += _inside(corners, stands)


def _moved(points: Sequence[Point], corner: tuple[int, int]) -> np.ndarray[Any, Any]:
    return whole([figure for x, y in points for figure in (x - corner[0], y - corner[1])])


def _label(pixels: Pixels, text: str, points: np.ndarray[Any, Any], thick: int) -> None:
    x, y = points[0, 0]
    write(pixels, text, (int(x), int(y)), MARKS, thick)


def _inside(corners: np.ndarray[Any, Any], point: Point) -> bool:
    inside: bool = cv2.pointPolygonTest(corners, point, measureDist=True) >= -EDGE
    return inside
