"""If these fail, a person is told what every image is called, and not what is wrong with it.

The words are those of a kubelet of 1.36 with containerd 2.1, and of its scheduler.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from yolodeploy.core.site import DeviceState, SiteState
from yolodeploy.rollouts.complaints import complaint
from yolodeploy.sites.kubernetes.objects import Pod
from yolodeploy.sites.kubernetes.states import instance_state

IMAGE = f"edge.local/brake-disc@sha256:{7:064x}"
PULLED = f'failed to pull and unpack image "{IMAGE}": failed to resolve image: '
ASKED = f'failed to do request: Head "https://edge.local/v2/brake-disc/manifests/sha256:{7:064x}": '
BACK_OFF = f'Back-off pulling image "{IMAGE}": ErrImagePull: '


def waiting(reason: str, message: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


OOM = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "message": ""}}
STATES: dict[str, tuple[dict[str, Any], str]] = {
    "no such image": (
        {"state": waiting(
            "ImagePullBackOff",
            f"{BACK_OFF}rpc error: code = NotFound desc = {PULLED}{IMAGE}: not found",
        )}, "edge-1: ImagePullBackOff: ErrImagePull: not found",
    ),
    "no such registry": (
        {"state": waiting("ErrImagePull", f"{PULLED}{ASKED}dial tcp: lookup edge.local: timeout")},
        "edge-1: ErrImagePull: dial tcp: lookup edge.local: timeout",
    ),
    "never ready": (
        {"state": {"running": {"startedAt": "2026-11-26T07:10:06Z"}}},
        "edge-1: it runs, and its probe does not pass",
    ),
    "killed between two starts": (
        {"state": OOM, "restartCount": 2}, "edge-1: ended with OOMKilled (137)"
    ),
    "killed, and there again": (
        {"state": {"running": {}}, "lastState": OOM, "restartCount": 1, "ready": True},
        "edge-1: ended with OOMKilled (137)",
    ),
    "in a crash loop": (
        {"state": waiting("CrashLoopBackOff", "back-off 20s restarting failed container"),
         "lastState": {"terminated": {"reason": "Error", "exitCode": 3}}, "restartCount": 2},
        "edge-1: CrashLoopBackOff, ended with Error (3)",
    ),
}  # fmt: skip


def told(status: dict[str, Any], node: str = "edge-1", *, silent: bool = False) -> str:
    pod = msgspec.convert(
        {"metadata": {"name": "p"}, "spec": {"nodeName": node, "containers": []}, "status": status},
        Pod,
    )
    state = SiteState(
        site="plant", at=0.0, lease=None, apps=(), instances=(instance_state(pod, "press"),),
        devices=(DeviceState(name="edge-1", ready=not silent, reason="NodeStatusUnknown"),),
    )  # fmt: skip
    return complaint(state, "press", "")


@pytest.mark.parametrize("name", STATES)
def test_the_cause_is_told_with_the_node(name: str) -> None:
    container, words = STATES[name]
    ready = [{"type": "Ready", "status": str(container.get("ready", False))}]
    status = {"phase": "Running", "containerStatuses": [{"name": "server", **container}]}
    assert told({**status, "conditions": ready}) == words


def test_who_waits_for_a_silent_node_says_which() -> None:
    message = (
        "0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate, "
        "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )
    scheduled = {"type": "PodScheduled", "status": "False", "message": message}
    found = told({"phase": "Pending", "conditions": [scheduled]}, "", silent=True)
    assert found == (
        "0/1 nodes are available: 1 node(s) had untolerated taint(s); "
        "edge-1 is not ready (NodeStatusUnknown)"
    )
    assert told({"phase": "Running"}, silent=True) == "edge-1 is not ready (NodeStatusUnknown)"
