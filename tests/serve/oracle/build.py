"""Makes tiny models of every family and task, and writes down what ultralytics sees with them.

Run in an environment that has ultralytics 8.4 and torch (see README.md here), never imported by
the tests: `python build.py FOLDER [--only PATTERN] [--fixtures]`. Each case is `NAME.onnx` and
`NAME.json`; the pictures are PNG, which every decoder reads alike.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
import types
from pathlib import Path
from typing import Any, NamedTuple

os.environ.update(
    YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false",
    YOLO_CONFIG_DIR=tempfile.mkdtemp(), MPLCONFIGDIR=tempfile.mkdtemp(),
)  # fmt: skip

import torch


def _torchvision() -> None:
    """torchvision's own Python parts; its one operator that matters, where its build lacks it.

    The only builds on the index may be for CUDA: without it they import no operator at all.
    """
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("meta")
    library = torch.library.Library("torchvision", "FRAGMENT")
    try:
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    except RuntimeError:
        return  # a build that works

    def nms(boxes: Any, scores: Any, limit: float) -> Any:
        from ultralytics.utils.nms import TorchNMS

        return TorchNMS.nms(boxes, scores, limit)

    library.impl("nms", nms, "CPU")
    _torchvision.library = library  # it undoes everything when it goes
    import torchvision.extension
    import torchvision.ops.boxes

    torchvision.extension._has_ops = lambda: True
    torchvision.ops.boxes._assert_has_ops = lambda: None
    from torchvision.ops._register_onnx_ops import _register_custom_op

    _register_custom_op()


_torchvision()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import ultralytics  # noqa: E402
import yaml  # noqa: E402
from ultralytics import RTDETR, YOLO  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from pictures import CLASSES, drawn  # noqa: E402

MODELS = Path(ultralytics.__file__).parent / "cfg/models"
SIDE = 160
RECTANGLE = [96, 160]
SIZES = ((320, 240), (200, 301), (96, 64), (427, 240))  # width and height of the pictures
MOST_BOXES = 40
IOU = 0.7
TASKS = {"detect": "", "segment": "-seg", "pose": "-pose", "obb": "-obb", "classify": "-cls"}
FORMS: dict[str, dict[str, Any]] = {
    "raw": {},
    "rectangular": {"imgsz": RECTANGLE},
    "dynamic": {"dynamic": True},
    "end-to-end": {"nms": False},
    "embedded-nms": {"nms": True, "conf": 0.001, "iou": IOU},
}


class Case(NamedTuple):
    """One export."""

    family: str
    task: str
    form: str
    description: dict[str, Any]
    trained: bool = False

    @property
    def name(self) -> str:
        trained = "-trained" if self.trained else ""
        return f"{self.family}-{self.task}-{self.form}{trained}".replace(" ", "")


def shrunk(path: str, width: float, **changed: Any) -> dict[str, Any]:
    """One of ultralytics' own descriptions, with fewer channels and three classes."""
    description = yaml.safe_load((MODELS / path).read_text())
    description |= {"nc": len(CLASSES), "scales": {"t": [0.33, width, 1024]}, "scale": "t"}
    if "kpt_shape" in description:
        description["kpt_shape"] = [4, 3]
    return description | changed


# the smallest network that still has three scales; for the fixtures, and for training
def tiny(head: str, *arguments: Any, **changed: Any) -> dict[str, Any]:
    body = [
        [-1, 1, "Conv", [8, 3, 2]], [-1, 1, "Conv", [16, 3, 2]], [-1, 1, "C2f", [16, True]],
        [-1, 1, "Conv", [16, 3, 2]], [-1, 1, "C2f", [16, True]],
        [-1, 1, "Conv", [16, 3, 2]], [-1, 1, "C2f", [16, True]],
        [-1, 1, "Conv", [16, 3, 2]], [-1, 1, "SPPF", [16, 5]],
    ]  # fmt: skip
    sources = 8 if head == "Classify" else [4, 6, 8]
    return {
        "nc": len(CLASSES), "scales": {"t": [1.0, 1.0, 1024]}, "scale": "t", "reg_max": 4,
        "kpt_shape": [4, 3], "backbone": body, "head": [[sources, 1, head, list(arguments)]],
    } | changed  # fmt: skip


