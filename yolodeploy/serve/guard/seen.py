"""What a guard sees of the app's pods, and what it makes of that."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from yolodeploy.core.cluster import ASIDE, INSTANCE_PORT, RELEASE
from yolodeploy.core.gates import ErrorsGate, Observation, RestartsGate, Verdict, judge
from yolodeploy.core.site import StageReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from yolodeploy.core.release import Release

SCRAPE_S = 2.0
LARGEST = 8 << 20


class Seen(NamedTuple):
    """One pod."""

    release: str
    ready: bool
    restarts: int
    address: str
    beside: bool = False
    died: str = ""


def seen(pods: Iterable[dict[str, Any]]) -> list[Seen]:
    """Pods that have not ended."""
    return [
        _pod(pod)
        for pod in pods
        if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
    ]


def broken_gate(release: Release, pods: Sequence[Seen]) -> str:
    """The first gate that the trial breaks, of those that can be judged from inside; else empty.

    What a restarted server died of is said with it: `restarts (edge-1: OOMKilled, 137)`. Who comes
    later finds its pod no more.
    """
    local = [gate for gate in release.spec.gates if isinstance(gate, ErrorsGate | RestartsGate)]
    mine = [pod for pod in pods if pod.release == release.digest]
    counts = [_counts(pod) for pod in mine]
    observed = Observation(
        requests=sum(requests for requests, _ in counts),
        failures=sum(failures for _, failures in counts),
        restarts=sum(pod.restarts for pod in mine),
    )
    failed = (item for item in judge(local, observed, None) if item.verdict is Verdict.FAILED)
    gate = next((item.gate for item in failed), "")
    died = next((pod.died for pod in mine if pod.died), "") if gate == "restarts" else ""
    return f"{gate} ({died})" if died else gate


def _pod(pod: dict[str, Any]) -> Seen:
    metadata, status = pod.get("metadata", {}), pod.get("status", {})
    containers = status.get("containerStatuses") or ()
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or ()}
    return Seen(
        release=(metadata.get("annotations") or {}).get(RELEASE, ""),
        ready=conditions.get("Ready") == "True" and "deletionTimestamp" not in metadata,
        restarts=sum(item.get("restartCount", 0) for item in containers),
        address=status.get("podIP", ""),
        beside=ASIDE in (metadata.get("labels") or {}),
        died=next(filter(None, (_died(pod, container) for container in containers)), ""),
    )


def _died(pod: dict[str, Any], container: dict[str, Any]) -> str:
    """`edge-1: OOMKilled, 137`: where a container ended last, why, and with which code."""
    states = (container.get(which) or {} for which in ("state", "lastState"))
    ended = next((state["terminated"] for state in states if state.get("terminated")), None)
    if ended is None:
        return ""
    node = pod.get("spec", {}).get("nodeName", "")
    return f"{node}: {ended.get('reason', 'ended')}, {ended.get('exitCode', 0)}"


def _counts(pod: Seen) -> tuple[int, int]:
    """Requests and failures as the pod counts them; none where it does not answer."""
    if not pod.ready or not pod.address:
        return 0, 0
    connection = http.client.HTTPConnection(pod.address, INSTANCE_PORT, timeout=SCRAPE_S)
    try:
        connection.request("GET", "/sketches")
        report = msgspec.msgpack.decode(connection.getresponse().read(LARGEST), type=StageReport)
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return 0, 0
    finally:
        connection.close()
    requests = sum(epoch.requests for epoch in report.epochs)
    return requests, sum(epoch.failures for epoch in report.epochs)
