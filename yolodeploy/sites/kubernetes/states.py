"""From Kubernetes objects to what a site says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from yolodeploy.core import cluster, tracks
from yolodeploy.core.cluster import Record
from yolodeploy.core.site import AppState, DeviceState, InstanceState, Phase
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes.notation import moment
from yolodeploy.sites.kubernetes.objects import ContainerStatus, Deployment, Node, Pod, condition
from yolodeploy.sites.kubernetes.paths import place

USAGE = 2
"""How a program ends that is asked what it does not know."""

PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")

_BESIDE_THE_POINT = re.compile(
    r'Back-off pulling image "[^"]*": |rpc error: code = \w+ desc = '
    r'|failed to pull and unpack image "[^"]*": |failed to resolve (?:image|reference "[^"]*"): '
    r'|failed to do request: \w+ "[^"]*": |\S+@sha256:[0-9a-f]{64}: '
    r"|\.? no new claims to deallocate.*|\.? preemption: .*"
)
"""What kubelets and schedulers say before and after the cause: a line has room for the cause."""


def device_state(node: Node) -> DeviceState:
    """A node; one under pressure is ready, and says so."""
    ready = condition(node.status.conditions, "Ready")
    is_ready = ready is not None and ready.status == "True"
    reason = "" if is_ready else one_line((ready.reason if ready else "") or "NotReady", 80)
    if is_ready and node.spec.unschedulable:
        reason = "cordoned"
    for kind in PRESSURES:
        found = condition(node.status.conditions, kind)
        if found is not None and found.status == "True":
            reason = reason or kind
    return DeviceState(name=node.metadata.name, ready=is_ready, reason=reason)


def instance_state(pod: Pod, app: str) -> InstanceState:
    """A pod; `url` is where the API server passes requests on to it alone."""
    ready = condition(pod.status.conditions, "Ready")
    is_ready = ready is not None and ready.status == "True" and not pod.metadata.deletion_timestamp
    statuses = pod.status.container_statuses or ()
    restarts = sum(item.restart_count for item in statuses)
    return InstanceState(
        name=pod.metadata.name,
        device=pod.spec.node_name,
        app=app,
        release=release_of(pod),
        ready=is_ready,
        restarts=restarts,
        started_at=moment(pod.status.start_time),
        url=proxy(app, pod.metadata.name) if pod.status.phase == "Running" else "",
        reason="" if is_ready and not restarts else reason_of(pod),
    )


def proxy(namespace: str, pod: str) -> str:
    """Where the API server passes requests on to a pod's own port."""
    return f"{place('Pod', namespace, pod)}:{cluster.INSTANCE_PORT}/proxy"


def is_beside(pod: Pod) -> bool:
    """Whether it is of the Deployment beside the app's own."""
    return cluster.ASIDE in (pod.metadata.labels or {})


def release_of(pod: Pod) -> str:
    """The digest of the release that a pod runs."""
    return (pod.metadata.annotations or {}).get(cluster.RELEASE, "")


