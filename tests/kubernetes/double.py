"""A double of a cluster: kmock serves the API, this file adds what its emulator lacks.

Versions and preconditions, server-side apply with field managers, label selectors, dry runs; the
controllers of Deployments and Jobs, a scheduler that counts GPUs, kubelets that pull and start. A
guard's pod is the real guard in a process of its own; servers answer what a test has said.
"""

from __future__ import annotations

import asyncio
import copy
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp.web
import msgspec
import yaml
from kmock import KubernetesEmulator, Server

from yolodeploy.core.cluster import RELEASE
from yolodeploy.core.detections import Box
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.site import Epoch, StageReport
from yolodeploy.core.sketch import Sketch

Obj = dict[str, Any]
TICK_S = 0.05
CUSTOM = ("/apis/keda.sh/v1alpha1", "/apis/monitoring.coreos.com/v1")
METRICS = "/apis/custom.metrics.k8s.io/v1beta1"
KINDS = {
    "deployments": "Deployment", "jobs": "Job", "pods": "Pod", "nodes": "Node", "leases": "Lease",
    "configmaps": "ConfigMap", "namespaces": "Namespace", "services": "Service", "roles": "Role",
    "serviceaccounts": "ServiceAccount", "networkpolicies": "NetworkPolicy",
    "rolebindings": "RoleBinding", "ingresses": "Ingress", "resourcequotas": "ResourceQuota",
    "persistentvolumeclaims": "PersistentVolumeClaim", "scaledobjects": "ScaledObject",
    "poddisruptionbudgets": "PodDisruptionBudget", "servicemonitors": "ServiceMonitor",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler", "storageclasses": "StorageClass",
}  # fmt: skip


class Answers(msgspec.Struct):
    """What the servers of one release answer, and whether they can."""

    boxes: int = 3
    fails: bool = False
    starts: bool = True
    requests: int = 0
    sketches: bytes | None = None


