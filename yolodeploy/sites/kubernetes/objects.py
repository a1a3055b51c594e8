"""The fields that are read of Kubernetes objects; everything else of an answer is skipped."""

from __future__ import annotations

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


class ListMetadata(_Object, frozen=True):
    """What version a list is of, and where it goes on; empty at its end."""

    resource_version: str = ""
    goes_on: str = msgspec.field(default="", name="continue")


class Condition(_Object, frozen=True):
    """`type` is true, false or unknown since a moment."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


def condition(conditions: tuple[Condition, ...] | None, kind: str) -> Condition | None:
    """The condition of a type."""
    return next((item for item in conditions or () if item.type == kind), None)


# pods ----------------------------------------------------------------------------------------


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


class Running(_Object, frozen=True):
    """A container runs."""


class ContainerState(_Object, frozen=True):
    """One of the three is there."""

    waiting: Reason | None = None
    running: Running | None = None
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


class Pods(_Object, frozen=True):
    """A list of pods."""

    items: tuple[Pod, ...]
    metadata: ListMetadata = ListMetadata()


# nodes ---------------------------------------------------------------------------------------


class NodeInfo(_Object, frozen=True):
    """What runs a node; k3s has its own version in the kubelet's."""

    kubelet_version: str = ""


class Taint(_Object, frozen=True):
    """What keeps pods away that do not tolerate it."""

    key: str = ""
    value: str = ""
    effect: str = ""


class NodeSpec(_Object, frozen=True):
    """Whether new pods may come."""

    unschedulable: bool = False
    taints: tuple[Taint, ...] | None = None


class NodeStatus(_Object, frozen=True):
    """A node as its kubelet reports it, but for its images, which are most of that."""

    allocatable: dict[str, str | int] | None = None
    capacity: dict[str, str | int] | None = None
    node_info: NodeInfo = NodeInfo()
    conditions: tuple[Condition, ...] | None = None


class Node(_Object, frozen=True):
    """One node."""

    metadata: Metadata
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Nodes(_Object, frozen=True):
    """A list of nodes."""

    items: tuple[Node, ...]
    metadata: ListMetadata = ListMetadata()


class Image(_Object, frozen=True):
    """An image that a node has, by all its names."""

    names: tuple[str, ...] | None = None
    size_bytes: int = 0


class WholeNodeStatus(NodeStatus, frozen=True):
    """With its images: 50 are named at most, the largest."""

    images: tuple[Image, ...] | None = None


class WholeNode(Node, frozen=True):
    """One node with its images."""

    status: WholeNodeStatus = WholeNodeStatus()


class WholeNodes(_Object, frozen=True):
    """The same list with their images."""

    items: tuple[WholeNode, ...]
    metadata: ListMetadata = ListMetadata()


class Usage(_Object, frozen=True):
    """What a node uses, as metrics-server has measured it: quantities."""

    metadata: Metadata
    usage: dict[str, str | int] | None = None


class Usages(_Object, frozen=True):
    """A list of them."""

    items: tuple[Usage, ...]
    metadata: ListMetadata = ListMetadata()


# what makes pods -----------------------------------------------------------------------------


class Volume(_Object, frozen=True):
    """A volume of a pod."""

    name: str = ""


class Volumes(_Object, frozen=True):
    """Of what a pod is made."""

    volumes: tuple[Volume, ...] | None = None


class Template(_Object, frozen=True):
    """What pods shall be like."""

    spec: Volumes = Volumes()


class DeploymentSpec(_Object, frozen=True):
    """How many pods shall run, and what they shall be like."""

    replicas: int = 1
    template: Template = Template()


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


class JobStatus(_Object, frozen=True):
    """How a Job ended, or how many pods it has that have not."""

    active: int = 0
    succeeded: int = 0
    failed: int = 0
    conditions: tuple[Condition, ...] | None = None


class Job(_Object, frozen=True):
    """One Job."""

    metadata: Metadata
    status: JobStatus = JobStatus()


# what is kept, and where requests go ---------------------------------------------------------


class ConfigMap(_Object, frozen=True):
    """One ConfigMap; what it holds is text."""

    metadata: Metadata
    data: dict[str, str] | None = None


class ConfigMaps(_Object, frozen=True):
    """A list of ConfigMaps."""

    items: tuple[ConfigMap, ...]
    metadata: ListMetadata = ListMetadata()


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


class ServiceSpec(_Object, frozen=True):
    """Which pods have the traffic, and under which address it comes."""

    selector: dict[str, str] | None = None
    cluster_ip: str = msgspec.field(default="", name="clusterIP")


class Service(_Object, frozen=True):
    """One Service."""

    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()


class Endpoint(_Object, frozen=True):
    """One of those behind a Service."""

    addresses: tuple[str, ...] | None = None


class EndpointPort(_Object, frozen=True):
    """A port of all of them."""

    port: int | None = None


class EndpointSlice(_Object, frozen=True):
    """Where a Service's requests arrive."""

    endpoints: tuple[Endpoint, ...] | None = None
    ports: tuple[EndpointPort, ...] | None = None


# what bounds and scales ----------------------------------------------------------------------


class QuotaStatus(_Object, frozen=True):
    """What all pods of a namespace may ask for, and what they do."""

    hard: dict[str, str | int] | None = None
    used: dict[str, str | int] | None = None


class QuotaScope(_Object, frozen=True):
    """A mark of the pods that a quota is for, or not for."""

    scope_name: str = ""
    operator: str = ""


class QuotaScopes(_Object, frozen=True):
    """Of which all must match."""

    match_expressions: tuple[QuotaScope, ...] | None = None


class QuotaSpec(_Object, frozen=True):
    """Which pods a quota is for; all of its namespace where it says nothing."""

    scopes: tuple[str, ...] | None = None
    scope_selector: QuotaScopes | None = None


class Quota(_Object, frozen=True):
    """One ResourceQuota."""

    metadata: Metadata
    spec: QuotaSpec = QuotaSpec()
    status: QuotaStatus = QuotaStatus()


class Quotas(_Object, frozen=True):
    """A list of ResourceQuotas."""

    items: tuple[Quota, ...]


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


class Autoscalers(_Object, frozen=True):
    """A list of HorizontalPodAutoscalers."""

    items: tuple[Autoscaler, ...]


class StorageClass(_Object, frozen=True):
    """One way of getting volumes."""

    metadata: Metadata


class StorageClasses(_Object, frozen=True):
    """A list of StorageClasses."""

    items: tuple[StorageClass, ...]


# watches -------------------------------------------------------------------------------------


class Event(msgspec.Struct, frozen=True):
    """One line of a watch; what `object` is depends on `type`."""

    type: str
    object: msgspec.Raw


class Versioned(_Object, frozen=True):
    """What is read of any object: a bookmark has nothing else."""

    metadata: Metadata = Metadata()


known(Pods, Nodes, WholeNodes, ConfigMaps, Deployment, Lease, Job, ConfigMap, Event, Versioned)
known(Usages, Service)
known(Quotas, Autoscalers, StorageClasses)
