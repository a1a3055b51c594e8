"""From what a cluster says of its nodes and itself to figures that a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from yolodeploy.core.nodes import ClusterFigures, NodeFigures
from yolodeploy.core.site import DeviceState, InstanceState
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes.objects import Node, Usage, condition, quantity
from yolodeploy.sites.kubernetes.states import PRESSURES, device_state

MIB = 1 << 20
TOLD = 20
"""Pods that wait, at most: the first say why."""

_GPU = "nvidia.com/gpu"
_MIG = "nvidia.com/mig-"
_PRODUCT = "nvidia.com/gpu.product"
_SHARING = "nvidia.com/gpu.sharing-strategy"


def device(node: Node, usages: Mapping[str, Usage]) -> DeviceState:
    """A node, with what it has and what is used of it."""
    usage = usages.get(node.metadata.name)
    figures = _figures(node, usage)
    used, whole = figures.cpu_used_millis, figures.cpu_millis
    state = device_state(node)
    return DeviceState(
        name=state.name,
        ready=state.ready,
        reason=state.reason,
        cpu_percent=round(100 * used / whole, 1) if used is not None and whole else 0.0,
        memory_mb=float(figures.memory_used_mb or 0),
        node=figures,
    )


def _figures(node: Node, usage: Usage | None) -> NodeFigures:
    capacity, free = node.status.capacity or {}, node.status.allocatable or {}
    used = (usage.usage or {}) if usage is not None else {}
    labels = node.metadata.labels or {}
    shared = labels.get(_SHARING, "")
    mig = any(name.startswith(_MIG) for name in free)
    return NodeFigures(
        kubelet=one_line(node.status.node_info.kubelet_version, 40),
        pressures=tuple(kind for kind in PRESSURES if _has(node, kind)),
        cpu_capacity_millis=_millis(capacity.get("cpu")),
        cpu_millis=_millis(free.get("cpu")),
        cpu_used_millis=_millis(used["cpu"]) if "cpu" in used else None,
        memory_capacity_mb=_mb(capacity.get("memory")),
        memory_mb=_mb(free.get("memory")),
        memory_used_mb=_mb(used["memory"]) if "memory" in used else None,
        pods=int(quantity(free.get("pods"))),
        gpus_capacity=_gpus(capacity),
        gpus=_gpus(free),
        gpu=one_line(labels.get(_PRODUCT, ""), 60),
        sharing="mig" if mig else "" if shared == "none" else one_line(shared, 20),
    )


def of_cluster(
    instances: Iterable[InstanceState], certificate_ends: float | None, ends: float | None
) -> ClusterFigures:
    """What is to be known of a cluster as a whole."""
    waiting = [
        f"{item.app}: {item.reason}" for item in instances
        if not item.device and not item.ready and item.reason
    ]  # fmt: skip
    return ClusterFigures(
        waiting=tuple(waiting[:TOLD]), certificate_ends=certificate_ends, token_ends=ends
    )


def _has(node: Node, kind: str) -> bool:
    found = condition(node.status.conditions, kind)
    return found is not None and found.status == "True"


def _gpus(resources: Mapping[str, str | int]) -> int:
    mine = (
        n for n in resources if n in (_GPU, f"{_GPU}.shared") or n.startswith("nvidia.com/mig-")
    )
    return int(sum(quantity(resources[name]) for name in mine))


def _millis(value: str | int | None) -> int:
    return round(1000 * quantity(value))


def _mb(value: str | int | None) -> int:
    return int(quantity(value) // MIB)
