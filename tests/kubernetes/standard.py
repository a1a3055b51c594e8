"""Pod Security `restricted`, rule by rule, for pod templates: what a namespace would refuse.

From the standard's own list (kubernetes.io, Pod Security Standards), baseline rules included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
SECCOMP = ("RuntimeDefault", "Localhost")
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
}  # fmt: skip


def refusals(pod: dict[str, Any]) -> Iterator[str]:
    """Why a namespace that enforces it refuses a pod."""
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield name
    own = pod.get("securityContext", {})
    for volume in pod.get("volumes", ()):
        yield from (f"volume {kind}" for kind in set(volume) - {"name"} - VOLUMES)
    for sysctl in own.get("sysctls", ()):
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    containers = [*pod.get("containers", ()), *pod.get("initContainers", ()),
                  *pod.get("ephemeralContainers", ())]  # fmt: skip
    for container in containers:
        yield from _container(own, container)


def _container(pod: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    own = {**pod, **container.get("securityContext", {})}
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if own.get("runAsNonRoot") is not True or own.get("runAsUser") == 0:
        yield "runAsNonRoot"
    if own.get("seccompProfile", {}).get("type") not in SECCOMP:
        yield "seccompProfile"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield "capabilities.drop"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "capabilities.add"
    if own.get("procMount", "Default") != "Default":
        yield "procMount"
    yield from (
        f"hostPort {p['hostPort']}" for p in container.get("ports", ()) if p.get("hostPort")
    )
