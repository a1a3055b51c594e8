"""Pictures of three kinds of shapes, drawn anew each time from a seed: what tiny models see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASSES = ("bar", "disc", "wedge")
CORNERS = 4  # of the bar; the others are outlined by as many points
COLOURS = ((60, 60, 220), (70, 190, 70), (210, 120, 40))


class Shape(NamedTuple):
    """One shape: its outline (n, 2) and four points of it, in pixels."""

    class_id: int
    outline: np.ndarray[Any, Any]
    points: np.ndarray[Any, Any]


def drawn(width: int, height: int, seed: int) -> tuple[np.ndarray[Any, Any], list[Shape]]:
    """A picture (BGR) and what is in it."""
    rng = np.random.default_rng(seed)
    # nowhere flat: on a flat ground a network's anchors tie, and who wins is a matter of rounding
    coarse = rng.uniform(70, 170, (height // 20 + 2, width // 20 + 2, 3)).astype(np.float32)
    ground = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(ground, 0, 255).astype(np.uint8)
    shapes = list(_shapes(width, height, rng))
    for shape in shapes:
        cv2.fillPoly(picture, [np.rint(shape.outline).astype(np.int32)], COLOURS[shape.class_id])
    return picture, shapes


def _shapes(width: int, height: int, rng: np.random.Generator) -> Iterator[Shape]:
    columns, rows = (3, 2) if width >= height else (2, 3)
    for cell in rng.permutation(columns * rows)[: rng.integers(2, 5)]:
        reach = min(width / columns, height / rows) * rng.uniform(0.3, 0.45)
        centre = np.array(
            ((cell % columns + 0.5) * width / columns, (cell // columns + 0.5) * height / rows)
        )
        yield _shape(int(rng.integers(3)), centre, reach, rng.uniform(0, np.pi))


def _shape(class_id: int, centre: np.ndarray[Any, Any], reach: float, angle: float) -> Shape:
    if class_id == 0:
        local = np.array(((1, 0.4), (-1, 0.4), (-1, -0.4), (1, -0.4)))
        points = local
    elif class_id == 1:
        turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        local = np.stack((np.cos(turn), 0.7 * np.sin(turn)), axis=1)
        points = local[::6]
    else:
        local = np.array(((1, 0), (-0.8, 0.7), (-0.8, -0.7)))
        points = np.concatenate((local, [[0, 0]]))
    turned = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    return Shape(class_id, local @ turned * reach + centre, points @ turned * reach + centre)
