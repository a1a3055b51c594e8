"""One pod on this node: its containers really run in containerd, with logs, exit codes and mounts.

They share the host's network (there is no CNI here), and images are never pulled: what was not imported is missing.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import containerd, places
from .objects import now

Object = dict[str, Any]
# the exit code goes into a file, so that a k3s that was restarted finds it
_RUN = 'code=$0; shift 0; "$@"; echo $? >"$code.new"; mv "$code.new" "$code"'
RETRY_S, BACK_OFF_S = 3.0, 2.0


class Pod:
    """What this node knows of one of its pods beside the object."""

    def __init__(self, found: Object, read: Callable[[str, str, str], Object | None]) -> None:
        self.object = found
        self.read = read  # (kind, namespace, name) of the API
        metadata = found["metadata"]
        self.uid, self.name, self.namespace = (
            metadata["uid"],
            metadata["name"],
            metadata["namespace"],
        )
        self.folder = places.PODS / self.uid
        self.logs = places.POD_LOGS / f"{self.namespace}_{self.name}_{self.uid}"
        self.tried: dict[str, float] = {}

    def container_id(self, container: str, attempt: int) -> str:
        """As containerd and `crictl` know it."""
        return f"{self.uid[:18]}-{container[:40]}-{attempt}"

    def code_file(self, container: str, attempt: int) -> Path:
        """Holds the exit code when it has ended."""
        return self.folder / "exit" / f"{container}-{attempt}"

    def log_file(self, container: str, attempt: int) -> Path:
        """What it wrote."""
        return self.logs / container / f"{attempt}.log"

    def start(
        self,
        container: Object,
        image: str,
        attempt: int,
        *,
        runtime: str,
        environment: dict[str, str],
    ) -> None:
        """Run it; returns at once."""
        code, log = (
            self.code_file(container["name"], attempt),
            self.log_file(container["name"], attempt),
        )
        for folder in (code.parent, log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        code.unlink(missing_ok=True)
        identity = self.container_id(container["name"], attempt)
        words = [
            "ctr",
            "--address",
            str(places.SOCKET),
            "--namespace",
            containerd.NAMESPACE,
            "run",
            "--net-host",
        ]
        words += ["--runc-binary", runtime] if runtime else []
        words += (
            ["--privileged"] if (container.get("securityContext") or {}).get("privileged") else []
        )
        for key, value in {**self.environment(container), **environment}.items():
            words += ["--env", f"{key}={value}"]
        for source, target, options in self.mounts(container):
            words += ["--mount", f"type=bind,src={source},dst={target},options=rbind:{options}"]
        words += [
            "--label",
            f"io.kubernetes.pod.name={self.name}",
            "--label",
            f"io.kubernetes.pod.namespace={self.namespace}",
        ]
        words += [
            image,
            identity,
            *(container.get("command") or []),
            *(container.get("args") or []),
        ]
        with log.open("ab") as out:
            # a session of its own: it goes on when k3s is stopped, as pods do (KillMode=process)
            subprocess.Popen(
                ["sh", "-c", _RUN, str(code), *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def environment(self, container: Object) -> dict[str, str]:
        """Literal values, and those of the downward API that are used here."""
        found = {}
        for one in container.get("env") or []:
            reference = (one.get("valueFrom") or {}).get("fieldRef", {}).get("fieldPath", "")
            told = {
                "spec.nodeName": self.object["spec"].get("nodeName", ""),
                "metadata.name": self.name,
                "metadata.namespace": self.namespace,
            }
            found[one["name"]] = str(one.get("value", told.get(reference, "")))
        return found

    def prepare(self) -> str:
        """Folders and volumes; a message where something of them is missing."""
        access = self.folder / "volumes/kubernetes.io~projected/kube-api-access"
        if not access.exists():
            access.mkdir(parents=True)
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", access],
                check=False,
                capture_output=True,
            )
        for volume in self.object["spec"].get("volumes") or []:
            place = self.folder / "volumes" / volume["name"]
            kind, name = next(
                (
                    (
                        kind,
                        (volume.get(key) or {}).get("name")
                        or (volume.get(key) or {}).get("secretName"),
                    )
                    for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret"))
                    if key in volume
                ),
                ("", ""),
            )
            place.mkdir(parents=True, exist_ok=True)
            if not kind:
                continue
            found = self.read(kind, self.namespace, str(name))
            if found is None:
                return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {kind.lower()} "{name}" not found'
            for key, value in (found.get("data") or {}).items():
                data = base64.b64decode(value) if kind == "Secret" else value.encode()
                (place / key).write_bytes(data)
        return ""

    def mounts(self, container: Object) -> list[tuple[str, str, str]]:
        """(source, target, options) of each."""
        volumes = {one["name"]: one for one in self.object["spec"].get("volumes") or []}
        found = []
        for mount in container.get("volumeMounts") or []:
            source = (volumes[mount["name"]].get("hostPath") or {}).get(
                "path", str(self.folder / "volumes" / mount["name"])
            )
            Path(source).mkdir(parents=True, exist_ok=True) if not Path(source).exists() else None
            source += f"/{mount['subPath']}" if mount.get("subPath") else ""
            found.append((source, mount["mountPath"], "ro" if mount.get("readOnly") else "rw"))
        return found

    def stop(self, force: bool = False) -> bool:
        """End its containers; whether all are gone."""
        gone = True
        for log in self.logs.glob("*/*.log"):
            container, attempt = log.parent.name, int(log.stem)
            identity = self.container_id(container, attempt)
            code = self.code_file(container, attempt)
            if not code.exists():
                signal = "SIGKILL" if force or container in self.tried else "SIGTERM"
                self.tried[container] = time.monotonic()
                told = containerd.ctr("tasks", "kill", "--signal", signal, identity)
                gone = gone and "not found" in told.stderr
        return gone

    def clean(self) -> None:
        """Take away what it left."""
        for log in self.logs.glob("*/*.log"):
            identity = self.container_id(log.parent.name, int(log.stem))
            containerd.ctr("tasks", "rm", "--force", identity)
            containerd.ctr("containers", "rm", identity)
        for mount in _mounts_under(self.folder):
            subprocess.run(["umount", mount], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.logs, ignore_errors=True)


def _mounts_under(folder: Path) -> list[str]:
    with Path("/proc/mounts").open() as lines:
        return [line.split()[1] for line in lines if line.split()[1].startswith(f"{folder}/")]


def exit_code(pod: Pod, container: str, attempt: int, alive: Callable[[str], bool]) -> int | None:
    """None while it runs; 255 where nobody knows (the power was lost)."""
    path = pod.code_file(container, attempt)
    if path.exists():
        for word, code in places.fault("exit_codes", {}).items():
            if word in pod.name:
                return int(code)
        return int(path.read_text())
    return None if alive(pod.container_id(container, attempt)) else 255


def status_of(name: str, image: str, attempt: int, state: Object) -> Object:
    """One of a pod's containerStatuses."""
    running = "running" in state
    return {
        "name": name,
        "image": image,
        "restartCount": attempt,
        "state": state,
        "ready": running,
        "started": running,
        "imageID": image,
    }


def waiting(reason: str, message: str = "") -> Object:
    """The state of one that does not run yet."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def ended(code: int, started: str) -> Object:
    """The state of one that has ended."""
    reason = "Completed" if code == 0 else ("Unknown" if code == 255 else "Error")
    return {
        "terminated": {
            "exitCode": code,
            "reason": reason,
            "startedAt": started,
            "finishedAt": now(),
        }
    }


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def cpus() -> int:
    """Of this host."""
    return os.cpu_count() or 1
