"""What was seen in a part of a picture, in pixels of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.detections import Box


def in_whole(boxes: Sequence[Box], x: int, y: int) -> tuple[Box, ...]:
    """Boxes of a region whose corner lies at (x, y), moved back into the picture.

    A run-length mask cannot be moved; a camera's frames are asked for polygons.
    """
    if not x and not y:
        return tuple(boxes)
    return tuple(_moved(box, x, y) for box in boxes)


def _moved(box: Box, x: int, y: int) -> Box:
    rotated = box.rotated
    if rotated is not None:
        rotated = msgspec.structs.replace(rotated, cx=_sum(rotated.cx, x), cy=_sum(rotated.cy, y))
    return msgspec.structs.replace(
        box,
        x1=_sum(box.x1, x),
        y1=_sum(box.y1, y),
        x2=_sum(box.x2, x),
        y2=_sum(box.y2, y),
        polygons=tuple(_moved_outline(polygon, x, y) for polygon in box.polygons),
        keypoints=tuple((_sum(kx, x), _sum(ky, y), *rest) for kx, ky, *rest in box.keypoints),
        rotated=rotated,
    )


def _moved_outline(polygon: Sequence[float], x: int, y: int) -> tuple[float, ...]:
    return tuple(_sum(figure, x if place % 2 == 0 else y) for place, figure in enumerate(polygon))


def _sum(figure: float, shift: int) -> float:
    # figures come with two places; the sum of two floats may have fifteen, and JSON writes all
    return round(figure + shift, 2)
