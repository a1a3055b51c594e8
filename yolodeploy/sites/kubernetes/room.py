"""What a cluster has free, and how long an app takes to start there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yolodeploy.core.capacity import Room, Strategy, Switching, outage_of, strategy_of
from yolodeploy.core.release import Resources
from yolodeploy.sites.kubernetes.manifests import GPU
from yolodeploy.sites.kubernetes.objects import Node, Pod, condition, moment, quantity

SHARING = "nvidia.com/gpu.sharing-strategy"
DRAIN_S = 3.0
"""The pause before a pod that leaves is told to end: `preStop` in `k3s/serve/deployment.yaml`."""

START_S = 30.0
"""Guessed where nothing runs yet that could be measured."""


GUARD = Room(cpu_millis=10, memory_mb=48)
"""What the guard asks for (`k3s/guard/job.yaml`): on a full node it takes the last of the room."""


def wanted_by(resources: Resources) -> Room:
    """What must be free for one more pod of a release, with its guard beside it."""
    return Room(
        cpu_millis=resources.cpu_millis + GUARD.cpu_millis,
        memory_mb=resources.memory_mb + GUARD.memory_mb,
        gpus=resources.gpus,
        pods=2,
    )


def switching(
    resources: Resources, nodes: Sequence[Node], everybody: Sequence[Pod], mine: Sequence[Pod]
) -> Switching:
    """How pods of a release would replace those of `mine`; `everybody` are all pods known of."""
    open_nodes = [node for node in nodes if takes_pods(node)]
    free = [free_on(node, everybody) for node in open_nodes]
    shared = any(is_shared(node) for node in open_nodes)
    strategy: Strategy = strategy_of(wanted_by(resources), free, shared_gpu=shared)
    running = [pod for pod in mine if pod.status.phase == "Running"]
    return Switching(strategy, round(outage_of(strategy, len(running), start_s(running)), 1))


def takes_pods(node: Node) -> bool:
    """Whether new pods may come."""
    ready = condition(node.status.conditions, "Ready")
    return ready is not None and ready.status == "True" and not node.spec.unschedulable


def is_shared(node: Node) -> bool:
    """Whether several pods are given the same GPU."""
    return (node.metadata.labels or {}).get(SHARING, "none") not in ("", "none")


def free_on(node: Node, everybody: Iterable[Pod]) -> Room:
    """What is left of a node, by what its pods ask for. A pod that ends still has its part."""
    there = node.status.allocatable or {}
    pods = [
        pod
        for pod in everybody
        if pod.spec.node_name == node.metadata.name
        and pod.status.phase not in ("Succeeded", "Failed")
    ]
    asked = [
        container.resources.requests or {} for pod in pods for container in pod.spec.containers
    ]

    def left(name: str) -> float:
        return quantity(there.get(name)) - sum(quantity(item.get(name)) for item in asked)

    return Room(
        cpu_millis=round(left("cpu") * 1000),
        memory_mb=int(left("memory") / 2**20),
        gpus=round(left(GPU)),
        pods=round(quantity(there.get("pods", 110))) - len(pods),
    )


def start_s(pods: Iterable[Pod]) -> float:
    """The longest that running pods took from their start to ready, and the drain before it."""
    times = []
    for pod in pods:
        ready = condition(pod.status.conditions, "Ready")
        began, done = (
            moment(pod.status.start_time),
            moment(ready.last_transition_time if ready else None),
        )
        if began and done >= began and not _restarted(pod):
            times.append(done - began)
    return DRAIN_S + (max(times) if times else START_S)


def _restarted(pod: Pod) -> bool:
    """It has become ready again since: the difference says nothing of its start."""
    return any(item.restart_count for item in pod.status.container_statuses or ())
