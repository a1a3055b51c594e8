"""Train, export and judge the three demonstration models of the brake disc line.

    python train.py            # everything: models/, frames/ beside this file, about 10 minutes
    python train.py --quick --out DIR   # a few steps only, to prove that the pipeline runs

This is the only file that uses ultralytics (AGPL-3.0); it runs as a process of its own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx
from dataset import write_description, write_training_patches
from judge import Detector, Found, Sample, accuracy, agreement, milliseconds, read_samples
from render import CLASS_NAMES, write_frames
from spoil import Mistake, spoil

HERE = Path(__file__).resolve().parent
TRAIN_SEED, MORE_SEED, VAL_SEED, HELD_OUT_SEED = 1_000, 100_000, 500_000, 900_000
TRAIN_IMGSZ = 128  # patches of 256 px halved, as 640 x 480 frames are halved at inference
EXPORT_IMGSZ = (256, 320)
OPSET = 17
V3_MISTAKE: Mistake = "centre"
DESCRIPTION = "YOLOv8 scaled to width 0.125, trained on synthetic brake disc frames"


@dataclass(frozen=True, slots=True)
class Stage:
    """One training run: which frames it renders, for how long it trains, and how fast."""

    first_seed: int
    frames: int
    epochs: int
    lr0: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Both runs (the second goes on from the first) and how much is rendered to judge them."""

    v1: Stage
    v2: Stage
    val_frames: int = 120
    held_out_frames: int = 36


FULL = Plan(Stage(TRAIN_SEED, 400, 24, 0.005), Stage(MORE_SEED, 700, 18, 0.004))
QUICK = Plan(Stage(TRAIN_SEED, 24, 2, 0.005), Stage(MORE_SEED, 24, 2, 0.004), 8, 8)


def prepare_ultralytics(work: Path, threads: int) -> None:
    """Keep ultralytics off the network and inside `work`; must run before it is imported."""
    os.environ.update(
        YOLO_OFFLINE="true",
        YOLO_AUTOINSTALL="false",
        YOLO_CONFIG_DIR=str(work),
        MPLCONFIGDIR=str(work),
        OMP_NUM_THREADS=str(threads),
    )
    if importlib.util.find_spec("torchvision") is None:
        _stand_in_for_torchvision(work / "stand-in")
    from ultralytics.utils import torch_utils

    vars(torch_utils)["NUM_THREADS"] = threads  # it would leave one core idle


