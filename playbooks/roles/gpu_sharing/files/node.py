"""How one node stands with its GPUs, as JSON: labels, what it has to give, and which pods take it.

`python3 - '{"node": NAME, "wait_s": 0, "shares": null, "idle": false}' < node.py`, on a server of
k3s. With `wait_s` it looks until the node gives so many `shares` and its plugin is ready, or until
nothing uses a GPU there (`idle`). Reads only.
"""

import json
import subprocess
import sys
import time

KUBECTL = ("/usr/local/bin/k3s", "kubectl", "--request-timeout=30s")
SPACE = "nvidia-device-plugin"
VENDOR = "nvidia.com/"
RESOURCE = "nvidia.com/gpu"
KEEP = ("nvidia.com/", "yolodeploy.io/")
MARK = "yolodeploy.io/cordoned-by"
VRAM = "yolodeploy.io/vram-mb"
LINE = 300


class Unanswered(Exception):
    """The API refused, or said nothing."""


def main(asked):
    """One look, or looks until it is as asked."""
    deadline = time.monotonic() + asked.get("wait_s", 0)
    while True:
        found = look(asked["node"])
        if is_as_asked(found, asked) or time.monotonic() >= deadline:
            return found
        time.sleep(1)


def is_as_asked(found, asked):
    """Whether there is nothing to wait for."""
    if found["error"]:
        return False
    if asked.get("idle"):
        return not found["pods"] and not found["daemons"]
    if asked.get("shares") is None:
        return True
    plugin = [one for one in found["daemons"] if one["app"] == SPACE]
    return found["allocatable"] == asked["shares"] and any(one["ready"] for one in plugin)


def look(name):
    """The node now; `error` says what could not be read."""
    found = {
        "error": "", "known": False, "labels": {}, "taints": {}, "schedulable": True, "ours": False,
        "capacity": 0, "allocatable": 0, "pods": [], "daemons": [], "runtime_class": False,
    }  # fmt: skip
    try:
        node = read("get", "node", name)
        if node is None:
            return {**found, "error": f"the node {name} has not registered"}
        pods = read("get", "pods", "--all-namespaces", f"--field-selector=spec.nodeName={name}")
        found["runtime_class"] = read("get", "runtimeclass", "nvidia") is not None
    except Unanswered as err:
        return {**found, "error": str(err)}
    metadata, spec, status = node["metadata"], node.get("spec", {}), node.get("status", {})
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k.startswith(KEEP)}
    live = [one for one in pods["items"] if one.get("status", {}).get("phase") not in ENDED]
    found.update(
        known=True,
        labels=labels,
        taints={one["key"]: one["effect"] for one in spec.get("taints") or []},
        schedulable=not spec.get("unschedulable"),
        ours=(metadata.get("annotations") or {}).get(MARK, "") == "gpu-sharing",
        capacity=count(status.get("capacity")),
        allocatable=count(status.get("allocatable")),
        pods=[claim(one) for one in live if asks(one)],
        daemons=[daemon(one) for one in live if one["metadata"]["namespace"] == SPACE],
    )
    return found


ENDED = ("Succeeded", "Failed")


def count(resources):
    """The shares of a node; those of the mixed MIG strategy are somebody else's doing."""
    text = str((resources or {}).get(RESOURCE, "0"))
    return int(text) if text.isdigit() else 0


def asks(pod):
    """How many devices of NVIDIA's a pod asks for."""
    total = 0
    for container in pod["spec"].get("containers", []):
        limits = (container.get("resources") or {}).get("limits") or {}
        total += sum(int(text) for key, text in limits.items() if key.startswith(VENDOR))
    return total


def claim(pod):
    """A pod that takes shares. Its labels and annotations are anybody's text."""
    metadata = pod["metadata"]
    labels, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
    declared = str(notes.get(VRAM, "0"))
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "app": str(labels.get("app.kubernetes.io/name", "")),
        "shares": asks(pod),
        "vram_mb": int(declared) if declared.isdigit() else 0,
        "phase": pod.get("status", {}).get("phase", ""),
        "ending": "deletionTimestamp" in metadata,
    }


def daemon(pod):
    """One of the pods that serve GPUs, and why it is not ready."""
    status = pod.get("status", {})
    ready = any(
        one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", [])
    )
    told = ""
    for one in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        state = one.get("state", {})
        for key in ("waiting", "terminated"):
            if state.get(key) and state[key].get("reason") not in ("Completed", "PodInitializing"):
                told = told or f"{state[key].get('reason')} {state[key].get('message', '')}".strip()
    labels = pod["metadata"].get("labels") or {}
    app = labels.get("app.kubernetes.io/name", "")
    return {
        "app": app,
        "ready": ready,
        "why": "" if ready else shown(told or status.get("phase", "")),
    }


def read(*words):
    """An object or a list; None where it is not there."""
    try:
        ended = subprocess.run(
            [*KUBECTL, *words, "--ignore-not-found", "--output=json"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise Unanswered(f"kubectl: {shown(str(err))}") from err
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or ["it failed"]
        raise Unanswered(f"kubectl {words[0]} {words[1]}: {shown(lines[-1])}")
    return json.loads(ended.stdout) if ended.stdout.strip() else None


def shown(text):
    """One line without what would move a cursor, and not endless."""
    flat = " ".join(text.split())[:LINE]
    return "".join(letter if letter.isprintable() else "?" for letter in flat)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
