"""The JSON Patches of `k3s/serve/`, which `kubectl kustomize` reads too: RFC 6902, add, replace."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

Operation = dict[str, Any]


def patched(document: Any, operations: Iterable[Operation]) -> Any:
    """`document` with operations done to it, in its place; their values are copied."""
    for operation in operations:
        *way, last = [_key(step) for step in operation["path"].split("/")[1:]]
        place = document
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        value = deepcopy(operation["value"])
        if not isinstance(place, list):
            place[last] = value
        elif last == "-":
            place.append(value)
        else:
            place[int(last)] = value
    return document


def _key(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