class No(Exception):
    """A refusal."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Cluster(KubernetesEmulator):
    """One cluster of some nodes. Use it as a context manager; it runs in a thread of its own."""

    def __init__(self, nodes: int = 1, gpus: int = 0, cpu: str = "8") -> None:
        super().__init__()
        self.__dict__.update(
            kept={},
            number=100,
            answers={},
            missing=set(),
            guards=True,
            fault=None,
            asked=[],
            _guards={},
            _loop=asyncio.new_event_loop(),
            ended=threading.Event(),
            start_s=0.0,
            apis=set(),
        )
        for number in range(1, nodes + 1):
            self.node(f"edge-{number}", gpus, cpu)

    kept: dict[tuple[str, str, str], Obj]
    answers: dict[str, Answers]
    missing: set[str]
    asked: list[tuple[str, str, str]]
    guards: bool
    apis: set[str]
    """What is installed beside Kubernetes' own: `/apis/keda.sh/v1alpha1` and the like."""
    fault: Callable[[str, str], tuple[int, bytes] | None] | None

    # for tests -------------------------------------------------------------------------------

    def node(self, name: str, gpus: int = 0, cpu: str = "8") -> Obj:
        allocatable = {"cpu": cpu, "memory": "16Gi", "pods": "110", "nvidia.com/gpu": str(gpus)}
        labels = {"kubernetes.io/hostname": name}
        status = {
            "allocatable": allocatable,
            "images": [],
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        }
        node = {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": status}
        return self.put("nodes", "", name, node)

    def put(self, plural: str, namespace: str, name: str, item: Obj) -> Obj:
        """Store an object with a version of its own."""
        self.number += 1
        before = self.kept.get((plural, namespace, name))
        item["metadata"] |= {"name": name, "resourceVersion": str(self.number)}
        if namespace:
            item["metadata"]["namespace"] = namespace
        item["metadata"].setdefault("creationTimestamp", stamp())
        item["metadata"].setdefault("uid", f"uid-{self.number}")
        if before is None or before.get("spec") != item.get("spec"):
            item["metadata"]["generation"] = item["metadata"].get("generation", 0) + 1
        self.kept[plural, namespace, name] = item
        return item

    def of(self, plural: str, namespace: str | None = None) -> list[Obj]:
        return [
            item
            for (kind, space, _), item in list(self.kept.items())
            if kind == plural and namespace in (None, space)
        ]

    def kubeconfig(self, file: Path) -> Path:
        server = {"name": "c", "cluster": {"server": str(self.url).rstrip("/")}}
        context = {"name": "here", "context": {"cluster": "c", "user": "u"}}
        user = {"name": "u", "user": {"token": "t0ken"}}
        config = {
            "apiVersion": "v1", "kind": "Config", "clusters": [server], "contexts": [context],
            "users": [user], "current-context": "here",
        }  # fmt: skip
        file.write_text(yaml.safe_dump(config))
        return file

    def __enter__(self) -> Cluster:
        started = threading.Event()

        async def live() -> None:
            async with self, Server(self):
                self.__dict__["address"] = str(self.url).rstrip("/")
                started.set()
                while not self.ended.is_set():
                    self.tick()
                    await asyncio.sleep(TICK_S)

        self.__dict__["_thread"] = threading.Thread(
            target=lambda: self._loop.run_until_complete(live()), daemon=True
        )
        self._thread.start()
        assert started.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._thread.join(30)
        for guard in self._guards.values():
            guard.kill()
            guard.wait()

    # the API ---------------------------------------------------------------------------------

    async def __call__(self, raw_request: Any) -> aiohttp.web.StreamResponse:
        """What kmock cannot parse: pictures (no text), and the list of namespaces."""
        if raw_request.path == "/api/v1/namespaces":
            self.asked.append(asked_by(raw_request, raw_request.method, raw_request.path))
            told = self.fault("GET", raw_request.path) if self.fault else None
            if told is not None:
                return aiohttp.web.Response(status=told[0], body=told[1])
            items = self._selected("namespaces", None, raw_request.query)
            return aiohttp.web.json_response({"items": items})
        parts = raw_request.path.split("/")
        if "proxy" not in parts:
            return await super().__call__(raw_request)
        await raw_request.read()
        self.asked.append(asked_by(raw_request, raw_request.method, raw_request.path))
        at = parts.index("proxy")
        try:
            body = self._proxied(parts[at - 3], parts[at - 1], "/".join(parts[at + 1 :]))
        except No as no:
            return aiohttp.web.Response(status=no.status, text=str(no))
        return aiohttp.web.Response(body=body)

    async def _handle(self, request: Any) -> aiohttp.web.StreamResponse:
        path = request.url.path
        self.asked.append(asked_by(request, request.method.value.upper(), path))
        told = self.fault(request.method.value.upper(), path) if self.fault else None
        if told is not None:
            return aiohttp.web.Response(status=told[0], body=told[1])
        if path in (*CUSTOM, METRICS):
            return aiohttp.web.json_response({}, status=200 if path in self.apis else 404)
        if request.resource is None or request.resource.plural not in (None, *KINDS):
            return await super()._handle(request)
        try:
            answer = self._answer(request)
        except No as no:
            body = {"kind": "Status", "code": no.status, "message": str(no), "reason": str(no)}
            return aiohttp.web.json_response(body, status=no.status)
        if isinstance(answer, bytes):
            return aiohttp.web.Response(body=answer)
        return aiohttp.web.json_response(answer)

    def _answer(self, request: Any) -> Obj | bytes:  # noqa: PLR0911 (a table of verbs)
        plural, space, name = request.resource.plural, request.namespace or "", request.name
        if plural is None:  # kmock takes a namespace itself for a folder
            plural, space, name = "namespaces", "", space
        if request.subresource == "log":
            return b"one\ntwo\n"
        if request.subresource == "scale":
            return self._scaled(plural, space, name, request)
        match request.method.value.upper():
            case "GET" if name is None:
                return {"items": self._selected(plural, request.namespace, request.params)}
            case "GET":
                return self._there(plural, space, name)
            case "POST":
                return self._created(plural, space, request.data)
            case "PUT":
                self._demand_version(plural, space, name, request.data)
                return self._stored(plural, space, name, copy.deepcopy(request.data))
            case "PATCH":
                return self._applied(plural, space, name, request)
            case _:
                found = self._there(plural, space, name)
                bound = (request.data or {}).get("preconditions") or {}
                self._demand_version(plural, space, name, {"metadata": bound})
                del self.kept[plural, space, name]
                return found

    def _there(self, plural: str, space: str, name: str) -> Obj:
        if (plural, space, name) not in self.kept:
            raise No(404, f'{plural} "{name}" not found')
        return self.kept[plural, space, name]

    def _selected(self, plural: str, space: str | None, params: Any) -> list[Obj]:
        wanted = dict(
            part.split("=", 1) for part in params.get("labelSelector", "").split(",") if part
        )
        return [
            item
            for item in self.of(plural, space)
            if wanted.items() <= (item["metadata"].get("labels") or {}).items()
        ]

    def _demand_version(self, plural: str, space: str, name: str, body: Obj) -> None:
        wanted = body["metadata"].get("resourceVersion")
        if (
            wanted is not None
            and wanted != self._there(plural, space, name)["metadata"]["resourceVersion"]
        ):
            raise No(
                409, f'Operation cannot be fulfilled on {plural} "{name}": the object has been '
                "modified; please apply your changes to the latest version and try again",
            )  # fmt: skip

    def _created(self, plural: str, space: str, body: Obj) -> Obj:
        if space and ("namespaces", "", space) not in self.kept:
            raise No(404, f'namespaces "{space}" not found')
        body = copy.deepcopy(body)
        name = body["metadata"].get("name") or f"{body['metadata']['generateName']}{self.number}"
        if (plural, space, name) in self.kept:
            raise No(409, f'{plural} "{name}" already exists')
        return self._stored(plural, space, name, body)

    def _stored(self, plural: str, space: str, name: str, body: Obj) -> Obj:
        body.setdefault("status", (self.kept.get((plural, space, name)) or {}).get("status", {}))
        return self.put(plural, space, name, body)

    def _applied(self, plural: str, space: str, name: str, request: Any) -> Obj:
        """Of fields, only whole leaves are managed here; lists are leaves."""
        manager, body = request.params["fieldManager"], request.data
        body = body if body is not None else json.loads(request.body)
        before = self.kept.get((plural, space, name))
        if before is None and space and ("namespaces", "", space) not in self.kept:
            raise No(404, f'namespaces "{space}" not found')
        self._demand_version(plural, space, name, body) if before else None
        owners = copy.deepcopy((before or {}).get("owners", {}))
        mine = leaves({key: value for key, value in body.items() if key in ("spec", "data")})
        for field, value in mine.items():
            owner = owners.get(field, manager)
            if owner != manager and leaves(before or {}).get(field) != value:
                if request.params.get("force") != "true":
                    raise No(
                        409, "Apply failed with 1 conflict: conflict with "
                        f'"{owner}" using apps/v1: {field}',
                    )  # fmt: skip
                owners[field] = manager
        if request.params.get("dryRun"):
            return body
        owners |= {field: owners.get(field, manager) for field in mine}
        made = copy.deepcopy(body)
        made["owners"] = owners
        if plural == "deployments":
            kept = (before or {}).get("spec", {}).get("replicas", 1)
            made["spec"].setdefault("replicas", kept)
        made["metadata"].pop("resourceVersion", None)
        if before is not None:
            made["metadata"] = before["metadata"] | made["metadata"]
            if {**made, "metadata": 0, "status": 0} == {**before, "metadata": 0, "status": 0}:
                return before  # nothing changes, and so does not the version
        return self._stored(plural, space, name, made)

    def _scaled(self, plural: str, space: str, name: str, request: Any) -> Obj:
        found = self._there(plural, space, name)
        body = request.data if request.data is not None else json.loads(request.body)
        found["spec"] = found["spec"] | {"replicas": body["spec"]["replicas"]}
        found["owners"][".spec.replicas"] = request.params["fieldManager"]
        return self.put(plural, space, name, copy.deepcopy(found))

    def take_over(self, namespace: str, name: str, field: str, manager: str, value: Any) -> None:
        """Somebody edits a field of a Deployment by hand."""
        found = self.kept["deployments", namespace, name]
        *way, last = field.strip(".").split(".")
        place = found
        for step in way:
            place = place[step]
        place[last] = value
        found["owners"][field] = manager
        self.put("deployments", namespace, name, found)

    def _proxied(self, space: str, name: str, path: str) -> bytes:
        pod = self._there("pods", space, name.partition(":")[0])
        if pod["status"].get("phase") != "Running":
            raise No(503, "no endpoints available")
        answers = self.answers.setdefault(pod["metadata"]["annotations"][RELEASE], Answers())
        if path == "sketches":
            return answers.sketches if answers.sketches is not None else report(answers)
        answers.requests += 1
        if answers.fails:
            raise No(500, "broken")
        boxes = tuple(Box(0, 0.9, 10.0 * n, 10.0, 10.0 * n + 8, 18.0) for n in range(answers.boxes))
        told = DetectResponse(
            boxes=boxes, classes=("crack", "pit"), width=320, height=256, stages_ms={"total": 5.0}
        )
        return msgspec.json.encode(told)

    # controllers -----------------------------------------------------------------------------

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
        if (space, name) not in self._guards:
            line = [sys.executable, *container["command"][1:], *container["args"]]
            self._guards[space, name] = subprocess.Popen([*line, "--api", self.address])
        elif self._guards[space, name].poll() == 0:
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


def report(answers: Answers) -> bytes:
    sketch = Sketch()
    for _ in range(answers.requests):
        sketch.record(5000.0)
    epoch = Epoch(
        number=1, source="http", requests=answers.requests,
        failures=answers.requests if answers.fails else 0, stages={"total": sketch},
    )  # fmt: skip
    return msgspec.msgpack.encode(
        StageReport(site="", device="", instance="", app="", release="", epochs=(epoch,))
    )


def asked_by(request: Any, method: str, path: str) -> tuple[str, str, str]:
    """Who asked, and for what: only the guard does not say which program it is."""
    return ("operator" if "User-Agent" in request.headers else "guard", method, path)


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for key, item in value.items():
            found |= leaves(item, f"{path}.{key}")
        return found
    return {path: value}


def is_ready(pod: Obj) -> bool:
    found = {c["type"]: c["status"] for c in pod["status"].get("conditions", ())}
    return found.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
