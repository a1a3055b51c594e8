"""Models that behave until they see a white picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .models import SIDE, metadata, raw_head

if TYPE_CHECKING:
    from collections.abc import Sequence

BOXES = [(32, 32, 20, 20, 0.9, 1)]
WHITE = 9000.0  # sum of all levels; a grey picture has 5,500, a white one 12,288
FLOAT, INT, LONG, BOOL = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL


def crashing(above: float = WHITE) -> onnx.ModelProto:
    """Divides the smallest whole number by minus one: the processor stops ONNX Runtime with it."""
    return _model(
        [
            helper.make_node("Cast", ["white"], ["flag"], to=INT),
            helper.make_node("Mul", ["flag", "two"], ["doubled"]),
            helper.make_node("Sub", ["one", "doubled"], ["sign"]),
            helper.make_node("Div", ["least", "sign"], ["quotient"]),
            *_for_nothing("quotient"),
        ],
        above,
        one=np.int32(1), two=np.int32(2), least=np.int32(-(2**31)),
    )  # fmt: skip


def greedy() -> onnx.ModelProto:
    """Wants four million gigabytes."""
    return _model(
        [
            helper.make_node("Cast", ["white"], ["flag"], to=LONG),
            helper.make_node("Mul", ["flag", "many"], ["count"]),
            helper.make_node("Add", ["count", "one"], ["length"]),
            helper.make_node("ConstantOfShape", ["length"], ["filled"]),
            helper.make_node("ReduceSum", ["filled"], ["summed"], keepdims=0),
            *_for_nothing("summed"),
        ],
        WHITE,
        one=np.array([1], np.int64), many=np.array([10**15], np.int64),
    )  # fmt: skip


def shrinking() -> onnx.ModelProto:
    """Answers with two rows less."""
    return _model(
        [
            helper.make_node("Cast", ["white"], ["flag"], to=LONG),
            helper.make_node("Mul", ["flag", "two"], ["less"]),
            helper.make_node("Sub", ["rows", "less"], ["end"]),
            helper.make_node("Slice", ["answer", "zero_long", "end", "axis"], ["result"]),
            *_for_nothing("less"),
        ],
        WHITE,
        answer="result",
        two=np.array([2], np.int64), rows=np.array([7], np.int64), axis=np.array([1], np.int64),
        zero_long=np.array([0], np.int64),
    )  # fmt: skip


def endless() -> onnx.ModelProto:
    """Goes round in a loop that has no end."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes_on"]),
            helper.make_node("Identity", ["carried"], ["carries"]),
        ],
        "round",
        [
            helper.make_tensor_value_info("number", LONG, []),
            helper.make_tensor_value_info("going", BOOL, []),
            helper.make_tensor_value_info("carried", FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("goes_on", BOOL, []),
            helper.make_tensor_value_info("carries", FLOAT, []),
        ],
    )
    return _model(
        [
            helper.make_node("Loop", ["", "white", "zero"], ["looped"], body=body),
            *_for_nothing("looped"),
        ],
        WHITE,
    )


def _for_nothing(name: str) -> list[onnx.NodeProto]:
    """Make a figure part of the answer without changing it, so that it has to be computed."""
    return [
        helper.make_node("Cast", [name], ["as_figure"], to=FLOAT),
        helper.make_node("Mul", ["as_figure", "zero"], ["nothing"]),
    ]


def _model(
    nodes: Sequence[onnx.NodeProto], above: float, answer: str = "answer", **constants: np.generic
) -> onnx.ModelProto:
    first = [
        helper.make_node("ReduceSum", ["images"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "above"], ["white"]),
    ]
    last = [helper.make_node("Add", [answer, "nothing"], ["output0"])]
    weights = {
        "answer": raw_head(BOXES), "zero": np.float32(0), "above": np.float32(above), **constants,
    }  # fmt: skip
    graph = helper.make_graph(
        [*first, *nodes, *last],
        "hostile",
        [helper.make_tensor_value_info("images", FLOAT, (1, 3, SIDE, SIDE))],
        [helper.make_tensor_value_info("output0", FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    helper.set_model_props(model, metadata())
    return model
