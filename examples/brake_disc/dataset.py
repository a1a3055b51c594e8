"""Training and validation sets of the line, rendered into a folder that ultralytics can read.

A tiny network sees few defects in whole frames, so it is trained on square patches cut around
them (and on some cut at random): at the same scale, one third of the pixels per defect.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from render import CLASS_NAMES, JPEG_QUALITY, Box, Frame, clip, label_lines, render

PATCH_PX = 256  # of the rendered frame; training halves it, as inference halves the frame
PATCHES_PER_FRAME = 2
RANDOM_SHARE = 0.3  # patches that need not hold a defect: hubs, rails and belt are to be ignored
AIM_JITTER_PX = 90.0


def write_training_patches(folder: Path, first_seed: int, frames: int) -> int:
    """Render `frames` frames, cut patches with their labels, and return how many patches."""
    images, labels = folder / "images", folder / "labels"
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    rng = np.random.default_rng(first_seed)
    for number in range(frames):
        frame, boxes = render(first_seed + number)
        compressed = _as_jpeg(frame)
        for cut in range(PATCHES_PER_FRAME):
            left, top = _aim(boxes, frame.shape[1], frame.shape[0], rng)
            name = f"patch-{number:05d}-{cut}"
            patch = compressed[top : top + PATCH_PX, left : left + PATCH_PX]
            path = images / f"{name}.png"
            if not cv2.imwrite(str(path), patch):
                raise OSError(f"cannot write {path}")
            moved = (clip(box, -left, -top, PATCH_PX, PATCH_PX) for box in boxes)
            kept = [box for box in moved if box is not None]
            text = label_lines(kept, PATCH_PX, PATCH_PX)
            (labels / f"{name}.txt").write_text(text, encoding="utf-8")
    return frames * PATCHES_PER_FRAME


def write_description(path: Path, train: Path, val: Path) -> Path:
    """Write the data file that names both image folders and the classes, and return its path."""
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASS_NAMES))
    text = f"path: {path.parent}\ntrain: {train}\nval: {val}\nnames:\n{names}"
    path.write_text(text, encoding="utf-8")
    return path


def _as_jpeg(frame: Frame) -> Frame:
    """The frame as the camera would send it: training is to know the JPEG artefacts."""
    _, encoded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def _aim(boxes: list[Box], width: int, height: int, rng: np.random.Generator) -> tuple[int, int]:
    """Left and top of the next patch: near a defect, or anywhere."""
    x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
    if boxes and rng.random() >= RANDOM_SHARE:
        box = boxes[int(rng.integers(len(boxes)))]
        x = (box.x1 + box.x2) / 2 + float(rng.uniform(-AIM_JITTER_PX, AIM_JITTER_PX))
        y = (box.y1 + box.y2) / 2 + float(rng.uniform(-AIM_JITTER_PX, AIM_JITTER_PX))
    left = int(np.clip(x - PATCH_PX / 2, 0, width - PATCH_PX))
    top = int(np.clip(y - PATCH_PX / 2, 0, height - PATCH_PX))
    return left, top
