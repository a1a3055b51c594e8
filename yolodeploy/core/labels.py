"""Labels of golden frames, in the text form that ultralytics trains on.

One line an object: `CLASS CX CY W H`, or `CLASS X1 Y1 X2 Y2 X3 Y3 …` for an outline; all but the
class from 0 to 1 of the picture's width and height.
Source: https://docs.ultralytics.com/datasets/detect/ and …/segment/.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from yolodeploy.core.detections import Box

MOST_LABELS = 10_000


class Label(NamedTuple):
    """One object: its class and its corners, from 0 to 1."""

    class_id: int
    x1: float
    y1: float
    x2: float
    y2: float

    def box(self, width: int, height: int) -> Box:
        """The same in pixels of a picture."""
        corners = (self.x1 * width, self.y1 * height, self.x2 * width, self.y2 * height)
        return Box(self.class_id, 1.0, *corners)


class GoldenFrame(NamedTuple):
    """A picture, and all that is to be found in it."""

    content: bytes
    labels: tuple[Label, ...]


def labels_of(text: str) -> tuple[Label, ...]:
    """The labels of one picture; an empty text says that nothing is to be found.

    Raises:
        ValueError: The number of the line and what is wrong with it.
    """
    lines = [line.split() for line in text.splitlines()]
    if len(lines) > MOST_LABELS:
        raise ValueError(f"more than {MOST_LABELS} lines")
    return tuple(_label(number, words) for number, words in enumerate(lines, 1) if words)


def _label(number: int, words: Sequence[str]) -> Label:
    try:
        class_id, figures = int(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        raise ValueError(f"line {number} is no label") from None
    # a corner is two figures, an outline three corners at least
    outline = len(figures) >= 6 and len(figures) % 2 == 0
    if class_id < 0 or not (len(figures) == 4 or outline):
        raise ValueError(f"line {number} is no label")
    if not all(isfinite(figure) and 0 <= figure <= 1 for figure in figures):
        raise ValueError(f"line {number} is not within 0 to 1")
    if outline:
        xs, ys = figures[::2], figures[1::2]
        return Label(class_id, min(xs), min(ys), max(xs), max(ys))
    cx, cy, w, h = figures
    return Label(class_id, cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