def rt_detr() -> dict[str, Any]:
    description = shrunk("rt-detr/rtdetr-resnet50.yaml", 0.25)
    description["scales"] = {"t": [0.33, 0.25, 1024]}
    for layer in description["backbone"]:
        layer[3] = [layer[3][0], layer[3][1], *layer[3][2:4], 1]
    description["head"][-1][3] = ["nc", 64, 300, 4, 4, 2, 128]
    return description


def cases() -> list[Case]:
    """Everything that this machine can export."""
    found = []

    def add(family: str, task: str, description: dict[str, Any], *forms: str) -> None:
        found.extend(Case(family, task, form, description) for form in forms)

    usual = "raw", "rectangular", "dynamic", "embedded-nms"
    add("v3-tiny", "detect", shrunk("v3/yolov3-tiny.yaml", 0.0625), *usual)
    add("v3", "detect", shrunk("v3/yolov3.yaml", 0.0625), "raw")
    add("v5u", "detect", shrunk("v5/yolov5.yaml", 0.0625), *usual)
    add("v6", "detect", shrunk("v6/yolov6.yaml", 0.0625), *usual)
    add("v9", "detect", shrunk("v9/yolov9t.yaml", 0.25), *usual)
    add("v9", "segment", shrunk("v9/yolov9c-seg.yaml", 0.0625), *usual)
    add("v10", "detect", shrunk("v10/yolov10n.yaml", 0.125), *usual, "end-to-end")
    for family, width in (("8", 0.0625), ("11", 0.125), ("12", 0.25), ("26", 0.125)):
        prefix = "yolov" if family == "8" else "yolo"
        folder = f"v{family}" if family == "8" else family
        for task, suffix in TASKS.items():
            description = shrunk(f"{folder}/{prefix}{family}{suffix}.yaml", width)
            if task == "classify":
                forms: tuple[str, ...] = ("raw", "rectangular", "dynamic")
            else:
                forms = (*usual, "end-to-end") if family == "26" else usual
            add(folder if family == "8" else family, task, description, *forms)
    add("rt-detr", "detect", rt_detr(), "raw", "dynamic")
    for head, task, *arguments in (
        ("Detect", "detect", "nc"), ("Segment", "segment", "nc", 8, 16), ("OBB", "obb", "nc", 1),
        ("Pose", "pose", "nc", [4, 3]), ("Classify", "classify", "nc"),
    ):  # fmt: skip
        description = tiny(head, *arguments)
        forms = ("raw",) if task == "classify" else ("raw", "dynamic", "embedded-nms")
        found.extend(Case("tiny", task, form, description, trained=True) for form in forms)
        if task == "detect":
            both = tiny(head, *arguments, end2end=True)
            found.append(Case("tiny-e2e", task, "end-to-end", both, trained=True))
    return found


def network(case: Case, folder: Path, checkpoints: dict[str, Path]) -> Any:
    """The case's model with random or trained weights."""
    key = json.dumps([case.task, case.description, case.trained])
    if key not in checkpoints:
        torch.manual_seed(len(checkpoints))
        # the name tells the scale and, to ultralytics, the family
        stem = "rtdetr-t" if case.family == "rt-detr" else f"yolot-{len(checkpoints)}"
        description = folder / f"{stem}.yaml"
        description.write_text(yaml.safe_dump(case.description))
        make = RTDETR if case.family == "rt-detr" else YOLO
        model = make(str(description)) if make is RTDETR else make(str(description), task=case.task)
        if case.trained:
            model = trained(model, case.task, folder / f"train-{len(checkpoints)}")
        else:
            _shake(model.model, len(checkpoints))
            # without `end2end` an old head would carry it into the metadata
        model.model.names = dict(enumerate(CLASSES))
        path = folder / f"checkpoint-{len(checkpoints)}.pt"
        model.save(str(path))
        checkpoints[key] = path
    make = RTDETR if case.family == "rt-detr" else YOLO
    return make(str(checkpoints[key]))


