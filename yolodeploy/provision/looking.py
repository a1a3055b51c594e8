"""What gateways judge of their cluster, judged here: of one whose hosts nobody can log in to.

There is one program that judges, `files/look` of the role `preflight`. A gateway runs all of it and
asks `k3s kubectl`; here its part on clusters is loaded, and asks whoever can read the API.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

LOOK = "roles/preflight/files/look"
CHECKS = (
    "node_not_ready", "node_cordoned", "node_pressure", "gpu_runtime_class", "gpu_allocatable",
    "pods_waiting", "pods_ending", "pods_pulling",
)  # fmt: skip
"""Those of the program that need no host, in its order."""

GPU_CHECKS = frozenset({"gpu_runtime_class", "gpu_allocatable"})
POD_WAIT_S = 300
"""As `preflight_pod_wait_s`: what waits for longer goes on by itself no more."""

_GPU_LABELS = ("nvidia.com/gpu.present", "feature.node.kubernetes.io/pci-10de.present")
_GPU = "nvidia.com/gpu"

Read = Callable[[str], list[dict[str, Any]] | None]
"""All objects of a kind (`nodes`, `pods`, …) as the API has them; None: they cannot be read."""


class Judged(NamedTuple):
    """What a check came to (`ok`, `finding`, `unknown`, `not applicable`), with its figures."""

    check: str
    result: str
    fields: Mapping[str, object]


class _Asked:
    """What the program takes for the machine that it runs on."""

    def __init__(self, read: Read, asked: Mapping[str, object], kinds: Sequence[str]) -> None:
        self.asked = asked
        self._read = read
        self._before = len(kinds)

    def data(self, *command: str) -> dict[str, object] | None:
        """What `kubectl get` prints as JSON."""
        found = self._read(command[self._before])
        return None if found is None else {"items": found}


def judge(playbooks: Path, read: Read) -> list[Judged]:
    """Every check, of what can be read; `playbooks` is the folder of them."""
    look, nodes = _program(playbooks / LOOK), read("nodes")
    with_gpus = _with_gpus(nodes or ())
    host = _Asked(read, {"nodes": with_gpus, "pod_wait_s": POD_WAIT_S}, look.KUBECTL)
    no_gpus = "unknown" if nodes is None else "not applicable"
    return [
        Judged(name, no_gpus, {})
        if name in GPU_CHECKS and not with_gpus
        else _one(look, name, host)
        for name in CHECKS
    ]


def _one(look: ModuleType, name: str, host: _Asked) -> Judged:
    try:
        told = look.CHECKS[name](host)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError) as error:
        # an API server may answer anything; the program on a gateway says no more either
        return Judged(name, "unknown", {"reason": f"{type(error).__name__}: {error}"})
    return Judged(name, told.result, told.fields)


def _with_gpus(nodes: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The nodes that are known to have a GPU, and by what: they have to offer it to pods."""
    found = {}
    for node in nodes:
        labels, capacity = part(node, "metadata", "labels"), part(node, "status", "capacity")
        marks = [label for label in _GPU_LABELS if labels.get(label) == "true"]
        marks += [name for name, count in capacity.items() if _is_gpu(name) and count != "0"]
        if marks:
            name = str(part(node, "metadata").get("name"))
            found[name] = {"profile": "nvidia", "sharing": marks[0]}
    return found


def part(item: object, *way: str) -> dict[str, Any]:
    """What lies inside an object; empty where a cluster says something else there."""
    for key in way:
        item = item.get(key) if isinstance(item, dict) else None
    return item if isinstance(item, dict) else {}


def _is_gpu(resource: str) -> bool:
    return resource.startswith((_GPU, "nvidia.com/mig-"))


def _program(folder: Path) -> ModuleType:
    """Its part on clusters. Its files call their package `look`."""
    if "look" not in sys.modules:
        spec = spec_from_file_location(
            "look", folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None and spec.loader is not None  # noqa: S101 it is shipped
        package = module_from_spec(spec)
        spec.loader.exec_module(package)
        sys.modules["look"] = package
    return import_module("look.cluster")
