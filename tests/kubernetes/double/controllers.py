"""What moves a double: controllers of Deployments and Jobs, a scheduler, kubelets, guards."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys

from tests.kubernetes.double.engine_pods import CONTAINERS, EnginePods
from tests.kubernetes.double.quotas import Quotas
from tests.kubernetes.double.servers import Answers
from tests.kubernetes.double.store import Obj, stamp
from yolodeploy.core.cluster import OF_JOB, OF_JOB_UID, RELEASE

NOT_FOUND = {
    "reason": "StartError", "exitCode": 128,
    "message": 'runc create failed: exec: "python": executable file not found in $PATH',
}  # fmt: skip
FAILED = {
    "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
    "message": "Job has reached the specified backoff limit",
}  # fmt: skip


class Controllers(Quotas):
    """One tick after the other; `address` is where the guards find the API.

    Nodes of `pulling` have a slow link: what they have not got yet does not come. A rule refuses
    the pods of Jobs whose container is among `refused`: an event says so, and nothing else.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Answers] = {}
        self.missing: set[str] = set()
        self.pulling: set[str] = set()
        self.refused: set[str] = set()
        self.without_base: set[str] = set()
        self.guards = True
        self.address = ""
        self.engine_pods: EnginePods | None = None
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
        for pod in self.of("pods"):  # those whose Deployment or Job is gone
            owner, job = (pod["metadata"].get(which) for which in ("owner", "job"))
            space = pod["metadata"]["namespace"]
            if owner and ("deployments", space, owner) not in self.kept:
                self._end(pod)
            if job and not _is_of(pod, self.kept.get(("jobs", space, job))):
                self._end(pod)
        for job in self.of("jobs"):
            self._job(job)
        for quota in self.of("resourcequotas"):
            self.count(quota)
        if self.engine_pods is not None:
            self.engine_pods.round()

    def _replace(self, deployment: Obj) -> None:
        meta, spec = deployment["metadata"], deployment["spec"]
        space, template = meta["namespace"], spec["template"]
        mine = [p for p in self.of("pods", space) if p["metadata"].get("owner") == meta["name"]]
        new = [p for p in mine if p["template"] == template]
        old = [p for p in mine if p["template"] != template]
        surge = spec["strategy"].get("rollingUpdate", {}).get("maxSurge", 0)
        ready = [p for p in new if is_ready(p)]
        active = [pod for pod in new if "deletionTimestamp" not in pod["metadata"]]
        for pod in active[spec["replicas"] :]:
            self._end(pod)
        for pod in old:
            if not surge or len(ready) == spec["replicas"]:
                self._end(pod)
        if len(active) < spec["replicas"] and (
            surge or not old or spec["strategy"]["type"] != "Recreate"
        ):
            if message := self.over_quota(space, template["spec"]):
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
        node = pod["spec"].get("nodeName")
        if node is not None and not self._is_heard(node):
            return  # nobody starts it, nobody ends it
        if "deletionTimestamp" in meta:
            self._removed(pod)
            return
        if status["phase"] != "Pending" or (node is None and not self._schedule(pod)):
            return
        (container,) = pod["spec"]["containers"]
        if self._is_pulling(pod["spec"]["nodeName"], container["image"]):
            waiting = {"reason": "ContainerCreating"}
            status["containerStatuses"] = [
                {"name": container["name"], "ready": False, "state": {"waiting": waiting}}
            ]
            return
        if not self._pulled(pod["spec"]["nodeName"], container["image"]):
            waiting = {"reason": "ImagePullBackOff", "message": not_pulled(container["image"])}
            status["conditions"] = [{"type": "Ready", "status": "False"}]
            status["containerStatuses"] = [
                {"name": container["name"], "ready": False, "state": {"waiting": waiting}}
            ]
            return
        release = meta.get("annotations", {}).get(RELEASE, "")
        answers = self.answers.setdefault(release, Answers())
        status.setdefault("startTime", stamp())
        if answers.starts:
            status["phase"] = "Running"
            self._ready(pod)
            self.put("pods", meta["namespace"], meta["name"], pod)
        elif "containerStatuses" not in status:  # it runs, and its probe does not pass
            status["phase"] = "Running"
            status["conditions"] = [{"type": "Ready", "status": "False"}]
            state = {"running": {"startedAt": stamp()}}
            status["containerStatuses"] = [{"name": "server", "ready": False, "state": state}]

    def _ready(self, pod: Obj, restarts: int = 0, last: Obj | None = None) -> None:
        (container,) = pod["spec"]["containers"]
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": stamp()}
        pod["status"]["conditions"] = [ready]
        pod["status"]["containerStatuses"] = [{
            "name": container["name"], "ready": True, "restartCount": restarts,
            "state": {"running": {"startedAt": stamp()}}, "lastState": last or {},
        }]  # fmt: skip

    def _removed(self, pod: Obj) -> None:
        meta = pod["metadata"]
        self.kept.pop(("pods", meta["namespace"], meta["name"]), None)
        guard = self.guard_processes.pop((meta["namespace"], meta.get("job", "")), None)
        if guard is not None:
            guard.kill()
            guard.wait()

    def crash(
        self, namespace: str, release: str, reason: str = "OOMKilled", *, comes_back: bool = False
    ) -> None:
        """The servers of a release are killed, for want of memory if nothing else is said."""
        code = 137 if reason == "OOMKilled" else 1
        ended = {"terminated": {"reason": reason, "exitCode": code}}
        for pod in self.of("pods", namespace):
            if pod["metadata"].get("annotations", {}).get(RELEASE) != release:
                continue
            if comes_back:
                self._ready(pod, 1, ended)
                continue
            told = "back-off 10s restarting failed container"
            waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": told}}
            pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
            pod["status"]["containerStatuses"] = [
                {"name": "server", "restartCount": 1, "state": waiting, "lastState": ended}
            ]

    def set_node(self, name: str, *, ready: bool) -> None:
        """A node falls silent, or is heard again; its pods are not ready then.

        What runs there is frozen, guards too: it has lost its power, or its link to the others.
        """
        status, reason = ("True", "KubeletReady") if ready else ("Unknown", "NodeStatusUnknown")
        node = self.kept["nodes", "", name]
        node["status"]["conditions"] = [{"type": "Ready", "status": status, "reason": reason}]
        for pod in self.of("pods"):
            if pod["spec"].get("nodeName") == name and pod["status"]["phase"] == "Running":
                word = "True" if ready else "False"
                pod["status"]["conditions"] = [{"type": "Ready", "status": word}]
                place = pod["metadata"]["namespace"], pod["metadata"].get("job", "")
                if (guard := self.guard_processes.get(place)) is not None:
                    guard.send_signal(signal.SIGCONT if ready else signal.SIGSTOP)

    def _is_heard(self, node: str) -> bool:
        found = self.kept.get(("nodes", "", node))
        conditions = found["status"]["conditions"] if found else ()
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def _schedule(self, pod: Obj) -> bool:
        """Give a pod the node that has the fewest, or say why there is none."""
        where = pod["spec"].get("nodeSelector", {}).get("kubernetes.io/hostname")
        wanted, refused = gpus_of(pod), []
        there = {
            node["metadata"]["name"]: [
                other for other in self.of("pods") if _is_on(other, node["metadata"]["name"])
            ]
            for node in self.of("nodes")
        }
        for node in sorted(self.of("nodes"), key=lambda each: len(there[each["metadata"]["name"]])):
            name = node["metadata"]["name"]
            used = sum(map(gpus_of, there[name]))
            if where not in (None, name) or not _affine(pod, node):
                refused.append("1 node(s) didn't match Pod's node affinity/selector")
            elif not self._is_heard(name):
                refused.append("1 node(s) had untolerated taint(s)")
            elif int(node["status"]["allocatable"]["nvidia.com/gpu"]) - used < wanted:
                refused.append("1 Insufficient nvidia.com/gpu")
            elif len(there[name]) >= int(node["status"]["allocatable"]["pods"]):
                refused.append("1 Too many pods")
            else:
                pod["spec"]["nodeName"] = name
                return True
        message = f"0/{len(refused)} nodes are available: {', '.join(sorted(refused))}."
        pod["status"]["conditions"] = [
            {
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": message,
            }
        ]  # fmt: skip
        return False

    def _is_pulling(self, node: str, image: str) -> bool:
        return node in self.pulling and not self.has(node, image)

    def _pulled(self, node: str, image: str) -> bool:
        if any(word in image for word in self.missing):
            return False
        if not self.has(node, image):
            images = self.kept["nodes", "", node]["status"]["images"]
            images.append({"names": [image], "sizeBytes": 1})
        return True

    def has(self, node: str, image: str) -> bool:
        """Whether a node names an image."""
        images = self.kept["nodes", "", node]["status"]["images"]
        return any(image in item["names"] for item in images)

    def _job(self, job: Obj) -> None:
        meta = job["metadata"]
        space, name = meta["namespace"], meta["name"]
        template = job["spec"]["template"]
        (container,) = template["spec"]["containers"]
        if container["name"] in CONTAINERS:
            if self.engine_pods is not None and not job["status"].get("succeeded"):
                self.engine_pods.job(job)
            return
        is_guard = container["name"] != "prefetch"
        over = job["status"].get("succeeded") or job["status"].get("conditions")
        if over or (is_guard and not self.guards):
            return
        mine = [pod for pod in self.of("pods", space) if _is_of(pod, job)]
        pod = mine[0] if mine else None
        if pod is None:
            if container["name"] in self.refused or self.over_quota(space, template["spec"]):
                return  # an event says so, and nothing else
            labels = {**template["metadata"]["labels"], OF_JOB: name, OF_JOB_UID: meta["uid"]}
            job["status"] = {"active": 1}
            self.number += 1
            self.put("pods", space, f"{name}-{self.number}", {
                "metadata": {"labels": labels, "job": name},
                "spec": copy.deepcopy(template["spec"]), "status": {"phase": "Pending"},
            })  # fmt: skip
        elif any(word in container["image"] for word in self.without_base) and not is_guard:
            ended = {"name": "prefetch", "state": {"terminated": NOT_FOUND}}
            pod["status"] = {"phase": "Failed", "containerStatuses": [ended]}
            job["status"] = {"failed": 1, "conditions": [FAILED]}
        elif pod["status"]["phase"] == "Running" and (not is_guard or self._has_ended(pod)):
            pod["status"]["phase"] = "Succeeded"
            pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
            job["status"] = {"succeeded": 1}

    def _has_ended(self, pod: Obj) -> bool:
        """Whether a guard has; one that is not there is started."""
        place = pod["metadata"]["namespace"], pod["metadata"]["job"]
        (container,) = pod["spec"]["containers"]
        if place in self.guard_processes:
            return self.guard_processes[place].poll() == 0
        line = [sys.executable, *container["command"][1:], *container["args"]]
        told = {one["name"]: one["value"] for one in container.get("env", ())}
        self.guard_processes[place] = subprocess.Popen(
            [*line, "--api", self.address], env={**os.environ, **told}
        )
        return False


