"""GPUs of a node as NVIDIA's device plugin advertises them (NVIDIA/k8s-device-plugin, README and api/config/v1).

The plugin's pod really runs here, but the registration at the kubelet's socket is done for it: while a container of the
image k8s-device-plugin runs on this node under the runtime `nvidia`, its configuration decides what the node has.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

from . import plain_yaml
from .pods import Pod

RESOURCE = "nvidia.com/gpu"
CONFIG_LABEL = "nvidia.com/device-plugin.config"


def listed() -> list[str]:
    """The UUIDs that `nvidia-smi -L` tells, MIG devices in place of GPUs where there are any."""
    try:
        told = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=20
        )
    except OSError:
        return []
    if told.returncode:
        return []
    lines = told.stdout.splitlines()
    divided = [line for line in lines if line.lstrip().startswith("MIG ")]
    whole = [line for line in lines if line.startswith("GPU ")]
    return [line.split("UUID:")[1].strip(" )") for line in divided or whole]


def advertised(
    mine: Sequence[Pod], labels: dict[str, str], runtimes: dict[str, str]
) -> dict[str, str]:
    """{resource: count}; nothing where no plugin runs."""
    plugin = next((pod for pod in mine if _is_plugin(pod)), None)
    if plugin is None or "nvidia" not in runtimes:
        return {}
    count = len(listed())
    sharing = (configuration(plugin, labels) or {}).get("sharing") or {}
    for way in ("timeSlicing", "mps"):
        for one in (sharing.get(way) or {}).get("resources") or []:
            if one["name"] == RESOURCE:
                renamed = sharing[way].get("renameByDefault")
                return {
                    f"{RESOURCE}.shared" if renamed else RESOURCE: str(count * int(one["replicas"]))
                }
    return {RESOURCE: str(count)}


def _is_plugin(pod: Pod) -> bool:
    containers = pod.object["spec"]["containers"]
    return pod.object["status"].get("phase") == "Running" and any(
        "k8s-device-plugin" in one["image"] for one in containers
    )


def configuration(plugin: Pod, labels: dict[str, str]) -> dict[str, Any] | None:
    """The node's own by its label, else DEFAULT_CONFIG, `default` or the only one, of the ConfigMap that it mounts."""
    for volume in plugin.object["spec"].get("volumes") or []:
        if "configMap" in volume:
            found = plugin.read("ConfigMap", plugin.namespace, volume["configMap"]["name"])
            texts = (found or {}).get("data") or {}
            only = next(iter(texts)) if len(texts) == 1 else _default(plugin)
            text = texts.get(labels.get(CONFIG_LABEL, only), "")
            return plain_yaml.document(text)
    return None


def _default(plugin: Pod) -> str:
    """What the config-manager beside the plugin takes for a node without a label."""
    told = [
        entry.get("value")
        for container in plugin.object["spec"]["containers"]
        for entry in container.get("env") or []
        if entry["name"] == "DEFAULT_CONFIG"
    ]
    return str(told[0]) if told else "default"


def asked(pod: dict[str, Any]) -> dict[str, int]:
    """{resource: how many} of the extended resources that a pod asks for."""
    found: dict[str, int] = {}
    for container in pod["spec"]["containers"]:
        resources = container.get("resources") or {}
        for key, value in (resources.get("limits") or resources.get("requests") or {}).items():
            if "/" in key:
                found[key] = found.get(key, 0) + int(value)
    return found


def environment(pod: dict[str, Any], mine: Sequence[Pod]) -> dict[str, str]:
    """Which GPUs a container sees; a pod under the class that asks for none sees all (NVIDIA/nvidia-container-toolkit)."""
    if not pod["spec"].get("runtimeClassName", "").startswith("nvidia"):
        return {}
    count = sum(asked(pod).values())
    if not count:
        return {"NVIDIA_VISIBLE_DEVICES": "all"}
    devices = listed()
    before = sum(
        sum(asked(one.object).values())
        for one in mine
        if one.object["metadata"]["uid"] != pod["metadata"]["uid"]
    )
    chosen = [devices[(before + number) % len(devices)] for number in range(count) if devices]
    return {"NVIDIA_VISIBLE_DEVICES": ",".join(chosen)}
