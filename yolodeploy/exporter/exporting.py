"""From a network to an ONNX file, by ultralytics' own exporter."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def exported(
    network: Any,
    folder: Path,
    *,
    height: int,
    width: int,
    dynamic: bool,
    nms: bool,
    end_to_end: bool,
) -> Path:
    """Write `model.onnx` into the folder and return its path.

    `nms` puts the suppression into the graph, `end_to_end` takes the head without need of one.
    """
    from ultralytics.engine.exporter import Exporter

    # the exporter names its result after the file that the network came from
    network.pt_path = str(folder / "model.pt")
    given: dict[str, Any] = {
        "format": "onnx", "imgsz": [height, width], "batch": 1, "dynamic": dynamic, "device": "cpu",
        "simplify": True, "nms": True if nms else False if end_to_end else None,
    }  # fmt: skip
    if nms:
        # the server's own limits come after; boxes below are lost for good
        given |= {"conf": 0.001, "iou": 0.7, "max_det": 300}
    made = Exporter(overrides=given)(model=network)
    return Path(made)
