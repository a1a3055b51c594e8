"""The two defect classes of the friction ring, drawn onto a grey float image.

Lengths are pixels of the rendered frame, grey values are 0..1. Nothing here knows of lights or
cameras: a defect is part of the surface, and is lit, blurred and photographed with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
Points = NDArray[np.float64]

CLASS_NAMES = ("crack", "pit")
CRACK, PIT = 0, 1

BOX_MARGIN_PX = 2.0  # people draw boxes a little outside what they see
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True)
class Box:
    """One labelled defect: class index and corners in pixels, right and bottom exclusive."""

    class_id: int
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Ring:
    """The friction ring of one disc in frame pixels: the only place that carries defects."""

    centre_x: float
    centre_y: float
    inner: float
    outer: float

    def point(self, radius: float, angle: float) -> tuple[float, float]:
        """Frame position of a polar position, the radius held inside the ring."""
        held = min(max(radius, self.inner + 3.0), self.outer - 3.0)
        return self.centre_x + held * math.cos(angle), self.centre_y + held * math.sin(angle)


def draw_crack(grey: Grey, ring: Ring, rng: np.random.Generator) -> Box:
    """Darken an irregular branching line of 4 to 9 segments and return its box."""
    width = float(rng.uniform(1.4, 2.8))
    depth = float(rng.uniform(0.40, 0.85))
    path = _crack_path(ring, rng, int(rng.integers(4, 10)), float(rng.uniform(0.55, 1.10)))
    lines = [path]
    if rng.random() < 0.2:
        lines.append(_branch(path, ring, rng))
    mask = np.zeros(grey.shape, np.uint8)
    for line in lines:
        cv2.polylines(mask, [_fixed_point(line)], False, 255, 2, cv2.LINE_AA, _SUBPIXEL_BITS)
    # cv2 draws whole widths only: a blurred line of 2 px, scaled, stands for the finer ones.
    alpha = cv2.GaussianBlur(mask, (0, 0), 0.45).astype(np.float32) / 255.0
    grey *= 1.0 - alpha * np.float32(depth * min(1.0, width / 2.2))
    return _bounds(CRACK, np.concatenate(lines), width / 2.0)


def draw_pit(grey: Grey, ring: Ring, rng: np.random.Generator) -> Box:
    """Draw a small irregular dark hollow whose edge away from the light is bright."""
    radius = float(rng.uniform(6.5, 12.0))
    depth = float(rng.uniform(0.35, 0.75))
    rim = float(rng.uniform(0.10, 0.28))
    centre = np.array(
        ring.point(
            float(rng.uniform(ring.inner + radius + 2, ring.outer - radius - 2)),
            float(rng.uniform(0.0, math.tau)),
        )
    )
    corners = int(rng.integers(8, 13))
    angles = np.sort(rng.uniform(0.0, math.tau, corners))
    lengths = radius * rng.uniform(0.65, 1.15, corners)
    outline: Points = centre + np.stack([np.cos(angles), np.sin(angles)], axis=1) * lengths[:, None]
    hollow = np.zeros(grey.shape, np.uint8)
    edge = np.zeros(grey.shape, np.uint8)
    cv2.fillPoly(hollow, [_fixed_point(outline)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    lit = outline + np.array([0.8, 0.8])
    cv2.polylines(edge, [_fixed_point(lit)], True, 255, 2, cv2.LINE_AA, _SUBPIXEL_BITS)
    hollow_alpha = cv2.GaussianBlur(hollow, (0, 0), 0.8).astype(np.float32) / 255.0
    grey += edge.astype(np.float32) / 255.0 * np.float32(rim)
    grey *= 1.0 - hollow_alpha * np.float32(depth)
    return _bounds(PIT, np.concatenate([outline, lit]), 1.0)


def _crack_path(ring: Ring, rng: np.random.Generator, segments: int, reach: float) -> Points:
    """Walk mostly along the radius: heat cracks open across the direction of rubbing."""
    breadth = ring.outer - ring.inner
    radius = float(rng.uniform(ring.inner, ring.outer - 0.3 * breadth))
    angle = float(rng.uniform(0.0, math.tau))
    heading = float(rng.normal(0.0, 0.55))
    step = reach * breadth / segments
    points = [ring.point(radius, angle)]
    for _ in range(segments):
        turn = heading + float(rng.normal(0.0, 0.70))
        length = step * float(rng.uniform(0.6, 1.4))
        radius += length * math.cos(turn)
        angle += length * math.sin(turn) / max(radius, 1.0)
        points.append(ring.point(radius, angle))
    return np.array(points, np.float64)


def _branch(path: Points, ring: Ring, rng: np.random.Generator) -> Points:
    start = path[int(rng.integers(1, len(path) - 1))]
    centre = np.array([ring.centre_x, ring.centre_y])
    radius = float(np.linalg.norm(start - centre))
    angle = math.atan2(start[1] - centre[1], start[0] - centre[0])
    side = 1.0 if rng.random() < 0.5 else -1.0
    points = [(float(start[0]), float(start[1]))]
    for _ in range(int(rng.integers(2, 4))):
        angle += side * float(rng.uniform(3.0, 8.0)) / radius
        radius += float(rng.uniform(-2.0, 6.0))
        points.append(ring.point(radius, angle))
    return np.array(points, np.float64)


def _bounds(class_id: int, points: Points, reach: float) -> Box:
    margin = reach + BOX_MARGIN_PX
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    return Box(class_id, float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _fixed_point(points: Points) -> NDArray[np.int32]:
    return np.round(points * (1 << _SUBPIXEL_BITS)).astype(np.int32).reshape(-1, 1, 2)
