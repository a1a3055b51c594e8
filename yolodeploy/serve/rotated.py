"""Which boxes stay of those that lie aslant.

Overlap is the probabilistic IoU of ultralytics: boxes as Gaussians, one minus their Hellinger
distance (Murrugarra-Llerena, Kirsten, Jung, arXiv 2106.06072). A box goes when any better one of
its class overlaps it by more than the limit, even one that goes itself ("fast NMS", Bolya et al.,
arXiv 1904.02689): so ultralytics does it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MOST_CANDIDATES = 10_000  # each is compared with all better ones: two seconds of one core
BLOCK = 256
TINY = 1e-7


def without_overlaps(
    boxes: np.ndarray[Any, Any],
    scores: np.ndarray[Any, Any],
    class_ids: np.ndarray[Any, Any],
    iou: float,
    most: int,
) -> np.ndarray[Any, Any]:
    """Indices of at most `most` boxes (n, 5: cx cy w h angle) that stay, best first."""
    order = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
    gaussians = _gaussians(boxes[order])
    class_ids = class_ids[order]
    kept: list[np.ndarray[Any, Any]] = []
    count = 0
    # block by block, so that a crowd costs neither n² of memory nor time beyond what is wanted
    for start in range(0, len(order), BLOCK):
        block = slice(start, start + BLOCK)
        better, these = gaussians[:, : start + BLOCK], gaussians[:, block]
        close = _overlap(better[:, :, None], these[:, None]) > iou
        close &= class_ids[: start + BLOCK, None] == class_ids[None, block]
        close &= np.arange(close.shape[0])[:, None] < np.arange(start, start + close.shape[1])
        kept.append(start + np.flatnonzero(~close.any(axis=0)))
        count += len(kept[-1])
        if count >= most:
            break
    index: np.ndarray[Any, Any] = order[np.concatenate(kept)[:most]] if kept else order
    return index


def _gaussians(boxes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(6, n): centre x y, the covariance a b c of [[a, c], [c, b]], the root of its determinant."""
    x, y, w, h, angle = boxes.astype(np.float64).T
    along, across = w * w / 12, h * h / 12
    cos, sin = np.cos(angle), np.sin(angle)
    a = along * cos**2 + across * sin**2
    b = along * sin**2 + across * cos**2
    c = (along - across) * cos * sin
    return np.stack((x, y, a, b, c, np.sqrt(np.maximum(a * b - c * c, 0))))


def _overlap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    x1, y1, a1, b1, c1, root1 = one
    x2, y2, a2, b2, c2, root2 = other
    a, b, c = a1 + a2, b1 + b2, c1 + c2
    dx, dy = x2 - x1, y1 - y2
    determinant = a * b - c * c
    apart = (0.25 * (a * dy * dy + b * dx * dx) + 0.5 * c * dx * dy) / (determinant + TINY)
    unlike = 0.5 * np.log(determinant / (4 * root1 * root2 + TINY) + TINY)
    distance = np.clip(apart + unlike, TINY, 100.0)
    overlap: np.ndarray[Any, Any] = 1 - np.sqrt(1 - np.exp(-distance) + TINY)
    return overlap
