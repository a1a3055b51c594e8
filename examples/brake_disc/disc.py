"""The brake disc itself: friction ring with machining marks, hub, bore, bolt holes.

Draws into a grey float image (0..1) and says where the friction ring lies. It also draws what is
harmless but looks like a defect: drilled cooling holes, handling scratches, oil.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from defects import Grey, Ring


def draw_disc(
    grey: Grey, centre: tuple[float, float], radius: float, rng: np.random.Generator
) -> Ring:
    """Draw one disc (outer radius in pixels) with its shadow and return its friction ring."""
    height, width = grey.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    dx, dy = xs - np.float32(centre[0]), ys - np.float32(centre[1])
    distance = np.sqrt(dx * dx + dy * dy)
    angle = np.arctan2(dy, dx)
    ring = Ring(centre[0], centre[1], radius * float(rng.uniform(0.52, 0.60)), radius)

    shadow = np.sqrt((dx - 5) ** 2 + (dy - 6) ** 2)
    grey *= 1.0 - 0.45 * np.clip((radius + 8.0 - shadow) / 10.0, 0.0, 1.0)
    _blend(grey, _machined(distance, angle, radius, rng), _inside(distance, radius))
    _blend(grey, np.float32(0.22), _inside(np.abs(distance - ring.inner), 2.0) * 0.7)

    phase = float(rng.uniform(0.0, math.tau))
    if rng.random() < 0.3:
        _drill(grey, ring, phase, rng)
    _stain(grey, ring, rng)
    _scratch(grey, ring, rng)
    _hub(grey, (distance, angle), ring, phase, rng)
    return ring


def _machined(distance: Grey, angle: Grey, radius: float, rng: np.random.Generator) -> Grey:
    """Concentric marks, and the bow tie of light that turned metal throws back."""
    profile = rng.normal(0.0, 1.0, 2 * math.ceil(radius) + 8)
    fine = np.convolve(profile, np.ones(2) / 2, mode="same")
    coarse = np.convolve(profile, np.ones(15) / 15, mode="same")
    marks = rng.uniform(0.012, 0.05) * fine + rng.uniform(0.05, 0.14) * coarse
    lookup = np.interp(distance.ravel() * 2.0, np.arange(len(marks)), marks)
    cosine = np.cos(angle - np.float32(rng.uniform(0.0, math.pi)))
    square = cosine * cosine
    tie = square * square * square
    base = rng.uniform(0.42, 0.62) + rng.uniform(0.05, 0.2) * tie
    surface: Grey = (base + lookup.reshape(distance.shape)).astype(np.float32)
    return surface


def _hub(
    grey: Grey, polar: tuple[Grey, Grey], ring: Ring, phase: float, rng: np.random.Generator
) -> None:
    distance, angle = polar
    top = ring.inner * float(rng.uniform(0.86, 0.94))
    side = np.float32(0.30) + np.float32(0.10) * np.cos(angle - np.float32(0.8))
    _blend(grey, side.astype(np.float32), _inside(distance, ring.inner - 2.0))
    _blend(grey, np.float32(rng.uniform(0.38, 0.55)), _inside(distance, top))
    _blend(grey, np.float32(0.10), _inside(distance, ring.inner * float(rng.uniform(0.30, 0.38))))
    holes = int(rng.integers(4, 7))
    for hole in range(holes):
        turn = phase + math.tau * hole / holes
        at = _polar(ring, ring.inner * 0.63, turn)
        _dot(grey, at, ring.inner * 0.085, 0.10)


def _drill(grey: Grey, ring: Ring, phase: float, rng: np.random.Generator) -> None:
    """Cooling holes in rows of three: round, regular, no bright rim, and no defect."""
    breadth = ring.outer - ring.inner
    rows = int(rng.integers(8, 15))
    size = float(rng.uniform(2.5, 4.0))
    for row in range(rows):
        for step in range(3):
            turn = phase + math.tau * (row + 0.22 * step) / rows
            _dot(grey, _polar(ring, ring.inner + breadth * (0.25 + 0.25 * step), turn), size, 0.12)


def _stain(grey: Grey, ring: Ring, rng: np.random.Generator) -> None:
    """Oil: large, soft and faint, where a pit is small and sharp."""
    for _ in range(int(rng.integers(0, 4))):
        at = _polar(
            ring, float(rng.uniform(ring.inner, ring.outer)), float(rng.uniform(0.0, math.tau))
        )
        mask = np.zeros(grey.shape, np.uint8)
        axes = (int(rng.integers(8, 22)), int(rng.integers(5, 14)))
        middle = (round(at[0]), round(at[1]))
        cv2.ellipse(mask, middle, axes, float(rng.uniform(0.0, 180.0)), 0.0, 360.0, 255, -1)
        soft = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(3.0, 6.0)))
        grey *= 1.0 - soft.astype(np.float32) / 255.0 * np.float32(rng.uniform(0.05, 0.22))


def _scratch(grey: Grey, ring: Ring, rng: np.random.Generator) -> None:
    """Handling scratches: one straight stroke, mostly bright, never the broken line of a crack."""
    for _ in range(int(rng.integers(0, 4))):
        start = _polar(
            ring,
            float(rng.uniform(ring.inner + 6, ring.outer - 6)),
            float(rng.uniform(0.0, math.tau)),
        )
        turn, length = float(rng.uniform(0.0, math.tau)), float(rng.uniform(12.0, 45.0))
        end = (start[0] + length * math.cos(turn), start[1] + length * math.sin(turn))
        mask = np.zeros(grey.shape, np.uint8)
        cv2.line(
            mask, (round(start[0]), round(start[1])), (round(end[0]), round(end[1])), 255, 1, 16
        )
        on_ring = np.zeros(grey.shape, np.uint8)
        middle = (round(ring.centre_x), round(ring.centre_y))
        cv2.circle(on_ring, middle, int(ring.outer) - 2, 255, -1)
        depth = float(rng.uniform(0.06, 0.22)) * (1.0 if rng.random() < 0.75 else -0.6)
        grey += cv2.bitwise_and(mask, on_ring).astype(np.float32) / 255.0 * np.float32(depth)


def _polar(ring: Ring, radius: float, angle: float) -> tuple[float, float]:
    return ring.centre_x + radius * math.cos(angle), ring.centre_y + radius * math.sin(angle)


def _dot(grey: Grey, at: tuple[float, float], radius: float, value: float) -> None:
    mask = np.zeros(grey.shape, np.uint8)
    fixed = (round(at[0] * 16), round(at[1] * 16))
    cv2.circle(mask, fixed, round(radius * 16), 255, -1, cv2.LINE_AA, 4)
    _blend(grey, np.float32(value), mask.astype(np.float32) / 255.0)


def _inside(distance: Grey, radius: float) -> Grey:
    covered: Grey = np.clip(np.float32(radius) - distance + np.float32(0.5), 0.0, 1.0)
    return covered


def _blend(grey: Grey, value: Grey | np.float32, alpha: Grey) -> None:
    grey += (value - grey) * alpha
