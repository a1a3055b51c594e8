"""From what a cluster says of its nodes and itself to figures that a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from yolodeploy.core.nodes import ClusterFigures, GpuLoad, NodeFigures, with_gpus
from yolodeploy.core.site import DeviceState, InstanceState, with_usage
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes.notation import quantity
from yolodeploy.sites.kubernetes.objects import Node, Usage, condition
from yolodeploy.sites.kubernetes.session import Ends
from yolodeploy.sites.kubernetes.states import PRESSURES, device_state

MIB = 1 << 20
TOLD = 20
"""Pods that wait, at most: the first say why."""

_GPU = "nvidia.com/gpu"
_MIG = "nvidia.com/mig-"
_PRODUCT = "nvidia.com/gpu.product"
_SHARING = "nvidia.com/gpu.sharing-strategy"


def device(
    node: Node, usages: Mapping[str, Usage], gpus: Mapping[str, Sequence[GpuLoad]]
) -> DeviceState:
    """A node, with what it has and what is used of it."""
    name = node.metadata.name
    figures = _figures(node, usages.get(name))
    return with_usage(device_state(node), with_gpus(figures, gpus.get(name, ())))


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


def has_gpus(node: Node) -> bool:
    """Whether a node offers GPUs to pods."""
    return _gpus(node.status.capacity or {}) > 0


def unseen_devices(instances: Iterable[InstanceState]) -> tuple[DeviceState, ...]:
    """The nodes of pods, for an account that may not list nodes: ready where a pod is."""
    mine: dict[str, list[InstanceState]] = {}
    for item in instances:
        if item.device:
            mine.setdefault(item.device, []).append(item)
    return tuple(
        DeviceState(name=name, ready=any(item.ready for item in items), node=NodeFigures())
        for name, items in sorted(mine.items())
    )


def of_cluster(
    instances: Iterable[InstanceState], ends: Ends, unseen: tuple[str, ...]
) -> ClusterFigures:
    """What is to be known of a cluster as a whole."""
    waiting = [
        f"{item.app}: {item.reason}" for item in instances
        if not item.device and not item.ready and item.reason
    ]  # fmt: skip
    return ClusterFigures(
        waiting=tuple(waiting[:TOLD]),
        certificate_ends=ends.server,
        token_ends=ends.token,
        client_ends=ends.certificate,
        credentials=ends.kind,
        unseen=unseen,
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
