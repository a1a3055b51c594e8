"""Boxes with keypoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yolodeploy.core.detections import Box
from yolodeploy.serve.postprocess import demand_finite
from yolodeploy.serve.tasks import detect
from yolodeploy.serve.tasks.seen import Seen

if TYPE_CHECKING:
    from yolodeploy.serve.layout import Head
    from yolodeploy.serve.letterbox import Fit
    from yolodeploy.serve.postprocess import Wanted
    from yolodeploy.serve.tasks.seen import Outputs


def seen(outputs: Outputs, head: Head, wanted: Wanted, place: Fit) -> Seen:
    """The boxes of one picture, best first, each with its keypoints: x y, and a score if told.

    Raises:
        Failed: `serve.not_finite`, `serve.class_unknown`, `serve.output_unfit`.
    """
    found = detect.found(outputs, head, wanted, place)
    demand_finite(found.extra)
    count, figures = head.keypoints or (0, 0)
    points = found.extra.reshape(-1, count, figures).astype(np.float64)
    points[..., :2] = place.points(points[..., :2]).round(2)
    points[..., 2:] = points[..., 2:].round(5)
    boxes = [
        Box(*plain, keypoints=tuple([tuple(point) for point in keypoints]))
        for plain, keypoints in zip(detect.plain_boxes(found, place), points.tolist(), strict=True)
    ]
    return Seen(tuple(boxes))
