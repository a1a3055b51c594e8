"""Judge an exported model with ONNX Runtime and numpy alone, without ultralytics.

    python judge.py models/brake-disc-v1.onnx models/brake-disc-v2.onnx frames

prints the accuracy of both on the labelled frames and how far the second agrees with the first.
"""

from __future__ import annotations

import argparse
import ast
import json
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from render import Box, Frame

Array = NDArray[np.float64]

GATE_CONF = 0.25  # what the rollout gate compares at
GATE_IOU = 0.5
EVAL_CONF = 0.001
NMS_IOU = 0.7  # ultralytics' default
MAX_BOXES = 300
PAD_GREY = 114


@dataclass(frozen=True, slots=True)
class Found:
    """Detections of one frame: corners in frame pixels (n, 4), scores (n,), classes (n,)."""

    boxes: Array
    scores: Array
    classes: NDArray[np.int64]

    def above(self, conf: float) -> Found:
        """Those with a confidence of at least `conf`."""
        keep = self.scores >= conf
        return Found(self.boxes[keep], self.scores[keep], self.classes[keep])


@dataclass(frozen=True, slots=True)
class Sample:
    """A frame and what really is on it."""

    frame: Frame
    truth: list[Box]


class Detector:
    """One exported model with a raw (1, 4 + classes, n) output, run on one CPU thread."""

    def __init__(self, path: Path) -> None:
        """Load the model; input size and class names are read from the file."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        entry = self._session.get_inputs()[0]
        self._input = entry.name
        self.height, self.width = int(entry.shape[2]), int(entry.shape[3])
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.names: dict[int, str] = ast.literal_eval(metadata["names"])

    def run(self, frame: Frame) -> Array:
        """Raw output (n, 4 + classes), boxes as centre and size in input pixels."""
        raw = self._session.run(None, {self._input: self._letterboxed(frame)})[0]
        return np.asarray(raw[0].T, np.float64)

    def find(self, frame: Frame, conf: float = EVAL_CONF, nms_iou: float = NMS_IOU) -> Found:
        """Detections at or above `conf`, after suppression within each class, best first."""
        rows = self.run(frame)
        scores, classes = rows[:, 4:].max(axis=1), rows[:, 4:].argmax(axis=1)
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] >= conf]
        xy, half = rows[order, :2], rows[order, 2:4] / 2
        boxes = np.concatenate([xy - half, xy + half], axis=1)
        keep = suppress(boxes, classes[order], nms_iou)[:MAX_BOXES]
        scale, left, top = self._fit(frame)
        placed = (boxes[keep] - np.array([left, top, left, top])) / scale
        limit = np.array([frame.shape[1], frame.shape[0]] * 2, np.float64)
        return Found(np.clip(placed, 0, limit), scores[order][keep], classes[order][keep])

    def _fit(self, frame: Frame) -> tuple[float, int, int]:
        scale = min(self.height / frame.shape[0], self.width / frame.shape[1])
        left = (self.width - round(frame.shape[1] * scale)) // 2
        top = (self.height - round(frame.shape[0] * scale)) // 2
        return scale, left, top

    def _letterboxed(self, frame: Frame) -> NDArray[np.float32]:
        scale, left, top = self._fit(frame)
        size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
        canvas = np.full((self.height, self.width, 3), PAD_GREY, np.uint8)
        canvas[top : top + size[1], left : left + size[0]] = small
        planes = canvas[:, :, ::-1].transpose(2, 0, 1)[None]
        return np.ascontiguousarray(planes, np.float32) / np.float32(255.0)


def overlaps(first: Array, second: Array) -> Array:
    """Intersection over union of every pair of corner boxes: (n, 4), (m, 4) -> (n, m)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9))


def suppress(boxes: Array, classes: NDArray[np.int64], limit: float) -> list[int]:
    """Indices that survive greedy suppression within each class; boxes come best first."""
    clash = (overlaps(boxes, boxes) > limit) & (classes[:, None] == classes[None])
    alive = np.ones(len(boxes), bool)
    kept: list[int] = []
    for index in range(len(boxes)):
        if alive[index]:
            kept.append(index)
            alive &= ~clash[index]
    return kept


def matched(base: Found, other: Found) -> int:
    """How many boxes pair up one to one: same class, IoU at least `GATE_IOU`, best pairs first."""
    quality = overlaps(base.boxes, other.boxes)
    quality[base.classes[:, None] != other.classes[None]] = 0.0
    pairs = 0
    while quality.size and quality.max() >= GATE_IOU:
        row, column = np.unravel_index(int(quality.argmax()), quality.shape)
        quality[row, :], quality[:, column] = 0.0, 0.0
        pairs += 1
    return pairs


def agreement(base: list[Found], other: list[Found]) -> dict[str, float]:
    """Boxes of `base` that `other` keeps, loses and gains, both at `GATE_CONF`."""
    kept = base_boxes = other_boxes = frames_with = 0
    for all_before, all_after in zip(base, other, strict=True):
        before, after = all_before.above(GATE_CONF), all_after.above(GATE_CONF)
        kept += matched(before, after)
        base_boxes += len(before.scores)
        other_boxes += len(after.scores)
        frames_with += int(len(after.scores) > 0)
    return {
        "base_boxes": base_boxes,
        "boxes": other_boxes,
        "frames_with_boxes": frames_with,
        "kept": kept,
        "lost": base_boxes - kept,
        "gained": other_boxes - kept,
        "lost_share": round((base_boxes - kept) / max(base_boxes, 1), 4),
    }


