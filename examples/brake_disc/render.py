"""A synthetic inspection line: brake discs on a conveyor, seen from above, with labelled defects.

    python render.py OUT_DIR --count 36 --first-seed 900000

writes `disc-001.jpg` and `disc-001.txt` (YOLO labels, empty for a clean frame) and so on.
One seed is one frame: the same seed gives the same pixels with the same numpy and OpenCV.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import cv2
import numpy as np
from defects import CLASS_NAMES, Box, Grey, Ring, draw_crack, draw_pit
from disc import draw_disc
from numpy.typing import NDArray

__all__ = ["CLASS_NAMES", "Box", "clip", "label_lines", "render", "write_frames"]

Frame = NDArray[np.uint8]

JPEG_QUALITY = 88
CLEAN_SHARE = 0.25  # of discs, not of frames
MIN_VISIBLE_SHARE = 0.6  # a defect cut off further than this is not labelled
TINT_BGR = (1.03, 1.0, 0.97)  # the lamps of the line are a little cold


def render(seed: int, width: int = 640, height: int = 480) -> tuple[Frame, list[Box]]:
    """Render one frame (height, width, 3; BGR) and the boxes of the defects seen in it."""
    rng = np.random.default_rng(seed)
    grey = _conveyor(width, height, rng)
    boxes: list[Box] = []
    for centre, radius in _places(width, height, rng):
        left, top = max(int(centre[0] - radius) - 16, 0), max(int(centre[1] - radius) - 16, 0)
        window = grey[top : int(centre[1] + radius) + 20, left : int(centre[0] + radius) + 20]
        ring = draw_disc(window, (centre[0] - left, centre[1] - top), radius, rng)
        for box in _damage(window, ring, rng):
            shifted = clip(box, left, top, width, height)
            boxes += [] if shifted is None else [shifted]
    return _photograph(_light(grey, rng), rng), boxes


def label_lines(boxes: list[Box], width: int, height: int) -> str:
    """Text of a YOLO label file: class, centre and size as shares of the frame, one a line."""
    return "".join(
        f"{box.class_id} {(box.x1 + box.x2) / 2 / width:.6f} {(box.y1 + box.y2) / 2 / height:.6f}"
        f" {(box.x2 - box.x1) / width:.6f} {(box.y2 - box.y1) / height:.6f}\n"
        for box in boxes
    )


def write_frames(images: Path, labels: Path, first_seed: int, count: int) -> int:
    """Write `count` frames as JPEG with their labels and return how many defects they show."""
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    defects = 0
    for number in range(count):
        frame, boxes = render(first_seed + number)
        name = f"disc-{number + 1:03d}"
        path = images / f"{name}.jpg"
        if not cv2.imwrite(str(path), frame, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
            raise OSError(f"cannot write {path}")
        text = label_lines(boxes, frame.shape[1], frame.shape[0])
        (labels / f"{name}.txt").write_text(text, encoding="utf-8")
        defects += len(boxes)
    return defects


def _conveyor(width: int, height: int, rng: np.random.Generator) -> Grey:
    """Dark ribbed belt between two bright rails."""
    grey = np.full((height, width), rng.uniform(0.12, 0.22), np.float32)
    coarse = rng.normal(0.0, 0.018, (height // 8, width // 8)).astype(np.float32)
    grey += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    pitch, offset = int(rng.integers(28, 60)), int(rng.integers(0, 28))
    grey[:, offset::pitch] *= np.float32(0.7)
    grey[:, offset + 1 :: pitch] *= np.float32(1.25)
    rail = int(rng.integers(6, 26))
    for rows in (slice(0, rail), slice(height - rail, height)):
        grey[rows] = np.float32(rng.uniform(0.35, 0.55))
    return grey


def _places(
    width: int, height: int, rng: np.random.Generator
) -> list[tuple[tuple[float, float], float]]:
    """Centre and radius of one large disc, or of two smaller ones side by side."""
    if rng.random() < 0.55:
        radius = height * float(rng.uniform(0.32, 0.45))
        centre = (
            width * float(rng.uniform(0.28, 0.72)),
            height * float(rng.uniform(0.42, 0.58)),
        )
        return [(centre, radius)]
    places: list[tuple[tuple[float, float], float]] = []
    for side in (0.22, 0.77):
        x = width * (side + float(rng.uniform(-0.05, 0.05)))
        y = height * float(rng.uniform(0.4, 0.6))
        places.append(((x, y), height * float(rng.uniform(0.25, 0.32))))
    return places


def _damage(grey: Grey, ring: Ring, rng: np.random.Generator) -> list[Box]:
    if rng.random() < CLEAN_SHARE:
        return []
    drawn: list[Box] = []
    for _ in range(int(rng.integers(1, 6))):
        draw = draw_crack if rng.random() < 0.5 else draw_pit
        drawn.append(draw(grey, ring, rng))
    return drawn


def clip(box: Box, dx: float, dy: float, width: int, height: int) -> Box | None:
    """Move a box by (dx, dy) pixels and cut it to the frame; None when too little is left."""
    x1, y1 = max(box.x1 + dx, 0.0), max(box.y1 + dy, 0.0)
    x2, y2 = min(box.x2 + dx, float(width)), min(box.y2 + dy, float(height))
    seen = max(x2 - x1, 0.0) * max(y2 - y1, 0.0)
    if seen < MIN_VISIBLE_SHARE * (box.x2 - box.x1) * (box.y2 - box.y1):
        return None
    return Box(box.class_id, x1, y1, x2, y2)


def _light(grey: Grey, rng: np.random.Generator) -> Grey:
    """Uneven lamps: a gradient across the frame, a vignette, and one specular streak."""
    height, width = grey.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = xs / np.float32(width) - np.float32(0.5), ys / np.float32(height) - np.float32(0.5)
    turn = float(rng.uniform(0.0, math.tau))
    slope = float(rng.uniform(0.0, 0.7))
    gradient = 1.0 + slope * (u * math.cos(turn) + v * math.sin(turn))
    vignette = 1.0 - float(rng.uniform(0.2, 0.8)) * (u * u + v * v)
    tilt = float(rng.uniform(0.0, math.pi))
    across = u * math.cos(tilt) + v * math.sin(tilt) - float(rng.uniform(-0.35, 0.35))
    streak = np.exp(-((across / float(rng.uniform(0.03, 0.10))) ** 2))
    exposure = float(rng.uniform(0.75, 1.2))
    lit: Grey = grey * gradient * vignette * exposure
    lit *= 1.0 + float(rng.uniform(0.0, 0.5)) * streak
    lit += float(rng.uniform(0.0, 0.12)) * streak
    return lit


def _photograph(grey: Grey, rng: np.random.Generator) -> Frame:
    """Lens blur, tint, then shot and read noise of the sensor."""
    blurred = cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(0.4, 1.0)))
    tinted = blurred[:, :, None] * np.array(TINT_BGR, np.float32)
    colour: Grey = np.clip(tinted, 0.0, 1.0).astype(np.float32)
    noise = rng.standard_normal(grey.shape, np.float32)
    chroma = rng.standard_normal(colour.shape, np.float32)
    read, shot = float(rng.uniform(0.004, 0.012)), float(rng.uniform(0.005, 0.02))
    noisy = colour + (noise[:, :, None] + 0.4 * chroma) * (read + shot * np.sqrt(colour))
    return np.asarray(np.clip(noisy * 255.0 + 0.5, 0, 255), np.uint8)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Render frames of the line with YOLO labels.")
    parser.add_argument("out", type=Path, help="folder for the frames and labels")
    parser.add_argument("--count", type=int, default=36, help="how many frames")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first frame")
    args = parser.parse_args()
    defects = write_frames(args.out, args.out, args.first_seed, args.count)
    print(f"{args.count} frames, {defects} defects")


if __name__ == "__main__":
    _main()
