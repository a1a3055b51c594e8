"""Volumes of a pod: configMap, secret, hostPath and emptyDir, and the tmpfs of its account's token."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pods import Pod

_FILLED = {"configMap": ("ConfigMap", "name"), "secret": ("Secret", "secretName")}


def prepare(pod: Pod) -> str:
    """Make and fill them; a message where something that they need is not there."""
    access = pod.folder / "volumes/kubernetes.io~projected/kube-api-access"
    if not access.exists():
        access.mkdir(parents=True)
        words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(access)]
        subprocess.run(words, check=False, capture_output=True)
    for volume in pod.object["spec"].get("volumes") or []:
        place = pod.folder / "volumes" / volume["name"]
        place.mkdir(parents=True, exist_ok=True)
        for key, (kind, named) in _FILLED.items():
            if key in volume and not _fill(pod, place, kind, str(volume[key][named])):
                about = f'{kind.lower()} "{volume[key][named]}" not found'
                return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {about}'
    return ""


def _fill(pod: Pod, place: Path, kind: str, name: str) -> bool:
    found = pod.read(kind, pod.namespace, name)
    for key, value in ((found or {}).get("data") or {}).items():
        (place / key).write_bytes(base64.b64decode(value) if kind == "Secret" else value.encode())
    return found is not None


def mounts(pod: Pod, container: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(source, target, ro or rw) of each of a container's."""
    volumes = {one["name"]: one for one in pod.object["spec"].get("volumes") or []}
    found = []
    for mount in container.get("volumeMounts") or []:
        host = volumes[mount["name"]].get("hostPath") or {}
        source = Path(host.get("path") or pod.folder / "volumes" / mount["name"])
        if not source.exists():
            source.mkdir(parents=True)
        source /= mount.get("subPath", "")
        found.append((str(source), mount["mountPath"], "ro" if mount.get("readOnly") else "rw"))
    return found


def unmount(folder: Path) -> None:
    """All that is mounted below a pod's folder."""
    lines = Path("/proc/mounts").read_text().splitlines()
    for place in [line.split()[1] for line in lines]:
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", place], check=False, capture_output=True)
