"""From the network's output to boxes in the network's input.

All functions give candidates best first; coordinates are in pixels of the input.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np

from yolodeploy.core.errors import Failed
from yolodeploy.serve.opencv import cv2

MOST_CANDIDATES = 30_000  # ultralytics' max_nms


class Wanted(NamedTuple):
    """What a request wants. `classes` None means all; `masks` is `polygons` or `rle`."""

    conf: float
    iou: float
    max_det: int
    classes: tuple[int, ...] | None = None
    format: str = "json"
    masks: str = "polygons"


class Found(NamedTuple):
    """Boxes of one picture: (n, 4) corners as float64, (n,) scores, (n,) class ids.

    `extra` (n, k) is what the task adds to each box.
    """

    corners: np.ndarray[Any, Any]
    scores: np.ndarray[Any, Any]
    class_ids: np.ndarray[Any, Any]
    extra: np.ndarray[Any, Any]

    def some(self, index: np.ndarray[Any, Any] | slice) -> Found:
        """The boxes that a mask, an index or a slice names."""
        # a list, here and in `tasks`: Python makes the tuple of a generator for ten and cuts it
        # down, and later keeps it for the next of its length, which is made in the same way. Of
        # each length 2,000 are kept: memory grew by 100 kB in 1,000 requests
        return Found(*[figures[index] for figures in self])


def from_raw(output: np.ndarray[Any, Any], wanted: Wanted, classes: int) -> Found:
    """Boxes out of a (4 + classes + extra, anchors) head, overlaps removed within each class.

    Raises:
        Failed: `serve.not_finite`.
    """
    best = best_anchors(output, wanted.conf, classes)
    x, y, w, h = best.corners.T
    corners = np.stack((x - w / 2, y - h / 2, x + w / 2, y + h / 2), axis=1)
    found = of_classes(best._replace(corners=corners), wanted.classes)
    return found.some(without_overlaps(found, wanted.iou)[: wanted.max_det])


def best_anchors(output: np.ndarray[Any, Any], conf: float, classes: int) -> Found:
    """Each anchor's best class where its score is above `conf`; `corners` are cx cy w h still.

    Raises:
        Failed: `serve.not_finite`.
    """
    scores = output[4 : 4 + classes]
    best = scores.max(axis=0, initial=-np.inf)  # carries NaN on
    demand_finite(best)
    chosen = np.flatnonzero(best > conf)
    boxes = output[:4, chosen].T.astype(np.float64)
    demand_finite(boxes)
    class_ids = scores[:, chosen].argmax(axis=0)
    return Found(boxes, best[chosen], class_ids, output[4 + classes :, chosen].T)


def from_end_to_end(output: np.ndarray[Any, Any], wanted: Wanted, classes: int) -> Found:
    """Boxes out of (rows, 6 + extra): x1 y1 x2 y2 score class extra; overlaps are removed already.

    Raises:
        Failed: `serve.not_finite`, `serve.class_unknown`.
    """
    return of_rows(output, wanted, classes)


def from_queries(
    output: np.ndarray[Any, Any], wanted: Wanted, classes: int, size: tuple[int, int]
) -> Found:
    """Boxes out of rt-detr's (rows, 6): cx cy w h as shares of the input's `size`, score, class.

    Raises:
        Failed: `serve.not_finite`, `serve.class_unknown`.
    """
    found = of_rows(output, wanted, classes)
    return found._replace(corners=_from_shares(found.corners, size))


def from_query_scores(output: np.ndarray[Any, Any], wanted: Wanted, size: tuple[int, int]) -> Found:
    """The same out of (rows, 4 + classes), as rt-detr was exported before ultralytics 8.4.

    Raises:
        Failed: `serve.not_finite`.
    """
    found = best_anchors(output.T, wanted.conf, output.shape[1] - 4)
    found = of_classes(found, wanted.classes)
    found = found.some(np.argsort(-found.scores, kind="stable")[: wanted.max_det])
    return found._replace(corners=_from_shares(found.corners, size))


def of_rows(output: np.ndarray[Any, Any], wanted: Wanted, classes: int) -> Found:
    """The wanted ones of rows that hold a box, its score, its class and what the task adds.

    Raises:
        Failed: `serve.not_finite`, `serve.class_unknown`.
    """
    scores = output[:, 4]
    demand_finite(scores)
    rows = output[scores > wanted.conf]
    demand_finite(rows)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    class_ids = rows[:, 5].astype(np.int64)
    if class_ids.size and not 0 <= class_ids.min() <= class_ids.max() < classes:
        raise Failed("serve.class_unknown", highest=class_ids.max(), classes=classes)
    found = Found(rows[:, :4].astype(np.float64), rows[:, 4], class_ids, rows[:, 6:])
    return of_classes(found, wanted.classes).some(slice(wanted.max_det))


def _from_shares(boxes: np.ndarray[Any, Any], size: tuple[int, int]) -> np.ndarray[Any, Any]:
    width, height = size
    x, y, w, h = boxes.T * np.array((width, height, width, height), np.float64)[:, None]
    return np.stack((x - w / 2, y - h / 2, x + w / 2, y + h / 2), axis=1)


def without_overlaps(found: Found, iou: float) -> np.ndarray[Any, Any]:
    """Indices of the boxes that stay, best first: greedy suppression within each class.

    A box goes when it overlaps a better one of its class by more than `iou`.
    """
    if not found.scores.size:
        return np.empty(0, np.int64)
    # classes are moved apart so that one call does them all; float64 keeps that exact
    span = 2 * np.abs(found.corners).max() + 1
    boxes = np.empty_like(found.corners)
    boxes[:, :2] = found.corners[:, :2] + (found.class_ids * span)[:, None]
    # a box that is inside out overlaps nothing; OpenCV would have it overlap everything
    boxes[:, 2:] = np.maximum(found.corners[:, 2:] - found.corners[:, :2], 0.0)
    scores: Any = found.scores.astype(np.float32)  # OpenCV's stubs know lists only
    kept = cv2.dnn.NMSBoxes(cast("Any", boxes), scores, 0.0, iou, top_k=MOST_CANDIDATES)
    return np.asarray(kept, np.int64).reshape(-1)


def of_classes(found: Found, classes: tuple[int, ...] | None) -> Found:
    """Those of some classes; None means all."""
    return found if classes is None else found.some(np.isin(found.class_ids, classes))


def demand_finite(figures: np.ndarray[Any, Any]) -> None:
    """Raise Failed `serve.not_finite` where there is NaN or infinity."""
    if not np.isfinite(figures).all():
        raise Failed("serve.not_finite")
