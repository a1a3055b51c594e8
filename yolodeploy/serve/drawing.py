"""The picture with what was seen in it, for people's eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from yolodeploy.serve.opencv import cv2
from yolodeploy.serve.outlines import corners_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.detections import Box
    from yolodeploy.serve.tasks.seen import Seen

    Colour = tuple[int, int, int]
    Pixels = np.ndarray[Any, Any]

QUALITY = 90
MASK_SHARE = 0.4
FAINT = 0.5  # a keypoint below this score is a guess
FONT = cv2.FONT_HERSHEY_SIMPLEX
# told apart also by the colour-blind: Okabe and Ito's palette, as blue green red
PALETTE: tuple[Colour, ...] = (
    (0, 159, 230), (233, 180, 86), (115, 158, 0), (66, 228, 240),
    (178, 114, 0), (0, 94, 213), (167, 121, 204), (255, 255, 255),
)  # fmt: skip


def draw(pixels: Pixels, seen: Seen, classes: Sequence[str]) -> None:
    """Draw boxes, masks, keypoints or classes onto `pixels` (BGR)."""
    thick = thickness(pixels)
    _fill(pixels, seen.boxes)
    for box in reversed(seen.boxes):  # the best ones lie on top
        colour = PALETTE[box.class_id % len(PALETTE)]
        _outline(pixels, box, colour, thick)
        for x, y, *score in box.keypoints:
            if not score or score[0] >= FAINT:
                cv2.circle(pixels, (round(x), round(y)), 2 * thick, colour, cv2.FILLED)
        label = f"{_name(classes, box.class_id)} {box.score:.2f}"
        write(pixels, label, (round(box.x1), round(box.y1)), colour, thick)
    for line, one in enumerate(seen.probabilities or ()):
        label = f"{_name(classes, one.class_id)} {one.score:.2f}"
        write(pixels, label, (0, (line + 1) * 24 * thick), PALETTE[0], thick)


def jpeg(pixels: Pixels) -> bytes:
    """A picture (BGR) as a file."""
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def thickness(pixels: Pixels) -> int:
    """Of lines, in pixels."""
    height, width = pixels.shape[:2]
    return max(round((int(height) + int(width)) / 800), 1)


def _fill(pixels: Pixels, boxes: Sequence[Box]) -> None:
    """All masks in one pass over the picture."""
    masked = [box for box in boxes if box.polygons]
    if not masked:
        return
    painted = pixels.copy()
    for box in reversed(masked):
        polygons = [whole(polygon) for polygon in box.polygons]
        cv2.fillPoly(painted, polygons, PALETTE[box.class_id % len(PALETTE)])
    cv2.addWeighted(painted, MASK_SHARE, pixels, 1 - MASK_SHARE, 0, dst=pixels)


def _outline(pixels: Pixels, box: Box, colour: Colour, thick: int) -> None:
    if box.rotated:
        corners = whole([figure for corner in corners_of(box.rotated) for figure in corner])
        cv2.polylines(pixels, [corners], isClosed=True, color=colour, thickness=thick)
    else:
        begin, end = (round(box.x1), round(box.y1)), (round(box.x2), round(box.y2))
        cv2.rectangle(pixels, begin, end, colour, thick)


def whole(figures: Sequence[float]) -> np.ndarray[Any, Any]:
    """Points, x before y, as OpenCV draws them."""
    # a box aslant may end far outside; OpenCV counts in 16 bits there
    return np.clip(np.rint(figures), -32000, 32000).astype(np.int32).reshape(-1, 1, 2)


def write(pixels: Pixels, label: str, at: tuple[int, int], colour: Colour, thick: int) -> None:
    """A label above a point, moved so that it lies within the picture."""
    (width, height), below = cv2.getTextSize(label, FONT, 0.5 * thick, thick)
    x = min(max(at[0], 0), max(pixels.shape[1] - width, 0))
    y = min(max(at[1], height + below), pixels.shape[0])
    cv2.rectangle(pixels, (x, y - height - below), (x + width, y), colour, cv2.FILLED)
    cv2.putText(pixels, label, (x, y - below // 2), FONT, 0.5 * thick, (0, 0, 0), thick)


def _name(classes: Sequence[str], class_id: int) -> str:
    """The class's name; its number where OpenCV's letters do not suffice."""
    name = classes[class_id]
    return name if name.isascii() else f"#{class_id}"