def not_pulled(image: str) -> str:
    """As a kubelet with containerd 2 says it of a registry that has no such image."""
    return (
        f'Back-off pulling image "{image}": ErrImagePull: rpc error: code = NotFound desc = failed '
        f'to pull and unpack image "{image}": failed to resolve image: {image}: not found'
    )


def gpus_of(pod: Obj) -> int:
    return sum(
        int(container["resources"]["requests"].get("nvidia.com/gpu", 0))
        for container in pod["spec"]["containers"]
    )


def _is_on(pod: Obj, node: str) -> bool:
    is_over = pod["status"]["phase"] in ("Succeeded", "Failed")
    return pod["spec"].get("nodeName") == node and not is_over


def _affine(pod: Obj, node: Obj) -> bool:
    """Whether a node is one of those that a pod demands, or none of those that it will not have."""
    demanded = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    terms = demanded.get("requiredDuringSchedulingIgnoredDuringExecution", {})
    return all(
        (node["metadata"]["labels"].get(one["key"]) in one["values"]) == (one["operator"] == "In")
        for term in terms.get("nodeSelectorTerms", ())
        for one in term["matchExpressions"]
    )


def _is_of(pod: Obj, job: Obj | None) -> bool:
    """Whether a Job has made a pod; one of its name that came before it has not."""
    made_by = pod["metadata"].get("labels", {}).get(OF_JOB_UID)
    return job is not None and made_by == job["metadata"]["uid"]


def is_ready(pod: Obj) -> bool:
    found = {c["type"]: c["status"] for c in pod["status"].get("conditions", ())}
    return found.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
