"""Tiny ONNX files shaped like YOLO exports, so that tests need neither torch nor ultralytics.

The raw head answers what it is given: `boxes` are baked into the file as its output. A slow one
multiplies large matrices first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CLASSES = ("scratch", "crack", "hole")
SIDE = 64
ANCHORS = 84


def metadata(**changed: str | None) -> dict[str, str]:
    """What ultralytics writes, with some values changed or (None) left out."""
    values: dict[str, str | None] = {
        "description": "Ultralytics YOLOv8n model",
        "author": "Ultralytics",
        "version": "8.4.190",
        "license": "AGPL-3.0 License (https://ultralytics.com/license)",
        "stride": "32",
        "task": "detect",
        "batch": "1",
        "imgsz": f"[{SIDE}, {SIDE}]",
        "names": repr(dict(enumerate(CLASSES))),
        "args": "{'batch': 1, 'nms': False}",
        "end2end": "False",
    }
    return {name: value for name, value in {**values, **changed}.items() if value is not None}


def raw_head(boxes: Sequence[Sequence[float]], anchors: int = ANCHORS) -> np.ndarray[Any, Any]:
    """(1, 4 + classes, anchors) with some boxes (cx cy w h score class) in the first columns."""
    head = np.zeros((1, 4 + len(CLASSES), anchors), np.float32)
    for column, (cx, cy, w, h, score, class_id) in enumerate(boxes):
        head[0, :4, column] = cx, cy, w, h
        head[0, 4 + int(class_id), column] = score
    return head


def end_to_end(rows: Sequence[Sequence[float]]) -> np.ndarray[Any, Any]:
    """(1, 300, 6) with some rows x1 y1 x2 y2 score class."""
    head = np.zeros((1, 300, 6), np.float32)
    for index, row in enumerate(rows):
        head[0, index] = row
    return head


def constant_model(
    output: np.ndarray[Any, Any],
    *,
    meta: Mapping[str, str] | None = None,
    shape: Sequence[int | str] = (1, 3, SIDE, SIDE),
    work: int = 0,
    opset: int = 17,
    ir_version: int = 9,
    input_type: int = TensorProto.FLOAT,
    second: np.ndarray[Any, Any] | None = None,
) -> onnx.ModelProto:
    """A model that answers `output` whatever it sees; `work`: side of a matrix it squares first.

    `second` is another output's answer: the prototypes of masks.

    The picture's sum, made zero, is added, so that the engine cannot fold the answer away.
    """
    nodes = [
        helper.make_node("Cast", ["images"], ["as_float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["as_float"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Add", ["answer", "nothing"], ["before"]),
    ]
    weights = [
        numpy_helper.from_array(output, "answer"),
        numpy_helper.from_array(np.float32(0), "zero"),
    ]
    last = "before"
    if work:
        nodes += [
            helper.make_node("Add", ["matrix", "nothing"], ["moved"]),
            helper.make_node("MatMul", ["moved", "moved"], ["square"]),
            helper.make_node("ReduceSum", ["square"], ["worked"], keepdims=0),
            helper.make_node("Mul", ["worked", "zero"], ["worked_off"]),
            helper.make_node("Add", ["before", "worked_off"], ["after"]),
        ]
        weights.append(numpy_helper.from_array(np.ones((work, work), np.float32), "matrix"))
        last = "after"
    nodes.append(helper.make_node("Identity", [last], ["output0"]))
    outputs = [helper.make_tensor_value_info("output0", TensorProto.FLOAT, None)]
    if second is not None:
        weights.append(numpy_helper.from_array(second, "prototypes"))
        nodes.append(helper.make_node("Add", ["prototypes", "nothing"], ["output1"]))
        outputs.append(helper.make_tensor_value_info("output1", TensorProto.FLOAT, None))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", input_type, shape)],
        outputs,
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="pytorch"
    )
    model.ir_version = ir_version
    helper.set_model_props(model, dict(metadata() if meta is None else meta))
    return model


def written(model: onnx.ModelProto, path: Path) -> Path:
    """The model as a file."""
    path.write_bytes(model.SerializeToString())
    return path
