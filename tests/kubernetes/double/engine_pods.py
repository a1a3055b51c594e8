"""The pods that take engines in and build them: real processes, a folder for each app's claim."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

from tests.kubernetes.double.store import Obj, Store
from tests.serve.doubles.machine import environment

JOB = "batch.kubernetes.io/job-name"
CONTAINERS = ("engines", "build")


class Running(NamedTuple):
    """A container's process; the port of one that answers is in its log."""

    process: subprocess.Popen[bytes]
    log: Path


class EnginePods:
    """Those of one cluster, with a GPU of one kind in all of its nodes.

    `volumes` holds a folder an app. `config` is what the building pod is told beside its ConfigMap:
    the model is in an image that a double does not unpack.
    """

    def __init__(self, cluster: Store, volumes: Path, gpu: str, config: dict[str, str]) -> None:
        self._cluster = cluster
        self.volumes = volumes
        self._environment = {**os.environ, **environment(gpu)}
        self._config = config
        self.running: dict[tuple[str, str], Running] = {}
        self.server_port = 0  # of a real server that tells what all pods of the cluster keep

    def job(self, job: Obj) -> None:
        """One round of one Job."""
        key = job["metadata"]["namespace"], job["metadata"]["name"]
        if key not in self.running:
            self._begin(key, job)
        code = self.running[key].process.poll()
        pod = self._cluster.kept.get(("pods", *key))
        if code is None or pod is None:
            return
        pod["status"] = {"phase": "Failed" if code else "Succeeded"}
        if code:
            last = self.running[key].log.read_text().strip().splitlines()[-1:]
            ended = {"exitCode": code, "reason": "Error", "message": "".join(last)}
            state = {"terminated": ended}
            pod["status"]["containerStatuses"] = [{"name": "x", "state": state}]
            job["status"] = {"failed": 1, "conditions": [{"type": "Failed", "status": "True"}]}
        else:
            job["status"] = {"succeeded": 1}

    def round(self) -> None:
        """Those whose Job is gone go with it."""
        for key in [key for key in self.running if ("jobs", *key) not in self._cluster.kept]:
            self._end(key)

    def end(self) -> None:
        for key in list(self.running):
            self._end(key)

    def answer(self, pod: Obj, method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        """What one of them answers; None where it is none of them."""
        key = pod["metadata"]["namespace"], pod["metadata"]["name"]
        if key in self.running:
            words = self.running[key].log.read_text().split()
            if "port" not in words:
                return 503, b"no endpoints available"
            port = int(words[-1])
        elif self.server_port and path.startswith("engines"):
            port = self.server_port
        else:
            return None
        url = f"http://127.0.0.1:{port}/{path}"
        asked = urllib.request.Request(url, body or None, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError as error:
            return 503, str(error).encode()

    def _begin(self, key: tuple[str, str], job: Obj) -> None:
        space, name = key
        spec = job["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        folder = self.volumes / space
        folder.mkdir(parents=True, exist_ok=True)
        line = [sys.executable, *container["command"][1:], *container["args"]]
        line = [str(folder) if word == "/var/cache/yolodeploy" else word for word in line]
        if container["name"] == "engines":
            line += ["--port", "0", "--host", "127.0.0.1"]
        else:
            line[-1] = str(self._told(space, spec, folder))
        log = self.volumes / f"{space}-{name}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(line, env=self._environment, stderr=stream)
        self.running[key] = Running(process, log)
        labels = {**job["spec"]["template"]["metadata"]["labels"], JOB: name}
        self._cluster.put("pods", space, name, {
            "metadata": {"labels": labels, "annotations": {}},
            "spec": {"containers": [], "nodeName": "edge-1"},
            "status": {"phase": "Running"},
        })  # fmt: skip

    def _told(self, space: str, spec: Obj, folder: Path) -> Path:
        """`serve.json` as the pod finds it, with the paths of this machine."""
        (volume,) = (one for one in spec["volumes"] if one["name"] == "config")
        kept = self._cluster.there("configmaps", space, volume["configMap"]["name"])
        told = json.loads(kept["data"]["serve.json"]) | self._config
        told |= {"engine_cache": str(folder), "state_dir": str(self.volumes / "state")}
        file = self.volumes / f"{space}.json"
        file.write_text(json.dumps(told))
        return file

    def _end(self, key: tuple[str, str]) -> None:
        running = self.running.pop(key)
        running.process.kill()
        running.process.wait()
        self._cluster.kept.pop(("pods", *key), None)