def reason_of(pod: Pod) -> str:
    """Why a pod is not ready, in the words of whoever knows it best."""
    if pod.metadata.deletion_timestamp:
        return "terminating"
    for status in pod.status.container_statuses or ():
        told = _container_reason(status)
        if told:
            return one_line(told, 160)
    scheduled = condition(pod.status.conditions, "PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        return one_line(_cause(scheduled.message) or scheduled.reason, 160)
    told = ": ".join(filter(None, (pod.status.reason, pod.status.message)))
    if not told and any(status.state.running for status in pod.status.container_statuses or ()):
        return "it runs, and its probe does not pass"
    return one_line(told or pod.status.phase.lower() or "starting", 160)


def _cause(message: str) -> str:
    return _BESIDE_THE_POINT.sub("", message)


def _container_reason(status: ContainerStatus) -> str:
    """`CrashLoopBackOff, ended with OOMKilled (137)`."""
    waiting, ended = status.state.waiting, status.state.terminated or status.last_state.terminated
    words = []
    if waiting is not None and waiting.reason:
        told = _cause(waiting.message) if waiting.reason != "CrashLoopBackOff" else ""
        words.append(": ".join(filter(None, (waiting.reason, told))))
    if ended is not None:
        why = ended.message.strip().splitlines()[-1:] or [ended.reason]
        words.append(f"ended with {why[0]} ({ended.exit_code})")
    return ", ".join(words)


def app_state(
    record: Record,
    pods: Sequence[Pod],
    deployment: Deployment | None,
    now: float,
    beside: Deployment | None = None,
) -> AppState:
    """What was asked for last, and how far that is; `beside` is the Deployment beside the first."""
    intent = record.intent
    target = intent.previous if record.reverted else intent.release
    # a guard says when it is there, and how long it took: until then the outage is not known
    goal = tracks.wanted(record)
    there = is_complete(goal.main, [pod for pod in pods if not is_beside(pod)], deployment)
    there = there and is_complete(goal.beside, [pod for pod in pods if is_beside(pod)], beside)
    settled = there and (intent.guard is None or record.settled)
    guarded = intent.guard is not None and not record.reverted
    left: float | None = None
    if guarded and intent.guard is not None:
        ends = record.guard_ends_at
        left = intent.guard.seconds if ends is None else max(ends - now, 0.0)
    app = intent.app
    return AppState(
        app=app,
        phase=_phase(record, settled),
        release=target,
        previous=intent.previous,
        settled=settled,
        guard_left_s=left,
        reason=record.reason,
        outage_s=round(record.outage_s, 1),
        endpoints=(f"http://{app}.{app}.svc:8000",),
        beside=intent.beside if goal.beside else msgspec.UNSET,
    )


def is_complete(digest: str, pods: Sequence[Pod], deployment: Deployment | None) -> bool:
    """All pods that a Deployment of a release shall have are ready, and no other is there.

    Without a digest there shall be none. A pod that ends still holds its memory and its GPU, and so
    counts as there.
    """
    there = [pod for pod in pods if pod.status.phase not in ("Succeeded", "Failed")]
    if not digest:
        return deployment is None and not there
    if deployment is None:
        return False
    right = [
        pod for pod in there if release_of(pod) == digest and instance_state(pod, "").ready
    ]  # fmt: skip
    return len(right) == len(there) == deployment.spec.replicas


def lacks_guard(record: Record, guards: Iterable[Pod]) -> bool:
    """Whether a guard is waited for that has no pod."""
    waited_for = record.intent.guard is not None and record.guard_until is None
    return waited_for and not any(_lives(pod) for pod in guards)


def _lives(pod: Pod) -> bool:
    return pod.status.phase not in ("Succeeded", "Failed")


def complaints(
    record: Record,
    guards: Iterable[Pod],
    deployments: Iterable[Deployment | None],
    full_quota: str = "",
) -> list[InstanceState]:
    """What keeps pods from being made at all, as instances that are not ready.

    `full_quota` is why a guard has no pod.
    """
    app, told = record.intent.app, []
    if full_quota:
        told.append((app, f"guard: {full_quota}"))
    for pod in guards:
        # only those that wait for it know that it has not begun
        begun = record.guard_until is not None or record.intent.guard is None
        if not begun and _lives(pod):
            ready = condition(pod.status.conditions, "Ready")
            runs = ready is not None and ready.status == "True"
            why = "it does not reach the API server" if runs else _too_old(pod) or reason_of(pod)
            told.append((pod.metadata.name, f"guard: {why}"))
    for deployment in filter(None, deployments):
        failing = condition(deployment.status.conditions, "ReplicaFailure")
        if failing is not None and failing.status == "True":
            name = deployment.metadata.name
            told.append((name, one_line(failing.message or failing.reason, 160)))
    release = record.intent.release.digest if record.intent.release else ""
    return [
        InstanceState(name=name, device="", app=app, release=release, ready=False, reason=reason)
        for name, reason in told
    ]


def _too_old(pod: Pod) -> str:
    """What a guard says that does not know its own command line; empty for any other."""
    for status in pod.status.container_statuses or ():
        ended = status.state.terminated or status.last_state.terminated
        if ended is not None and ended.exit_code == USAGE:
            return "the server in its image is too old to try a release beside another"
    return ""


def _phase(record: Record, settled: bool) -> Phase:
    if record.reverted:
        return Phase.REVERTED if settled else Phase.REVERTING
    if not settled:
        return Phase.SWITCHING
    if record.intent.release is None:
        return Phase.ABSENT
    return Phase.TRIAL if record.intent.guard else Phase.COMMITTED
