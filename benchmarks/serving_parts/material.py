"""What everybody is given: one network with random weights, exported once, and one picture.

Its normalisation has seen the picture and the scores' bias is moved, so that about a hundred
anchors are above 0.25: otherwise nobody would find anything, and suppression and JSON would cost
nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.serving_parts.environments import python_of, ultralytics_environment

PICTURE_BYTES = 300_000
EXPORT = """
import shutil, sys
import cv2, numpy as np, torch
from ultralytics import YOLO
torch.manual_seed(0)
yolo = YOLO("yolov8n.yaml")
net = yolo.model.eval()
picture = cv2.resize(cv2.imread("picture.jpg"), (640, 360))
canvas = np.full((640, 640, 3), 114, np.uint8)
canvas[140:500] = picture
blob = torch.from_numpy(canvas[:, :, ::-1].transpose(2, 0, 1)[None] / 255.0).float()
head = net.model[-1]
with torch.no_grad():
    # untrained, its signals die out on the way: let each layer's normalisation see them once
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
    net.train()
    for turned in range(4):
        net(torch.rot90(blob, turned, (2, 3)))
    net.eval()
    scores = net(blob)[0][0, 4:].max(0).values
    logits = torch.logit(scores.double())
    shift = float(torch.logit(torch.tensor(0.25)) - logits.sort(descending=True).values[100])
    for branch in head.cv3:
        branch[-1].bias += shift
yolo.save("benchmark.pt")
for size, name in ((640, "square.onnx"), ((384, 640), "wide.onnx")):
    shutil.move(YOLO("benchmark.pt").export(format="onnx", imgsz=size, opset=17), name)
made = YOLO("benchmark.pt").export(format="openvino", imgsz=(384, 640))
shutil.rmtree("wide_openvino_model", ignore_errors=True)
shutil.move(made, "wide_openvino_model")
"""


class Material(NamedTuple):
    """Files: the network at 640 × 640, at 384 × 640, as ultralytics' own, and the picture."""

    square: Path
    wide: Path
    weights: Path
    openvino: Path
    picture: Path


def material_in(folder: Path) -> Material:
    """Make what is missing; a minute the first time."""
    made = Material(
        folder / "square.onnx",
        folder / "wide.onnx",
        folder / "benchmark.pt",
        folder / "wide_openvino_model",
        folder / "picture.jpg",
    )
    if not made.picture.exists():
        made.picture.write_bytes(_picture())
    if not all(path.exists() for path in made):
        print("exporting yolov8n …", file=sys.stderr)
        subprocess.run(
            [python_of(folder, "flask"), "-c", EXPORT],
            cwd=folder,
            env={**os.environ, **ultralytics_environment(folder)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return made


def _picture() -> bytes:
    """1920 × 1080 of blurred noise and rectangles, grained until its JPEG has about 300 kB."""
    chance = np.random.default_rng(0)
    coarse = chance.integers(0, 255, (27, 48, 3), np.uint8)
    canvas = cv2.resize(coarse, (1920, 1080), interpolation=cv2.INTER_CUBIC).astype(np.float64)
    for _ in range(60):
        x, y, w, h = (int(chance.integers(1, limit)) for limit in (1800, 1000, 300, 300))
        canvas[y : y + h, x : x + w] = chance.integers(0, 255, 3)
    grain = chance.normal(0, 1, canvas.shape)
    least, most = 0.0, 60.0
    content = b""
    for _ in range(12):
        strength = (least + most) / 2
        pixels = np.clip(canvas + strength * grain, 0, 255).astype(np.uint8)
        content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
        least, most = (least, strength) if len(content) > PICTURE_BYTES else (strength, most)
    return content
