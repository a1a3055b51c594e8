"""What moves a double: controllers of Deployments and Jobs, a scheduler, kubelets, guards."""

from __future__ import annotations

import copy
import subprocess
import sys

from tests.kubernetes.double.servers import Answers
from tests.kubernetes.double.store import Obj, Store, stamp
from yolodeploy.core.cluster import RELEASE


class Controllers(Store):
    """One tick after the other; `address` is where the guards find the API."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Answers] = {}
        self.missing: set[str] = set()
        self.guards = True
        self.quota: int | None = None
        self.address = ""
        self.guard_processes: dict[tuple[str, str], subprocess.Popen[bytes]] = {}

    def end_guards(self) -> None:
        for guard in self.guard_processes.values():
            guard.kill()
            guard.wait()

    def tick(self) -> None:
        for pod in self.of("pods"):
            self._kubelet(pod)
        for deployment in self.of("deployments"):
            self._replace(deployment)
        for pod in self.of("pods"):  # those whose Deployment is gone
            owner = pod["metadata"].get("owner")
            space = pod["metadata"]["namespace"]
            if owner and ("deployments", space, owner) not in self.kept:
                self._end(pod)
        for job in self.of("jobs"):
            self._job(job)

    def _replace(self, deployment: Obj) -> None:
        meta, spec = deployment["metadata"], deployment["spec"]
        space, template = meta["namespace"], spec["template"]
        mine = [p for p in self.of("pods", space) if p["metadata"].get("owner") == meta["name"]]
        new = [p for p in mine if p["template"] == template]
        old = [p for p in mine if p["template"] != template]
        surge = spec["strategy"].get("rollingUpdate", {}).get("maxSurge", 0)
        ready = [p for p in new if is_ready(p)]
        for pod in old:
            if not surge or len(ready) == spec["replicas"]:
                self._end(pod)
        if len(new) < spec["replicas"] and (
            surge or not old or spec["strategy"]["type"] != "Recreate"
        ):
            if self.quota is not None and len(mine) >= self.quota:
                message = f'pods "x" is forbidden: exceeded quota: pods, limited: {self.quota}'
                failing = {"type": "ReplicaFailure", "status": "True", "message": message}
                deployment["status"] = {"conditions": [failing]}
                return
            deployment["status"] = {}
            self.number += 1
            labels, notes = template["metadata"]["labels"], template["metadata"]["annotations"]
            pod = {
                "metadata": {
                    "labels": labels, "annotations": notes, "owner": meta["name"],
                },
                "template": copy.deepcopy(template),
                "spec": {"containers": copy.deepcopy(template["spec"]["containers"])},
                "status": {"phase": "Pending"},
            }  # fmt: skip
            self.put("pods", space, f"{meta['name']}-{self.number}", pod)

    def _end(self, pod: Obj) -> None:
        meta = pod["metadata"]
        if "deletionTimestamp" not in meta:
            meta["deletionTimestamp"] = stamp()
            self.put("pods", meta["namespace"], meta["name"], pod)

    def _kubelet(self, pod: Obj) -> None:
        meta, status = pod["metadata"], pod["status"]
        if "deletionTimestamp" in meta:
            self.kept.pop(("pods", meta["namespace"], meta["name"]), None)
            return
        if status["phase"] != "Pending":
            return
        if "nodeName" not in pod["spec"] and not self._schedule(pod):
            message = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
            status["conditions"] = [{"type": "PodScheduled", "status": "False", "message": message}]
            return
        (container,) = pod["spec"]["containers"]
        if not self._pulled(pod["spec"]["nodeName"], container["image"]):
            waiting = {"reason": "ImagePullBackOff", "message": "not found"}
            status["containerStatuses"] = [{"name": "server", "state": {"waiting": waiting}}]
            return
        answers = self.answers.setdefault(meta["annotations"].get(RELEASE, ""), Answers())
        status.setdefault("startTime", stamp())
        if answers.starts:
            ready = {"type": "Ready", "status": "True", "lastTransitionTime": stamp()}
            status |= {"phase": "Running", "conditions": [ready]}
            status["containerStatuses"] = [{"name": "server", "ready": True, "restartCount": 0}]
            self.put("pods", meta["namespace"], meta["name"], pod)
        elif "containerStatuses" not in status:  # it runs, and its probe does not pass
            status["conditions"] = [{"type": "Ready", "status": "False"}]
            state = {"running": {"startedAt": stamp()}}
            status["containerStatuses"] = [{"name": "server", "ready": False, "state": state}]

    def crash(self, namespace: str, release: str) -> None:
        """The servers of a release are killed for want of memory."""
        for pod in self.of("pods", namespace):
            if pod["metadata"].get("annotations", {}).get(RELEASE) == release:
                ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
                waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
                pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
                pod["status"]["containerStatuses"] = [
                    {"name": "server", "restartCount": 1, "state": waiting, "lastState": ended}
                ]

    def set_node(self, name: str, *, ready: bool) -> None:
        """A node's kubelet falls silent, or is heard again; its pods are not ready then."""
        status, reason = ("True", "KubeletReady") if ready else ("Unknown", "NodeStatusUnknown")
        node = self.kept["nodes", "", name]
        node["status"]["conditions"] = [{"type": "Ready", "status": status, "reason": reason}]
        for pod in self.of("pods"):
            if pod["spec"].get("nodeName") == name:
                word = "True" if ready else "False"
                pod["status"]["conditions"] = [{"type": "Ready", "status": word}]

    def _schedule(self, pod: Obj) -> bool:
        (container,) = pod["spec"]["containers"]
        wanted = int(container["resources"]["requests"].get("nvidia.com/gpu", 0))
        for node in self.of("nodes"):
            used = sum(
                int(c["resources"]["requests"].get("nvidia.com/gpu", 0))
                for other in self.of("pods")
                if other["spec"].get("nodeName") == node["metadata"]["name"]
                for c in other["spec"]["containers"]
            )
            if int(node["status"]["allocatable"]["nvidia.com/gpu"]) - used >= wanted:
                pod["spec"]["nodeName"] = node["metadata"]["name"]
                return True
        return False

    def _pulled(self, node: str, image: str) -> bool:
        if any(word in image for word in self.missing):
            return False
        images = self.kept["nodes", "", node]["status"]["images"]
        if not any(image in item["names"] for item in images):
            images.append({"names": [image], "sizeBytes": 1})
        return True

    def _job(self, job: Obj) -> None:
        meta, pod = job["metadata"], job["spec"]["template"]["spec"]
        space, name = meta["namespace"], meta["name"]
        if job["status"].get("succeeded"):
            return
        (container,) = pod["containers"]
        if container["name"] == "prefetch":
            if self._pulled(pod["nodeSelector"]["kubernetes.io/hostname"], container["image"]):
                job["status"] = {"succeeded": 1}
            else:
                self._waiting_pod(space, name, job)
            return
        if not self.guards:
            return
        if (space, name) not in self.guard_processes:
            line = [sys.executable, *container["command"][1:], *container["args"]]
            self.guard_processes[space, name] = subprocess.Popen([*line, "--api", self.address])
        elif self.guard_processes[space, name].poll() == 0:
            job["status"] = {"succeeded": 1}

    def _waiting_pod(self, space: str, name: str, job: Obj) -> None:
        labels = {**job["spec"]["template"]["metadata"]["labels"]}
        labels["batch.kubernetes.io/job-name"] = name
        waiting = {"reason": "ErrImageNeverPull", "message": "not found"}
        status = {
            "phase": "Waiting",
            "containerStatuses": [{"name": "prefetch", "state": {"waiting": waiting}}],
        }
        self.put("pods", space, f"{name}-x", {
            "metadata": {"labels": labels}, "spec": {"containers": []}, "status": status,
        })  # fmt: skip


def is_ready(pod: Obj) -> bool:
    found = {c["type"]: c["status"] for c in pod["status"].get("conditions", ())}
    return found.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
