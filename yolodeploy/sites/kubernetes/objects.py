"""The fields that are read of Kubernetes objects; everything else of an answer is skipped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from yolodeploy.core.decoding import known


class _Object(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What the API calls `camelCase`; fields that are not named here are not decoded.

    The collector need not look through them: nothing in them points back, and a poll has thousands.
    """


class Metadata(_Object, frozen=True):
    """Names and versions."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Condition(_Object, frozen=True):
    """`type` is true, false or unknown since a moment."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class Resources(_Object, frozen=True):
    """What a container asks for, as quantities."""

    requests: dict[str, str | int] | None = None


class Container(_Object, frozen=True):
    """One container of a pod's specification."""

    name: str = ""
    resources: Resources = Resources()


class PodSpec(_Object, frozen=True):
    """Where a pod runs, and what it asks for."""

    node_name: str = ""
    containers: tuple[Container, ...] = ()


class Reason(_Object, frozen=True):
    """Why a container waits or has ended."""

    reason: str = ""
    message: str = ""
    exit_code: int = 0


class ContainerState(_Object, frozen=True):
    """One of the three is there."""

    waiting: Reason | None = None
    terminated: Reason | None = None


class ContainerStatus(_Object, frozen=True):
    """One container as its node sees it."""

    name: str = ""
    ready: bool = False
    restart_count: int = 0
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class PodStatus(_Object, frozen=True):
    """A pod as its node sees it."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    start_time: str | None = None
    conditions: tuple[Condition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None


class Pod(_Object, frozen=True):
    """One pod."""

    metadata: Metadata
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Image(_Object, frozen=True):
    """An image that a node has, by all its names."""

    names: tuple[str, ...] | None = None
    size_bytes: int = 0


class NodeInfo(_Object, frozen=True):
    """What runs a node; k3s has its own version in the kubelet's."""

    kubelet_version: str = ""


class NodeStatus(_Object, frozen=True):
    """A node as its kubelet reports it, but for its images, which are most of that."""

    allocatable: dict[str, str | int] | None = None
    capacity: dict[str, str | int] | None = None
    node_info: NodeInfo = NodeInfo()
    conditions: tuple[Condition, ...] | None = None


class Taint(_Object, frozen=True):
    """What keeps pods away that do not tolerate it."""

    key: str = ""
    value: str = ""
    effect: str = ""


class NodeSpec(_Object, frozen=True):
    """Whether new pods may come."""

    unschedulable: bool = False
    taints: tuple[Taint, ...] | None = None


class Node(_Object, frozen=True):
    """One node."""

    metadata: Metadata
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class WholeNodeStatus(NodeStatus, frozen=True):
    """With its images: 50 are named at most, the largest."""

    images: tuple[Image, ...] | None = None


class WholeNode(Node, frozen=True):
    """One node with its images."""

    status: WholeNodeStatus = WholeNodeStatus()


class QuotaStatus(_Object, frozen=True):
    """What all pods of a namespace may ask for, and what they do."""

    hard: dict[str, str | int] | None = None
    used: dict[str, str | int] | None = None


class Quota(_Object, frozen=True):
    """One ResourceQuota."""

    metadata: Metadata
    status: QuotaStatus = QuotaStatus()


class Target(_Object, frozen=True):
    """Whose `replicas` an autoscaler sets."""

    kind: str = ""
    name: str = ""


class AutoscalerSpec(_Object, frozen=True):
    """What is scaled."""

    scale_target_ref: Target = Target()


class Autoscaler(_Object, frozen=True):
    """One HorizontalPodAutoscaler."""

    metadata: Metadata
    spec: AutoscalerSpec = AutoscalerSpec()


class StorageClass(_Object, frozen=True):
    """One way of getting volumes."""

    metadata: Metadata


class DeploymentSpec(_Object, frozen=True):
    """How many pods shall run."""

    replicas: int = 1