@torch.no_grad()
def _shake(network: torch.nn.Module, seed: int) -> None:
    """Random weights whose scores differ: fresh ones give every anchor the same."""
    generator = torch.Generator().manual_seed(seed)

    def noise(tensor: Any, mean: float, spread: float) -> None:
        tensor.copy_(torch.randn(tensor.shape, generator=generator) * spread + mean)

    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            noise(module.weight, 1.0, 0.2)
            noise(module.bias, 0.0, 0.3)
            module.momentum = 1.0  # what the pictures below give is what it keeps
        elif isinstance(module, torch.nn.Conv2d) and module.bias is not None:
            each = module.in_channels**-0.5
            if "cv3." in name:
                noise(module.weight, 0.0, 1.2 * each)
                noise(module.bias, -1.5, 0.5)
            elif "cv4" in name:
                noise(module.weight, 0.0, 1.5 * each)
            elif "cv2." in name and module.out_channels == 4:
                # heads without bins tell distances to the sides as they are: let them be positive
                noise(module.weight, 0.0, 0.2 * each)
                noise(module.bias, 3.0, 0.2)
        elif isinstance(module, torch.nn.Linear) and "score" in name:
            noise(module.weight, 0.0, 0.15)
            noise(module.bias, -1.0, 0.5)
    pictures = np.stack([drawn(SIDE, SIDE, 500 + number)[0] for number in range(8)])
    network.train()
    network(torch.from_numpy(pictures[..., ::-1].copy()).permute(0, 3, 1, 2).float() / 255)
    network.eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # else what is new to a channel explodes
            module.running_var.clamp_(min=0.2)


def trained(model: Any, task: str, folder: Path) -> Any:
    """The model after some half a minute of training on drawn shapes."""
    _data_set(task, folder / "data")
    source = folder / "data" if task == "classify" else folder / "data/data.yaml"
    model.train(
        data=str(source), imgsz=SIDE, epochs=20 if task == "classify" else 40, batch=8,
        optimizer="AdamW", lr0=0.01, mosaic=0, amp=False, plots=False, workers=0, val=False,
        project=str(folder), name="run", verbose=False, seed=0, erasing=0.0,
    )  # fmt: skip
    return YOLO(folder / "run/weights/last.pt")


def _data_set(task: str, folder: Path) -> None:
    for index in range(64):
        part = "train" if index < 56 else "val"
        picture, shapes = drawn(SIDE, SIDE, 1000 + index)
        if task == "classify":
            for number, shape in enumerate(shapes):
                low, high = shape.outline.min(0), shape.outline.max(0)
                x0, y0 = np.maximum(low - 8, 0).astype(int)
                x1, y1 = np.minimum(high + 8, SIDE).astype(int)
                place = folder / part / CLASSES[shape.class_id]
                place.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(place / f"{index}-{number}.png"), picture[y0:y1, x0:x1])
            continue
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / "images" / part / f"{index}.png"), picture)
        lines = [_label(task, shape) for shape in shapes]
        (folder / "labels" / part / f"{index}.txt").write_text("\n".join(lines))
    if task != "classify":
        told = {
            "path": str(folder), "train": "images/train", "val": "images/val",
            "names": dict(enumerate(CLASSES)), "kpt_shape": [4, 3],
        }  # fmt: skip
        (folder / "data.yaml").write_text(yaml.safe_dump(told))


def _label(task: str, shape: Any) -> str:
    outline = shape.outline / SIDE
    low, high = outline.min(0), outline.max(0)
    box = [*((low + high) / 2), *(high - low)]
    if task == "segment":
        figures = outline.ravel().tolist()
    elif task == "obb":
        figures = (cv2.boxPoints(cv2.minAreaRect(shape.outline.astype(np.float32))) / SIDE).ravel()
    elif task == "pose":
        figures = [*box, *(f for x, y in shape.points / SIDE for f in (x, y, 2))]
    else:
        figures = box
    return " ".join([str(shape.class_id), *(f"{figure:.6f}" for figure in figures)])


def exported(case: Case, model: Any, folder: Path) -> Path:
    """The ONNX file."""
    options = {"imgsz": SIDE, "simplify": False, **FORMS[case.form]}
    made = Path(model.export(format="onnx", **options))
    path = folder / f"{case.name}.onnx"
    shutil.move(made, path)
    return path


