"""Opening a checkpoint with torch's weights-only loader: tensors, plain values and records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .allowed import is_recorded
from .errors import Refused, demand_memory
from .records import Record, record_class

LEAST_TORCH = (2, 6)  # from then on a stand-in may be named


def loaded(path: Path, names: frozenset[str]) -> Record:
    """The network of a checkpoint as a record: the averaged weights where there are any.

    `names` are those of `archive.names_in`; nothing of ultralytics is imported or called.

    Raises:
        Refused: `export.torch_too_old`, `export.damaged`, `export.no_network`.
    """
    import torch

    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < LEAST_TORCH:
        raise Refused("export.torch_too_old", version=torch.__version__)
    stand_ins: list[Any] = [(record_class(name), name) for name in names if is_recorded(name)]
    try:
        with torch.serialization.safe_globals(stand_ins):
            content = torch.load(path, map_location="cpu", weights_only=True)
    # a hostile pickle makes the loader fail in any way
    except Exception as error:
        demand_memory(error)
        raise Refused("export.damaged", path=path, reason=error) from error
    network = None
    if isinstance(content, dict):
        network = content.get("ema") or content.get("model")
    if not isinstance(network, Record):
        raise Refused("export.no_network", path=path)
    return network