class DeploymentStatus(_Object, frozen=True):
    """How far the controller is."""

    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    conditions: tuple[Condition, ...] | None = None


class Deployment(_Object, frozen=True):
    """One Deployment."""

    metadata: Metadata
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


class ConfigMap(_Object, frozen=True):
    """One ConfigMap; what it holds is text."""

    metadata: Metadata
    data: dict[str, str] | None = None


class LeaseSpec(_Object, frozen=True):
    """Who holds it; a moment is RFC 3339 with microseconds."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None


class Lease(_Object, frozen=True):
    """The site's mark."""

    metadata: Metadata
    spec: LeaseSpec = LeaseSpec()


class JobStatus(_Object, frozen=True):
    """How a Job ended."""

    succeeded: int = 0
    failed: int = 0
    conditions: tuple[Condition, ...] | None = None


class Job(_Object, frozen=True):
    """One Job."""

    metadata: Metadata
    status: JobStatus = JobStatus()


class ListMetadata(_Object, frozen=True):
    """What version a list is of, and where it goes on; empty at its end."""

    resource_version: str = ""
    goes_on: str = msgspec.field(default="", name="continue")


class Pods(_Object, frozen=True):
    """A list of pods."""

    items: tuple[Pod, ...]
    metadata: ListMetadata = ListMetadata()


class Nodes(_Object, frozen=True):
    """A list of nodes."""

    items: tuple[Node, ...]
    metadata: ListMetadata = ListMetadata()


class WholeNodes(_Object, frozen=True):
    """The same list with their images."""

    items: tuple[WholeNode, ...]
    metadata: ListMetadata = ListMetadata()


class ConfigMaps(_Object, frozen=True):
    """A list of ConfigMaps."""

    items: tuple[ConfigMap, ...]
    metadata: ListMetadata = ListMetadata()


class Usage(_Object, frozen=True):
    """What a node uses, as metrics-server has measured it: quantities."""

    metadata: Metadata
    usage: dict[str, str | int] | None = None


class Usages(_Object, frozen=True):
    """A list of them."""

    items: tuple[Usage, ...]
    metadata: ListMetadata = ListMetadata()


class Event(msgspec.Struct, frozen=True):
    """One line of a watch; what `object` is depends on `type`."""

    type: str
    object: msgspec.Raw


class Versioned(_Object, frozen=True):
    """What is read of any object: a bookmark has nothing else."""

    metadata: Metadata = Metadata()


class Quotas(_Object, frozen=True):
    """A list of ResourceQuotas."""

    items: tuple[Quota, ...]


class Autoscalers(_Object, frozen=True):
    """A list of HorizontalPodAutoscalers."""

    items: tuple[Autoscaler, ...]


class StorageClasses(_Object, frozen=True):
    """A list of StorageClasses."""

    items: tuple[StorageClass, ...]


def condition(conditions: tuple[Condition, ...] | None, kind: str) -> Condition | None:
    """The condition of a type."""
    return next((item for item in conditions or () if item.type == kind), None)


def moment(text: str | None) -> float:
    """Unix seconds of an RFC 3339 time; 0 where there is none."""
    if not text:
        return 0.0
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def rfc3339(at: float) -> str:
    """A time as Kubernetes writes a MicroTime."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_UNITS = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip


def quantity(value: str | int | None) -> float:
    """`500m` → 0.5, `2Gi` → 2147483648; 0 for what is none."""
    text = str(value or 0)
    number = text.rstrip("KMGTikmun")
    try:
        return float(number) * _UNITS[text[len(number) :]]
    except (ValueError, KeyError):
        return 0.0


def to_builtins(value: object) -> Any:
    """An object as it is sent."""
    return msgspec.to_builtins(value)


known(Pods, Nodes, WholeNodes, ConfigMaps, Deployment, Lease, Job, ConfigMap, Event, Versioned)
known(Usages)
known(Quotas, Autoscalers, StorageClasses)
