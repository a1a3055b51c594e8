"""The cluster as its first server sees it: nodes, the GPUs that they offer, and pods that hang."""

import calendar
import time

from look.host import absent, judged, one_line, unknown
from look.machine import listed

KUBECTL = ("k3s", "kubectl", "--request-timeout=10s", "get")
RUNTIME_CLASS = "nvidia"
GPU = "nvidia.com/gpu"
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


def items(host, *kind):
    """The objects of a kind; None where the API does not answer."""
    told = host.data(*KUBECTL, *kind, "-o", "json")
    return None if told is None else told.get("items", [])


def name_of(one):
    """An object's name."""
    return one_line(one["metadata"]["name"])


def nodes_where(host, wrong):
    """A finding with the nodes of which something holds."""
    found = items(host, "nodes")
    if found is None:
        return unknown()
    bad = [name_of(node) for node in found if wrong(node)]
    return judged(bad, nodes=" ".join(bad))


def conditions(node):
    """A node's conditions: type to status."""
    return {one["type"]: one["status"] for one in node.get("status", {}).get("conditions", [])}


def node_not_ready(host):
    """Whether all nodes are ready."""
    return nodes_where(host, lambda node: conditions(node).get("Ready") != "True")


def node_cordoned(host):
    """Whether a drain that failed, or a person, left a node closed."""
    return nodes_where(host, lambda node: node.get("spec", {}).get("unschedulable"))


def node_pressure(host):
    """Whether a node runs out of memory, disk or processes."""
    return nodes_where(host, lambda node: any(conditions(node).get(p) == "True" for p in PRESSURES))


def node_missing(host):
    """Whether every device of the site is a node of its cluster."""
    found, wanted = items(host, "nodes"), host.asked.get("nodes", {})
    if found is None:
        return unknown()
    lost = sorted(set(wanted) - {name_of(node) for node in found})
    return judged(lost, nodes=" ".join(map(one_line, lost)))


def addresses(host):
    """Where the cluster looks for its nodes: name to addresses; empty where it does not say."""
    return {
        name_of(node): [one_line(a["address"]) for a in node.get("status", {}).get("addresses", [])
                        if a["type"] == "InternalIP"]
        for node in items(host, "nodes") or []
    }  # fmt: skip


def shares(sharing):
    """What a GPU is offered as: `time-slicing:4` is 4; None where it cannot be said, as for MIG."""
    kind, _, count = sharing.partition(":")
    if kind == "exclusive":
        return 1
    return int(count) if kind in ("time-slicing", "mps") and count.isdigit() else None


def gpu_allocatable(host):
    """Whether each GPU node offers GPUs, and as many shares as it was told to."""
    found, wanted = items(host, "nodes"), host.asked.get("nodes", {})
    if found is None:
        return unknown()
    known = [(node, wanted[name_of(node)]) for node in found if name_of(node) in wanted]
    known = [(node, told) for node, told in known if told.get("profile") in ("nvidia", "jetson")]
    if not known:
        return absent()
    wrong = []
    for node, told in known:
        offered, each = allocatable(node), shares(told.get("sharing", "exclusive"))
        if not offered or (each and offered % each):
            wrong.append(
                f"{name_of(node)} {offered} ({one_line(told.get('sharing', 'exclusive'))})"
            )
    return judged(wrong, nodes=listed(wrong))


def allocatable(node):
    """The GPUs, or shares of them, that a node offers; MIG devices count."""
    offered = node.get("status", {}).get("allocatable", {})
    return sum(int(count) for name, count in offered.items()
               if (name.startswith((GPU, "nvidia.com/mig-"))) and str(count).isdigit())  # fmt: skip


def gpu_runtime_class(host):
    """Whether the runtime class is there without which no GPU pod starts."""
    found = items(host, "runtimeclasses")
    if found is None:
        return unknown()
    return judged(RUNTIME_CLASS not in map(name_of, found), name=RUNTIME_CLASS)


def gpu_two_owners(host):
    """Whether the GPU operator is there beside what the host has; it must be one of them."""
    found = items(host, "namespaces")
    if found is None:
        return unknown()
    there = [
        name_of(one) for one in found if name_of(one) in ("gpu-operator", "nvidia-gpu-operator")
    ]
    return judged(there, namespaces=listed(there))


def pods_where(host, wrong):
    """A finding with the pods of which something holds."""
    found = items(host, "pods", "-A")
    if found is None:
        return unknown()
    bad = [
        f"{one_line(pod['metadata'].get('namespace', ''))}/{name_of(pod)}"
        for pod in found
        if wrong(pod)
    ]
    return judged(bad, pods=listed(bad[:5]), count=len(bad))


def for_long(host, text):
    """Whether a moment lies so far back that a pod goes on by itself no more."""
    if not text:
        return False
    at = calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    return time.time() - at > host.asked["pod_wait_s"]


def pods_waiting(host):
    """Whether a pod waits for a place that there is not, such as a GPU that another one holds."""

    def wrong(pod):
        told = pod.get("status", {})
        reasons = [
            c.get("reason") for c in told.get("conditions", []) if c.get("type") == "PodScheduled"
        ]
        since = pod["metadata"].get("creationTimestamp")
        return "Unschedulable" in reasons and for_long(host, since)

    return pods_where(host, wrong)


def pods_ending(host):
    """Whether a pod does not come to an end, and holds its GPU."""
    return pods_where(host, lambda pod: for_long(host, pod["metadata"].get("deletionTimestamp")))


def pods_pulling(host):
    """Whether a pod lacks its image."""

    def wrong(pod):
        told = pod.get("status", {})
        kept = told.get("containerStatuses", []) + told.get("initContainerStatuses", [])
        waits = [(one.get("state") or {}).get("waiting") or {} for one in kept]
        return any(
            w.get("reason") in ("ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull")
            for w in waits
        )

    return pods_where(host, wrong)


def backup(host):
    """How long ago the site was backed up."""
    at, most = host.asked.get("backed_up_at"), host.asked["backup_days"]
    if at is None:
        return unknown()
    days = int((time.time() - at) // 86400) if at else None
    told = "none ever" if days is None else days
    return judged(days is None or days >= most, days=told, most=most)


CHECKS = {
    "node_not_ready": node_not_ready,
    "node_cordoned": node_cordoned,
    "node_pressure": node_pressure,
    "node_missing": node_missing,
    "gpu_runtime_class": gpu_runtime_class,
    "gpu_allocatable": gpu_allocatable,
    "gpu_two_owners": gpu_two_owners,
    "pods_waiting": pods_waiting,
    "pods_ending": pods_ending,
    "pods_pulling": pods_pulling,
    "backup": backup,
}