def answers(case: Case, path: Path, folder: Path) -> dict[str, Any]:
    """What ultralytics sees in each picture with the exported model."""
    model = RTDETR(str(path)) if case.family == "rt-detr" else YOLO(str(path), task=case.task)
    size = FORMS[case.form].get("imgsz", SIDE)
    files = sorted(folder.glob("*.png"))

    def predicted(conf: float) -> list[Any]:
        return [
            model.predict(
                cv2.imread(str(file)), imgsz=size, conf=conf, iou=IOU, max_det=300, verbose=False,
                save=False,
            )[0]
            for file in files
        ]  # fmt: skip

    conf = 0.0011
    if case.task != "classify":
        conf = 0.25 if case.trained else conf_between(predicted(conf), conf)
    return {
        "family": case.family, "task": case.task, "form": case.form, "trained": case.trained,
        "ultralytics": ultralytics.__version__, "conf": conf, "iou": IOU,
        "pictures": {
            file.name: _noted(result)
            for file, result in zip(files, predicted(conf), strict=True)
        },
    }  # fmt: skip


def conf_between(results: list[Any], least: float) -> float:
    """A limit in the widest gap between scores that leaves some boxes on each picture."""
    found = [result.boxes if result.obb is None else result.obb for result in results]
    scores = sorted((score for boxes in found for score in boxes.conf.tolist()), reverse=True)
    most = MOST_BOXES * len(results)
    few = scores[min(len(scores), most) // 4 : most]
    gaps = [(a - b, (a + b) / 2) for a, b in itertools.pairwise(few)]
    gap, limit = max(gaps, default=(0.0, least))
    return round(limit, 7) if gap > 1e-6 else least


def _noted(result: Any) -> dict[str, Any]:
    noted: dict[str, Any] = {"size": list(result.orig_shape)}
    if result.probs is not None:
        return noted | {"probabilities": result.probs.data.tolist(), "top5": result.probs.top5}
    boxes = result.obb if result.obb is not None else result.boxes
    noted["scores"] = boxes.conf.tolist()
    noted["class_ids"] = boxes.cls.int().tolist()
    noted["corners"] = boxes.xyxy.tolist()
    if result.obb is not None:
        noted["rotated"] = boxes.xywhr.tolist()
    if result.masks is not None:
        noted["masks"] = [_run_lengths(mask) for mask in result.masks.data.numpy() > 0]
        noted["contours"] = [
            len(cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0])
            for mask in result.masks.data.numpy().astype(np.uint8)
        ]
        noted["input"] = list(result.masks.data.shape[1:])
        noted["polygons"] = [outline.round(2).tolist() for outline in result.masks.xy]
    if result.keypoints is not None:
        noted["keypoints"] = result.keypoints.data.tolist()
    return noted


def _run_lengths(mask: Any) -> list[int]:
    """Lengths of runs, row by row, the first of zeros."""
    change = np.flatnonzero(np.diff(mask.ravel(), prepend=False)) if mask.any() else []
    return np.diff([0, *change, mask.size]).tolist()


def main() -> int:
    """Build the cases; the number of those that failed is told at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="*")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for number, (width, height) in enumerate(SIZES):
        cv2.imwrite(str(given.folder / f"{number}.png"), drawn(width, height, number)[0])
    checkpoints: dict[str, Path] = {}
    failed = {}
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases():
            if not fnmatch.fnmatch(case.name, given.only):
                continue
            began = time.monotonic()
            try:
                model = network(case, Path(scratch), checkpoints)
                path = exported(case, model, given.folder)
                told = json.dumps(answers(case, path, given.folder))
            except Exception as error:
                traceback.print_exc()
                failed[case.name] = f"{type(error).__name__}: {error}"
                continue
            path.with_suffix(".json").write_text(told)
            kilobytes = path.stat().st_size // 1000
            print(f"{case.name}: {kilobytes} kB, {time.monotonic() - began:.1f} s", flush=True)
    (given.folder / "failed.txt").write_text("\n".join(f"{a}\t{b}" for a, b in failed.items()))
    print(f"{len(failed)} failed: {', '.join(failed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
