"""The four corners of a box that lies aslant."""

from __future__ import annotations

from math import cos, sin
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolodeploy.core.detections import Rotated


def corners_of(box: Rotated) -> tuple[tuple[float, float], ...]:
    """In the order of ultralytics' `xyxyxyxy`: from the corner at +w/2, +h/2, against the clock."""
    along = box.w / 2 * cos(box.angle), box.w / 2 * sin(box.angle)
    across = -box.h / 2 * sin(box.angle), box.h / 2 * cos(box.angle)
    return tuple(
        (
            round(box.cx + a * along[0] + b * across[0], 2),
            round(box.cy + a * along[1] + b * across[1], 2),
        )
        for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))
    )
