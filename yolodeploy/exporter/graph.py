"""The last touches to an exported graph, with the onnx package alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import Refused

LARGEST = (2 << 30) - 1  # bytes; protobuf's own limit
UNSTEADY = ("date",)  # else the same weights would be another model at every export


def finish(
    path: Path, *, pinned: tuple[int, int] | None, half: bool, nms: bool, end_to_end: bool
) -> None:
    """Rewrite the file: without a date, at a pinned (height, width), in float16.

    Only the batch stays dynamic in a pinned graph: that is all that a GPU gains from.

    Raises:
        Refused: `export.too_large`; `export.no_nms`, `export.not_end_to_end`: what was asked for
            is not in the graph.
    """
    import onnx

    model = onnx.load(path)
    told = {one.key: one.value for one in model.metadata_props}
    if end_to_end and told.get("end2end") != "True":
        raise Refused("export.not_end_to_end")
    # without a whole torchvision the exporter leaves it out and says nothing
    # (of rotated boxes it is made of plain operators)
    upright = told.get("task") != "obb"
    if (
        nms
        and upright
        and not any(node.op_type == "NonMaxSuppression" for node in model.graph.node)
    ):
        raise Refused("export.no_nms")
    kept = [one for one in model.metadata_props if one.key not in UNSTEADY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    if pinned is not None:
        _pin(model, *pinned)
    if half:
        model = _halved(model)
    if model.ByteSize() > LARGEST:
        raise Refused("export.too_large", size=model.ByteSize(), limit=LARGEST)
    onnx.save(model, path)


def _pin(model: Any, height: int, width: int) -> None:
    axes = model.graph.input[0].type.tensor_type.shape.dim
    for axis, size in ((axes[2], height), (axes[3], width)):
        axis.ClearField("dim_param")
        axis.dim_value = size


def _halved(model: Any) -> Any:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    # inputs and outputs too: the server prepares pictures in the input's type
    return convert_float_to_float16(model, keep_io_types=False)
