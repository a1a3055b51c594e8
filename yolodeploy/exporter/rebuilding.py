"""The network built anew from its checked description, with the checkpoint's weights in it.

What comes out is ultralytics' own class, made by its own constructor from values that were
checked; the checkpoint's objects are never used as objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .architecture import checked
from .errors import Refused, demand_memory
from .records import Record

# class in the checkpoint → (class to build, task)
NETWORKS = {
    "DetectionModel": ("DetectionModel", "detect"),
    "YOLOv10DetectionModel": ("DetectionModel", "detect"),
    "RTDETRDetectionModel": ("RTDETRDetectionModel", "detect"),
    "SegmentationModel": ("SegmentationModel", "segment"),
    "PoseModel": ("PoseModel", "pose"),
    "OBBModel": ("OBBModel", "obb"),
    "ClassificationModel": ("ClassificationModel", "classify"),
}
ALIASES = {"Silence": "Identity", "YOLOv10DetectionModel": "DetectionModel"}
MOST_CLASSES = 10_000
DEEPEST = 40
# what torch's own layers are told, and the description may not tell the same of
FIGURES = (
    "kernel_size", "stride", "padding", "dilation", "groups", "eps", "num_features", "in_channels",
    "out_channels", "in_features", "out_features", "scale_factor", "mode", "negative_slope",
)  # fmt: skip


def rebuilt(record: Record) -> Any:
    """The network, in eval mode and float32.

    Raises:
        Refused: `export.unknown_network`, those of `architecture.checked`, `export.other_network`,
            what it describes is not what the weights are of.
    """
    import torch
    from ultralytics.nn import tasks

    made, task = _kind(record)
    description = checked(record.get("yaml"))
    names = _names(record.get("names"))
    weights = dict(_weights(record))
    keypoints = description.get("kpt_shape")
    more = {"data_kpt_shape": tuple(keypoints)} if made == "PoseModel" and keypoints else {}
    try:
        with torch.no_grad():
            network = getattr(tasks, made)(cfg=description, ch=3, verbose=False, **more)
            network.load_state_dict(weights, strict=True)
    # ultralytics and torch raise anything for a description that makes no sense
    except Exception as error:
        demand_memory(error)
        raise Refused("export.other_network", reason=error) from error
    for place, ours, theirs in _pairs("", network, record):
        _demand_alike(place, ours, theirs)
    if len(names) != network.yaml["nc"]:
        raise Refused("export.description", field="names", value=f"{len(names)} names")
    network.names = names
    network.task = task
    network.args = {"data": ""}  # the exporter would tell where it was trained
    return network.float().eval()


def image_size(record: Record) -> int:
    """The side that the network was trained with, in pixels; 640 where it is not told."""
    told = record.get("args")
    values = told.state if isinstance(told, Record) else told
    side = values.get("imgsz") if isinstance(values, dict) else None
    if isinstance(side, (list, tuple)) and side:
        side = side[0]
    return side if isinstance(side, int) and not isinstance(side, bool) and side > 0 else 640


def _kind(record: Record) -> tuple[str, str]:
    module, _, name = record.full_name.rpartition(".")
    if not module.startswith("ultralytics.nn.") or name not in NETWORKS:
        raise Refused("export.unknown_network", name=name, known=", ".join(NETWORKS))
    return NETWORKS[name]


def _names(names: object) -> dict[int, str]:
    listed = dict(enumerate(names)) if isinstance(names, (list, tuple)) else names
    if not isinstance(listed, dict) or not 1 <= len(listed) <= MOST_CLASSES:
        raise Refused("export.description", field="names", value=type(names).__name__)
    if set(listed) != set(range(len(listed))):
        raise Refused("export.description", field="names", value=sorted(map(str, listed))[:5])
    return {class_id: str(listed[class_id])[:100] for class_id in range(len(listed))}


def _weights(record: Record, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """What `state_dict` would give: parameters and buffers by their path."""
    import torch

    if depth > DEEPEST:
        raise Refused("export.description", field="modules", value="nested too deeply")
    left_out = record.get("_non_persistent_buffers_set") or ()
    for kind in ("_parameters", "_buffers"):
        for name, tensor in dict(record.get(kind) or {}).items():
            if tensor is None or (kind == "_buffers" and name in left_out):
                continue
            if not isinstance(tensor, torch.Tensor):
                raise Refused("export.description", field=kind, value=type(tensor).__name__)
            yield f"{prefix}{name}", tensor
    for name, inner in _modules(record):
        yield from _weights(inner, f"{prefix}{name}.", depth + 1)


def _modules(record: Record) -> Iterator[tuple[str, Record]]:
    for name, inner in dict(record.get("_modules") or {}).items():
        # the loss that training leaves behind is no part of the network
        if isinstance(inner, Record) and name != "criterion":
            yield str(name), inner


def _pairs(place: str, ours: Any, theirs: Record) -> Iterator[tuple[str, Any, Record]]:
    yield place, ours, theirs
    inner = dict(_modules(theirs))
    children = {name: child for name, child in ours._modules.items() if child is not None}
    if inner.keys() != children.keys():
        raise Refused("export.other_network", reason=f"other layers in {place or 'the network'}")
    for name, child in children.items():
        yield from _pairs(f"{place}.{name}".strip("."), child, inner[name])


def _demand_alike(place: str, ours: Any, theirs: Record) -> None:
    """Weights alone do not make a network: a stride or an activation has none."""
    name = ALIASES.get(theirs.class_name, theirs.class_name)
    if type(ours).__name__ != name:
        reason = f"{place} is {name} in the file and {type(ours).__name__} by its description"
        raise Refused("export.other_network", reason=reason)
    if not theirs.full_name.startswith("torch."):
        return
    for figure in FIGURES:
        told, built = theirs.get(figure), ours.__dict__.get(figure)
        if told is not None and built is not None and told != built:
            reason = f"{figure} of {place} is {told} in the file and {built} by its description"
            raise Refused("export.other_network", reason=reason)
