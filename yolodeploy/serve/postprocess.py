"""From the network's output to boxes in the network's input.

Both functions give candidates best first; coordinates are corners in pixels of the input.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np

from yolodeploy.core.errors import Failed
from yolodeploy.serve.opencv import cv2

MOST_CANDIDATES = 30_000  # ultralytics' max_nms


class Wanted(NamedTuple):
    """What a request wants. `classes` None means all."""

    conf: float
    iou: float
    max_det: int
    classes: tuple[int, ...] | None = None


class Found(NamedTuple):
    """Boxes of one picture: (n, 4) corners as float64, (n,) scores, (n,) class ids."""

    corners: np.ndarray[Any, Any]
    scores: np.ndarray[Any, Any]
    class_ids: np.ndarray[Any, Any]

    def some(self, index: np.ndarray[Any, Any] | slice) -> Found:
        """The boxes that a mask, an index or a slice names."""
        return Found(self.corners[index], self.scores[index], self.class_ids[index])


def from_raw(output: np.ndarray[Any, Any], wanted: Wanted) -> Found:
    """Boxes out of a (4 + classes, anchors) head: best class each, then overlaps removed a class.

    Raises:
        Failed: `serve.not_finite`.
    """
    scores = output[4:]
    best = scores.max(axis=0)  # carries NaN on
    _demand_finite(best)
    chosen = np.flatnonzero(best > wanted.conf)
    class_ids = scores[:, chosen].argmax(axis=0)
    x, y, w, h = output[:4, chosen].astype(np.float64)
    corners = np.stack((x - w / 2, y - h / 2, x + w / 2, y + h / 2), axis=1)
    _demand_finite(corners)
    found = _of_classes(Found(corners, best[chosen], class_ids), wanted.classes)
    return found.some(without_overlaps(found, wanted.iou)[: wanted.max_det])


def from_end_to_end(output: np.ndarray[Any, Any], wanted: Wanted, classes: int) -> Found:
    """Boxes out of (rows, 6): x1 y1 x2 y2 score class, in which overlaps are removed already.

    Raises:
        Failed: `serve.not_finite`, `serve.class_unknown`.
    """
    scores = output[:, 4]
    _demand_finite(scores)
    rows = output[scores > wanted.conf]
    _demand_finite(rows)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    class_ids = rows[:, 5].astype(np.int64)
    if class_ids.size and not 0 <= class_ids.min() <= class_ids.max() < classes:
        raise Failed("serve.class_unknown", highest=class_ids.max(), classes=classes)
    found = Found(rows[:, :4].astype(np.float64), rows[:, 4], class_ids)
    return _of_classes(found, wanted.classes).some(slice(wanted.max_det))


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
    boxes[:, 2:] = found.corners[:, 2:] - found.corners[:, :2]
    scores: Any = found.scores.astype(np.float32)  # OpenCV's stubs know lists only
    kept = cv2.dnn.NMSBoxes(cast("Any", boxes), scores, 0.0, iou, top_k=MOST_CANDIDATES)
    return np.asarray(kept, np.int64).reshape(-1)


def _of_classes(found: Found, classes: tuple[int, ...] | None) -> Found:
    return found if classes is None else found.some(np.isin(found.class_ids, classes))


def _demand_finite(figures: np.ndarray[Any, Any]) -> None:
    if not np.isfinite(figures).all():
        raise Failed("serve.not_finite")