def _stand_in_for_torchvision(folder: Path) -> None:
    """Offer the one function of torchvision that training calls, where no build of it exists."""
    (folder / "torchvision").mkdir(parents=True)
    (folder / "torchvision-0.28.0.dist-info").mkdir()
    texts = {
        "torchvision-0.28.0.dist-info/METADATA": (
            "Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n"
        ),
        "torchvision/__init__.py": '__version__ = "0.28.0"\nfrom . import ops\n',
        "torchvision/ops.py": (
            "def nms(boxes, scores, iou_threshold):\n"
            "    from ultralytics.utils.nms import TorchNMS\n"
            "    return TorchNMS.nms(boxes, scores, iou_threshold)\n"
        ),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


def write_architecture(work: Path) -> Path:
    """YOLOv8 as the installed ultralytics defines it, at width 0.125 and at most 32 channels."""
    import ultralytics
    import yaml  # type: ignore[import-untyped]

    source = Path(ultralytics.__file__).parent / "cfg" / "models" / "v8" / "yolov8.yaml"
    layout: dict[str, Any] = yaml.safe_load(source.read_text(encoding="utf-8"))
    layout["nc"] = len(CLASS_NAMES)
    layout["scales"] = {"n": [0.33, 0.125, 256]}
    path = work / "yolov8n-brake.yaml"
    path.write_text(yaml.safe_dump(layout), encoding="utf-8")
    return path


def train(start: Path, name: str, stage: Stage, val: Path, work: Path) -> Path:
    """Train from an architecture file or from weights; returns the weights of the last epoch."""
    from ultralytics import YOLO  # type: ignore[attr-defined]

    folder = work / name
    write_training_patches(folder, stage.first_seed, stage.frames)
    description = write_description(work / f"{name}.yaml", folder / "images", val / "images")
    YOLO(str(start)).train(
        data=str(description),
        imgsz=TRAIN_IMGSZ,
        epochs=stage.epochs,
        batch=16,
        nbs=16,  # a step of the optimiser for every batch: by default it waits for 64 images
        optimizer="AdamW",
        lr0=stage.lr0,
        warmup_epochs=0.5,
        mosaic=0.0,
        hsv_h=0.0,
        hsv_s=0.1,
        hsv_v=0.3,
        scale=0.1,
        translate=0.1,
        flipud=0.5,
        seed=1,
        deterministic=True,
        amp=False,
        cache="ram",
        workers=0,
        device="cpu",
        plots=False,
        val=False,
        verbose=False,
        project=str(work / "runs"),
        name=name,
    )
    return work / "runs" / name / "weights" / "last.pt"


def export(weights: Path, target: Path) -> None:
    """Export to ONNX as ultralytics does it, then take this machine's paths out of the file."""
    from ultralytics import YOLO  # type: ignore[attr-defined]

    written = YOLO(str(weights)).export(
        format="onnx", imgsz=list(EXPORT_IMGSZ), opset=OPSET, simplify=True, device="cpu"
    )
    model = onnx.load(written)
    for entry in model.metadata_props:
        if entry.key == "description":
            entry.value = DESCRIPTION
    model.doc_string = ""
    model.graph.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.save(model, str(target))


def judge(
    models: list[Path], sets: dict[str, list[Sample]]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Accuracy of every model on every set, and its agreement with the first model there."""
    results: dict[str, dict[str, Any]] = {}
    shared: dict[str, dict[str, Any]] = {}
    first: dict[str, list[Found]] = {}
    for path in models:
        detector = Detector(path)
        results[path.stem] = {"bytes": path.stat().st_size}
        shared[path.stem] = {}
        for name, samples in sets.items():
            found = [detector.find(sample.frame) for sample in samples]
            first.setdefault(name, found)
            results[path.stem][name] = accuracy(samples, found, len(CLASS_NAMES))
            shared[path.stem][name] = agreement(first[name], found)
        results[path.stem]["ms_per_frame"] = milliseconds(detector, sets["held_out"])
    return results, shared


def build(plan: Plan, out: Path, work: Path, threads: int) -> dict[str, Any]:
    """Render, train, export, spoil and judge; writes models/ and frames/ below `out`."""
    started = time.monotonic()
    models, frames = out / "models", out / "frames"
    models.mkdir(parents=True, exist_ok=True)
    write_frames(frames, frames, HELD_OUT_SEED, plan.held_out_frames)
    val = work / "val"
    write_frames(val / "images", val / "labels", VAL_SEED, plan.val_frames)

    prepare_ultralytics(work, threads)
    weights = write_architecture(work)
    paths = [models / f"brake-disc-v{number}.onnx" for number in (1, 2, 3)]
    seconds: dict[str, float] = {}
    for path, stage in zip(paths[:2], (plan.v1, plan.v2), strict=True):
        before = time.monotonic()
        weights = train(weights, path.stem, stage, val, work)
        export(weights, path)
        seconds[path.stem] = round(time.monotonic() - before, 1)
    onnx.save(spoil(onnx.load(str(paths[1])), V3_MISTAKE), str(paths[2]))

    sets = {
        "held_out": read_samples(frames, frames),
        "validation": read_samples(val / "images", val / "labels"),
    }
    results, shared = judge(paths, sets)
    metrics: dict[str, Any] = {
        "models": results,
        "agreement_with_v1": shared,
        "sets": {
            name: {
                "first_seed": seed,
                "frames": len(sets[name]),
                "defects": sum(len(sample.truth) for sample in sets[name]),
            }
            for name, seed in (("held_out", HELD_OUT_SEED), ("validation", VAL_SEED))
        },
        "training": {"plan": asdict(plan), "seconds": seconds, "threads": threads},
        "v3_mistake": V3_MISTAKE,
        "total_seconds": round(time.monotonic() - started, 1),
    }
    (models / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    return metrics


def _main() -> None:
    parser = argparse.ArgumentParser(description="Train the brake disc models from nothing.")
    parser.add_argument("--out", type=Path, default=HERE, help="where models/ and frames/ go")
    parser.add_argument("--quick", action="store_true", help="a few steps; detects nothing")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    if args.quick and args.out == HERE:
        parser.error("--quick needs --out: it would overwrite the real models")
    work = Path(tempfile.mkdtemp(prefix="brake-disc-"))
    try:
        metrics = build(QUICK if args.quick else FULL, args.out.resolve(), work, args.threads)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(json.dumps(metrics, indent=2))


if __name__ == "__main__":
    _main()
