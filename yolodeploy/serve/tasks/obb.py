"""Boxes that lie aslant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from yolodeploy.core.detections import Box, Rotated
from yolodeploy.serve.layout import Layout
from yolodeploy.serve.postprocess import best_anchors, demand_finite, of_classes, of_rows
from yolodeploy.serve.rotated import without_overlaps
from yolodeploy.serve.tasks.seen import Seen, main_output

if TYPE_CHECKING:
    from yolodeploy.serve.layout import Head
    from yolodeploy.serve.letterbox import Fit
    from yolodeploy.serve.postprocess import Found, Wanted
    from yolodeploy.serve.tasks.seen import Outputs


def seen(outputs: Outputs, head: Head, wanted: Wanted, place: Fit) -> Seen:
    """The boxes of one picture, best first; their corners are those of the upright box around.

    Raises:
        Failed: `serve.not_finite`, `serve.class_unknown`, `serve.output_unfit`.
    """
    output = main_output(outputs, head)
    # `corners` of these are centre and sides, whatever the layout
    if head.layout is Layout.RAW:
        found = of_classes(best_anchors(output, wanted.conf, head.classes), wanted.classes)
        demand_finite(found.extra)
        lying = np.concatenate((found.corners, found.extra), axis=1)
        found = found.some(
            without_overlaps(lying, found.scores, found.class_ids, wanted.iou, wanted.max_det)
        )
    else:
        found = of_rows(output, wanted, head.classes)
    lying = _in_picture(found, place)
    boxes = [
        Box(class_id, score, x1, y1, x2, y2, rotated=Rotated(*figures))
        for class_id, score, (x1, y1, x2, y2), figures in zip(
            found.class_ids.tolist(),
            found.scores.astype(np.float64).round(5).tolist(),
            _around(lying, place).tolist(),
            lying.tolist(),
            strict=True,
        )
    ]
    return Seen(tuple(boxes))


def _in_picture(found: Found, place: Fit) -> np.ndarray[Any, Any]:
    """(n, 5) cx cy w h angle in pixels of the picture; sides by the axes' gains, as ultralytics."""
    lying = np.concatenate((found.corners, found.extra), axis=1, dtype=np.float64)
    lying[:, :2] -= place.left, place.top
    lying[:, 0:4:2] /= place.gain_x
    lying[:, 1:4:2] /= place.gain_y
    rounded: np.ndarray[Any, Any] = lying.round(2)
    rounded[:, 4] = lying[:, 4].round(5)
    return rounded


def _around(lying: np.ndarray[Any, Any], place: Fit) -> np.ndarray[Any, Any]:
    """The upright boxes around, clipped to the picture."""
    x, y, w, h, angle = lying.T
    cos, sin = np.abs(np.cos(angle)), np.abs(np.sin(angle))
    half_width, half_height = (w * cos + h * sin) / 2, (w * sin + h * cos) / 2
    corners = np.stack((x - half_width, y - half_height, x + half_width, y + half_height), axis=1)
    limits = (place.width, place.height, place.width, place.height)
    clipped: np.ndarray[Any, Any] = np.clip(corners, 0.0, limits).round(2)
    return clipped
