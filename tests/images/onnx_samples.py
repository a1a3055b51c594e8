"""Real ONNX files in the shape of a YOLO export, small enough to be made in every test."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from yolodeploy.core.digests import digest_of
from yolodeploy.core.release import ModelFacts

LICENSE = "AGPL-3.0 License (https://ultralytics.com/license)"


def write_model(path: Path, score: float = 0.9, *, license: str = LICENSE) -> Path:  # noqa: A002
    """A network that answers every picture with one box of class `crack`."""
    head = np.zeros((1, 6, 21), np.float32)
    head[0, :, 0] = (16, 16, 8, 8, 0, score)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["head"], ["output0"])],
        "yolo",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 6, 21])],
        [numpy_helper.from_array(head, "head")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    metadata = {"task": "detect", "names": "{0: 'hole', 1: 'crack'}", "imgsz": "[32, 32]"}
    helper.set_model_props(model, {**metadata, "stride": "32", "license": license})
    onnx.save(model, path)
    return path


def facts_of(path: Path, **changed: object) -> ModelFacts:
    """What intake would say of a file, without the probe."""
    content = path.read_bytes()
    values: dict[str, object] = {
        "digest": digest_of(content),
        "size_bytes": len(content),
        "task": "detect",
        "classes": ("hole", "crack"),
        "height": 32,
        "width": 32,
        "stride": 32,
        "opset": 17,
        "license": LICENSE,
    }
    return ModelFacts(**{**values, **changed})  # type: ignore[arg-type]
