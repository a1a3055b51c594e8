"""What a cluster has free, and how long an app takes to start there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from yolodeploy.core.capacity import (
    Room,
    Switching,
    fits,
    no_room,
    outage_of,
    shares_beside,
    strategy_of,
)
from yolodeploy.core.release import ReleaseSpec, Resources
from yolodeploy.core.sentences import Sentence, sentence
from yolodeploy.sites.kubernetes.notation import moment, quantity
from yolodeploy.sites.kubernetes.objects import Node, Pod, Quota, Taint, condition

SHARING = "nvidia.com/gpu.sharing-strategy"
DRAIN_S = 3.0
"""The pause before a pod that leaves is told to end: `preStop` in `k3s/serve/deployment.yaml`."""

START_S = 30.0
"""Guessed where nothing runs yet that could be measured."""

BUILD_S = 180.0
"""Guessed for a start that may build a TensorRT engine; small detectors took 1 to 4 minutes."""

GUARD = Room(cpu_millis=10, memory_mb=48)
"""What the guard asks for (`k3s/guard/job.yaml`): on a full node it takes the last of the room."""

TOLERATED = ("nvidia.com/gpu",)
TOLERATED_SPOT = (
    "yolodeploy.io/spot", "kubernetes.azure.com/scalesetpriority", "cloud.google.com/gke-spot",
)  # fmt: skip
"""Taints that pods tolerate: `k3s/serve/gpu/patch.yaml`, `k3s/serve/spot/patch.yaml`."""

_CLOSED = ("NoSchedule", "NoExecute")
_MANY = 1 << 30

N = TypeVar("N", bound=Node)


def wanted_by(resources: Resources) -> Room:
    """What must be free for one more pod of a release."""
    return Room(cpu_millis=resources.cpu_millis, memory_mb=resources.memory_mb, gpus=resources.gpus)


def switching(
    spec: ReleaseSpec,
    nodes: Sequence[Node],
    everybody: Sequence[Pod],
    mine: Sequence[Pod],
    quotas: Sequence[Quota] = (),
    *,
    spot: bool = False,
    scaled: bool = False,
    build_s: float = BUILD_S,
) -> Switching:
    """How pods of a release would replace those of `mine`; `everybody` are all pods known of.

    `scaled`: an autoscaler says how many there are. `build_s` is what its TensorRT engine, if it
    has one, adds to a start.
    """
    resources, gpu = spec.resources, spec.resources.gpu_resource
    wanted, open_nodes = wanted_by(resources), open_to(nodes, resources, spot=spot)
    room_for = room_beside(spec, nodes, everybody, quotas, spot=spot)
    shared = bool(wanted.gpus) and not resources.mig and any(map(is_shared, open_nodes))
    running = [pod for pod in mine if pod.status.phase == "Running"]
    strategy, at_once = strategy_of(room_for, len(running), shared_gpu=shared)
    start = start_s(running)
    if spec.serving.engine == "tensorrt":
        start = max(start, DRAIN_S + build_s)
    blocked = _blocked(resources, open_nodes) if nodes else None
    if any(not left_of(quota, gpu).fits(GUARD) for quota in quotas):
        blocked = sentence("plan.quota_full")
    return Switching(
        strategy,
        round(outage_of(strategy, len(running), start), 1),
        at_once,
        blocked,
        beside=room_for > 0 and bool(running),
        beside_all=room_for >= len(running) > 0 and not scaled,
        no_room=no_room(room_for, len(running), scaled=scaled),
        shares=shares_beside(len(running), room_for),
        build_s=build_s if spec.serving.engine == "tensorrt" else 0.0,
    )


def room_beside(
    spec: ReleaseSpec,
    nodes: Sequence[Node],
    everybody: Sequence[Pod],
    quotas: Sequence[Quota] = (),
    *,
    spot: bool = False,
) -> int:
    """How many more pods of a release fit in beside all that are there, and a guard."""
    wanted, gpu = wanted_by(spec.resources), spec.resources.gpu_resource
    # the guard may come to any node: where it does not, its ten millicores are not missed
    free = [
        free_on(node, everybody, gpu).less(GUARD)
        for node in open_to(nodes, spec.resources, spot=spot)
    ]
    left = [left_of(quota, gpu).less(GUARD).fits(wanted) for quota in quotas]
    return min([fits(wanted, free), *left])


def holds(spec: ReleaseSpec, nodes: Sequence[Node], others: Sequence[Pod], *, spot: bool) -> int:
    """How many pods of a release there can be beside those of `others`."""
    resources = spec.resources
    open_nodes = open_to(nodes, resources, spot=spot)
    free = [free_on(node, others, resources.gpu_resource) for node in open_nodes]
    return fits(wanted_by(resources), free)


def open_to(nodes: Iterable[N], resources: Resources, *, spot: bool = False) -> list[N]:
    """The nodes to which a pod that asks for so much may come, by marks and not by room."""
    tolerated = (TOLERATED if resources.gpus else ()) + (TOLERATED_SPOT if spot else ())
    return [
        node
        for node in nodes
        if takes_pods(node)
        and all(taint.key in tolerated for taint in node.spec.taints or () if _closes(taint))
        and (not resources.gpus or _gpus_of(node, resources) >= resources.gpus)
    ]


def takes_pods(node: Node) -> bool:
    """Whether new pods may come."""
    return is_heard(node) and not node.spec.unschedulable


def is_heard(node: Node) -> bool:
    """Whether a node says that it is ready."""
    ready = condition(node.status.conditions, "Ready")
    return ready is not None and ready.status == "True"


def is_shared(node: Node) -> bool:
    """Whether several pods are given the same GPU."""
    return (node.metadata.labels or {}).get(SHARING, "none") not in ("", "none")


def free_on(node: Node, everybody: Iterable[Pod], gpu: str) -> Room:
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
        gpus=round(left(gpu)),
        pods=round(quantity(there.get("pods", 110))) - len(pods),
    )


def left_of(quota: Quota, gpu: str) -> Room:
    """What is left of a namespace's quota; of what it does not limit, more than there can be."""
    hard, used = quota.status.hard or {}, quota.status.used or {}

    def left(*names: str) -> float:
        return min(
            (quantity(hard[name]) - quantity(used.get(name)) for name in names if name in hard),
            default=float(_MANY),
        )

    return Room(
        cpu_millis=round(min(left("requests.cpu", "cpu", "limits.cpu") * 1000, _MANY)),
        memory_mb=int(min(left("requests.memory", "memory", "limits.memory") / 2**20, _MANY)),
        gpus=round(left(f"requests.{gpu}")),
        pods=round(left("pods", "count/pods")),
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


def _closes(taint: Taint) -> bool:
    return taint.effect in _CLOSED


def _gpus_of(node: Node, resources: Resources) -> float:
    return quantity((node.status.allocatable or {}).get(resources.gpu_resource))


def _blocked(resources: Resources, open_nodes: Sequence[Node]) -> Sentence | None:
    """Why no pod could ever run, were the whole site empty; None where one could."""
    wanted = wanted_by(resources)
    if any(free_on(node, (), resources.gpu_resource).fits(wanted) for node in open_nodes):
        return None
    gpus = f", {resources.gpu_resource} {resources.gpus}" if resources.gpus else ""
    asked = f"cpu {resources.cpu_millis}m, memory {resources.memory_mb}Mi{gpus}"
    return sentence("plan.no_node", asked=asked)
