"""Spoil an exported model the way it happens in practice: normalise its input a second time.

Inputs, outputs, metadata and speed stay as they were, so nothing but its detections tells.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx
from onnx import helper, numpy_helper

Mistake = Literal["imagenet", "centre", "second-255"]

# out = (in - shift) / scale, per channel (RGB), on an input that is already 0..1
MISTAKES: dict[Mistake, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "centre": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "second-255": ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
}


def spoil(model: onnx.ModelProto, mistake: Mistake) -> onnx.ModelProto:
    """Copy of `model` with a second, wrong normalisation folded in behind its only input."""
    spoiled = onnx.ModelProto()
    spoiled.CopyFrom(model)
    graph = spoiled.graph
    source, shifted, scaled = graph.input[0].name, "input_shifted", "input_scaled"
    for node in graph.node:
        node.input[:] = [scaled if name == source else name for name in node.input]
    for name, values in zip(("input_shift", "input_scale"), MISTAKES[mistake], strict=True):
        plane = np.array(values, np.float32).reshape(1, 3, 1, 1)
        graph.initializer.append(numpy_helper.from_array(plane, name))
    graph.node.insert(0, helper.make_node("Sub", [source, "input_shift"], [shifted]))
    graph.node.insert(1, helper.make_node("Div", [shifted, "input_scale"], [scaled]))
    onnx.checker.check_model(spoiled)
    return spoiled
