"""INT8 by calibration: what weights multiply is computed in integers, the rest stays as it is.

The graph gets QuantizeLinear and DequantizeLinear nodes (QDQ), which ONNX Runtime, OpenVINO and
TensorRT all read. Activations are u8: OpenVINO is fastest with them (FACTS, CPU engines).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import Refused

WEIGHTED = frozenset({"Conv", "Gemm", "MatMul", "ConvTranspose"})
KEPT = ("nothing", "last layers", "head")
_LAYER = re.compile(r"/model\.(\d+)/")


def quantise(source: Path, target: Path, blobs: Path, kept: str) -> None:
    """Write the quantised network; `blobs` is uint8 (frames, 3, height, width), as `.npy`.

    `kept` is one of `KEPT`: what of the head stays in float.

    Raises:
        Refused: `export.quantised_already`.
    """
    import numpy as np
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    graph = onnx.load(source).graph
    if any(node.op_type == "QuantizeLinear" for node in graph.node):
        raise Refused("export.quantised_already", path=source)
    name = graph.input[0].name
    frames = np.load(blobs, mmap_mode="r")

    class Frames(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left: Iterator[Any] = iter(frames)

        def get_next(self) -> dict[str, Any] | None:
            frame = next(self.left, None)
            return None if frame is None else {name: (frame[None] / 255).astype(np.float32)}

    quantize_static(
        source,
        target,
        Frames(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        nodes_to_exclude=[*_not_weighted(graph), *_kept(graph, kept)],
        # ranges of many frames are averaged: one odd frame must not coarsen all others
        extra_options={"CalibMovingAverage": True, "CalibMovingAverageConstant": 0.1},
    )


def _not_weighted(graph: Any) -> list[str]:
    # one scale over pixels and probabilities alike would round every score to nothing
    return [node.name for node in graph.node if node.op_type not in WEIGHTED]


def _kept(graph: Any, kept: str) -> list[str]:
    if kept == "nothing":
        return []
    if kept == "head":
        last = max((_layer(node) for node in graph.node), default=-1)
        return [node.name for node in graph.node if last >= 0 and _layer(node) == last]
    return [node.name for node in _last_weighted(graph)]


def _layer(node: Any) -> int:
    found = _LAYER.match(node.name)
    return int(found[1]) if found else -1


def _last_weighted(graph: Any) -> list[Any]:
    """The weighted nodes behind which no other one comes."""
    makers = {output: node for node in graph.node for output in node.output}
    wanted = [output.name for output in graph.output]
    seen: set[str] = set()
    found: dict[str, Any] = {}
    while wanted:
        value = wanted.pop()
        node = makers.get(value)
        if node is None or value in seen:
            continue
        seen.add(value)
        # a MatMul of two activations has no weights and ends no branch
        if node.op_type in {"Conv", "Gemm"}:
            found[node.name] = node
        else:
            wanted.extend(node.input)
    return list(found.values())
