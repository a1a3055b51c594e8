"""One pod on this node: its containers really run in containerd, with logs, exit codes and mounts.

They share the host's network (there is no CNI here), and images are never pulled: what was not imported is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import containerd, places, volumes
from .objects import now

Object = dict[str, Any]
# the exit code goes into a file, so that a k3s that was restarted finds it
_RUN = '"$@"; echo $? >"$0.new"; mv "$0.new" "$0"'
BACK_OFF_S = 2.0
# a container that was begun is not known to containerd at once
BEGINNING_S = 3.0


class Pod:
    """What this node knows of one of its pods beside the object."""

    def __init__(self, found: Object, read: Callable[[str, str, str], Object | None]) -> None:
        self.object = found
        self.read = read  # (kind, namespace, name) of the API
        metadata = found["metadata"]
        self.uid, self.name = metadata["uid"], metadata["name"]
        self.namespace = metadata["namespace"]
        self.folder = places.PODS / self.uid
        self.logs = places.POD_LOGS / f"{self.namespace}_{self.name}_{self.uid}"
        self.tried: dict[str, float] = {}
        self.begun: dict[str, float] = {}

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
        name = container["name"]
        code, log = self.code_file(name, attempt), self.log_file(name, attempt)
        for folder in (code.parent, log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        code.unlink(missing_ok=True)
        identity = self.container_id(name, attempt)
        self.begun[identity] = time.monotonic()
        words = [*containerd.CTR, "run", "--net-host"]
        words += ["--runc-binary", runtime] if runtime else []
        privileged = (container.get("securityContext") or {}).get("privileged")
        words += ["--privileged"] if privileged else []
        for key, value in {**self.environment(container), **environment}.items():
            words += ["--env", f"{key}={value}"]
        for source, target, mode in volumes.mounts(self, container):
            words += ["--mount", f"type=bind,src={source},dst={target},options=rbind:{mode}"]
        words += ["--label", f"io.kubernetes.pod.name={self.name}"]
        words += ["--label", f"io.kubernetes.pod.namespace={self.namespace}"]
        words += [image, identity]
        words += [*(container.get("command") or []), *(container.get("args") or [])]
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
                young = time.monotonic() - self.begun.get(identity, 0.0) < BEGINNING_S
                gone = gone and "not found" in told.stderr and not young
        return gone

    def clean(self) -> None:
        """Take away what it left."""
        for log in self.logs.glob("*/*.log"):
            identity = self.container_id(log.parent.name, int(log.stem))
            containerd.ctr("tasks", "rm", "--force", identity)
            containerd.ctr("containers", "rm", identity)
        volumes.unmount(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.logs, ignore_errors=True)


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