def accuracy(samples: list[Sample], found: list[Found], class_count: int) -> dict[str, float]:
    """Average precision (COCO's 101 points), and precision and recall at the gate's settings."""
    limits = np.linspace(0.5, 0.95, 10)
    per_class = [
        _average_precision(samples, found, number, limits) for number in range(class_count)
    ]
    hits = misses = false = 0
    for sample, one in zip(samples, found, strict=True):
        confident = one.above(GATE_CONF)
        right = matched(_as_found(sample.truth), confident)
        hits += right
        misses += len(sample.truth) - right
        false += len(confident.scores) - right
    return {
        "map50": round(float(np.mean([curve[0] for curve in per_class])), 4),
        "map50_95": round(float(np.mean(per_class)), 4),
        "precision": round(hits / max(hits + false, 1), 4),
        "recall": round(hits / max(hits + misses, 1), 4),
    }


def _average_precision(
    samples: list[Sample], found: list[Found], class_id: int, limits: Array
) -> Array:
    scores: list[Array] = []
    hits: list[NDArray[np.bool_]] = []
    total = 0
    for sample, one in zip(samples, found, strict=True):
        truth = _as_found([box for box in sample.truth if box.class_id == class_id])
        mine = one.classes == class_id
        total += len(truth.scores)
        scores.append(one.scores[mine])
        hits.append(_hits(overlaps(one.boxes[mine], truth.boxes), limits))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    right = np.concatenate(hits)[order].cumsum(axis=0)
    recall = right / max(total, 1)
    precision = right / np.arange(1, len(order) + 1)[:, None]
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    points = np.linspace(0, 1, 101)
    result = np.zeros(len(limits))
    for column in range(len(limits)):
        at = np.searchsorted(recall[:, column], points, side="left")
        reached = at < len(order)
        result[column] = envelope[at[reached], column].sum() / len(points)
    return result


def _hits(quality: Array, limits: Array) -> NDArray[np.bool_]:
    """For detections best first and each IoU limit: does it take a label still free?"""
    result = np.zeros((quality.shape[0], len(limits)), bool)
    for column, limit in enumerate(limits):
        free = np.ones(quality.shape[1], bool)
        for row in range(quality.shape[0]):
            candidates = np.where(free, quality[row], 0.0)
            if candidates.size and candidates.max() >= limit:
                result[row, column] = True
                free[int(candidates.argmax())] = False
    return result


def _as_found(truth: list[Box]) -> Found:
    boxes = np.array([[box.x1, box.y1, box.x2, box.y2] for box in truth], np.float64).reshape(-1, 4)
    classes = np.array([box.class_id for box in truth], np.int64)
    return Found(boxes, np.ones(len(truth)), classes)


def milliseconds(detector: Detector, samples: list[Sample]) -> float:
    """Median time of letterbox and inference for one frame, on one thread."""
    spent: list[float] = []
    for sample in samples:
        started = time.perf_counter()
        detector.run(sample.frame)
        spent.append((time.perf_counter() - started) * 1000)
    return round(float(np.median(spent)), 2)


def read_samples(images: Path, labels: Path) -> list[Sample]:
    """Every JPEG of a folder with its YOLO label file, by name."""
    samples: list[Sample] = []
    for path in sorted(images.glob("*.jpg")):
        frame = cv2.imread(str(path))
        if frame is None:
            raise OSError(f"cannot read {path}")
        height, width = frame.shape[:2]
        truth: list[Box] = []
        for line in (labels / f"{path.stem}.txt").read_text(encoding="utf-8").splitlines():
            class_id, x, y, w, h = line.split()
            cx, cy, dx, dy = (float(value) for value in (x, y, w, h))
            left, top = (cx - dx / 2) * width, (cy - dy / 2) * height
            truth.append(Box(int(class_id), left, top, left + dx * width, top + dy * height))
        samples.append(Sample(np.asarray(frame, np.uint8), truth))
    return samples


def _main() -> None:
    parser = argparse.ArgumentParser(description="Compare two exported models on labelled frames.")
    parser.add_argument("base", type=Path, help="model that is running now")
    parser.add_argument("other", type=Path, help="model that is to replace it")
    parser.add_argument("frames", type=Path, help="folder of JPEG frames and YOLO labels")
    parser.add_argument("--nms", type=float, default=NMS_IOU, help="IoU of suppression")
    args = parser.parse_args()
    samples = read_samples(args.frames, args.frames)
    found: list[list[Found]] = []
    for path in (args.base, args.other):
        detector = Detector(path)
        found.append([detector.find(sample.frame, nms_iou=args.nms) for sample in samples])
        result = accuracy(samples, found[-1], len(detector.names))
        result["ms"] = milliseconds(detector, samples)
        print(path.name, json.dumps(result))
    print("agreement", json.dumps(agreement(found[0], found[1])))


if __name__ == "__main__":
    _main()
