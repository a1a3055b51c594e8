"""Ask the API of this server for its nodes and for who uses a GPU, and print it as JSON.

Runs on the first server (`python3 - < look.py`) with nothing but Python's own library (3.8 or
newer). It reads only. What it means is judged in ../vars/main.yml.
"""

import json
import subprocess
import sys

KUBECTL = ("/usr/local/bin/k3s", "kubectl")
MARK = "yolodeploy/cordoned-by"
SERVER = "node-role.kubernetes.io/control-plane"
GPU = "nvidia.com/"
LIMIT_S = 60
ENDED = ("Succeeded", "Failed")


def asked(*words):
    """The items that kubectl lists."""
    command = [
        "/usr/local/bin/k3s",
        "kubectl",
        "get",
        *words,
        "-o",
        "json",
        f"--request-timeout={LIMIT_S}s",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S + 10, check=False
    )
    if done.returncode:
        sys.exit((done.stderr.strip().splitlines() or ["kubectl says nothing"])[-1])
    return json.loads(done.stdout)["items"]


def node(item):
    """What counts of a node."""
    told = item["metadata"]
    conditions = {one["type"]: one["status"] for one in item["status"].get("conditions", [])}
    unschedulable = bool(item.get("spec", {}).get("unschedulable"))
    ours = MARK in told.get("annotations", {})
    return {
        "version": item["status"]["nodeInfo"]["kubeletVersion"],
        "arch": item["status"]["nodeInfo"].get("architecture", ""),
        "server": SERVER in told.get("labels", {}),
        "ready": conditions.get("Ready") == "True",
        "cordoned": "us" if unschedulable and ours else "somebody" if unschedulable else "",
        "gpus": gpus(item["status"].get("allocatable", {})),
        "gpu_apps": [],
    }


def gpus(resources):
    """How many GPUs, or shares of them, are offered or asked for."""
    return sum(int(count) for name, count in resources.items() if name.startswith(GPU))


def uses_gpu(pod):
    """Whether a pod that has not ended asks for a GPU."""
    limits = [one.get("resources", {}).get("limits", {}) for one in pod["spec"]["containers"]]
    return pod["status"].get("phase") not in ENDED and any(map(gpus, limits))


def main():
    """All nodes by name, each with the pods that use its GPUs."""
    nodes = {item["metadata"]["name"]: node(item) for item in asked("nodes")}
    for pod in asked("pods", "--all-namespaces"):
        place = pod["spec"].get("nodeName")
        if place in nodes and uses_gpu(pod):
            told = pod["metadata"]
            nodes[place]["gpu_apps"].append(f"{told['namespace']}/{told['name']}")
    return nodes


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
