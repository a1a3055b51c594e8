"""A cluster for tests: what they may do with it, and the API that kmock serves of it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import aiohttp.web
import yaml
from kmock import KubernetesEmulator, Server

from tests.kubernetes.double.controllers import Controllers
from tests.kubernetes.double.faults import Fault, No, refused, served
from tests.kubernetes.double.servers import Answers, detections, report
from tests.kubernetes.double.store import KINDS, Obj
from tests.kubernetes.double.streams import Streams
from yolodeploy.core.cluster import RELEASE

TICK_S = 0.05
CUSTOM = ("/apis/keda.sh/v1alpha1", "/apis/monitoring.coreos.com/v1")
METRICS = "/apis/custom.metrics.k8s.io/v1beta1"

Told = Fault | tuple[int, bytes] | None


class Cluster(Controllers):
    """One cluster of some nodes. Use it as a context manager; it runs in a thread of its own.

    `fault` may answer in the place of the API: it is asked with the method (`WATCH` for a watch)
    and the path. `asked` is who asked for what; `apis` is what is installed beside Kubernetes, of
    `CUSTOM` and `METRICS`. `delay_s` is how long every answer takes, `ahead_s` by how much its
    clock is ahead of this one. `real` may answer for a pod: it is asked with the pod and the path.
    `rules` are what an account is told to have in a namespace, where that is not everything; it is
    not held to them.
    """

    def __init__(self, nodes: int = 1, gpus: int = 0, cpu: str = "8") -> None:
        super().__init__()
        self.fault: Callable[[str, str], Told] | None = None
        self.asked: list[tuple[str, str, str]] = []
        self.apis: set[str] = set()
        self.real: Callable[[Obj, str], bytes | None] | None = None
        self.usages: dict[str, dict[str, str]] | None = None
        self.rules: dict[str, list[Obj]] = {}
        self.version = "v1.36.2+k3s1"
        self.token = "t0ken"
        self.tick_s = TICK_S
        self.delay_s = 0.0
        self.ahead_s = 0.0
        self.streams = Streams(self)
        self.ended = threading.Event()
        self._thread: threading.Thread | None = None
        for number in range(1, nodes + 1):
            self.node(f"edge-{number}", gpus, cpu)
        self.put("endpointslices", "default", "kubernetes", {
            "metadata": {}, "ports": [{"port": 6443}], "endpoints": [{"addresses": ["10.0.0.1"]}],
        })  # fmt: skip

    def node(self, name: str, gpus: int = 0, cpu: str = "8") -> Obj:
        """One more node."""
        allocatable = {"cpu": cpu, "memory": "16Gi", "pods": "110", "nvidia.com/gpu": str(gpus)}
        status = {
            "allocatable": allocatable,
            "capacity": dict(allocatable),
            "images": [],
            "nodeInfo": {"kubeletVersion": "v1.36.2+k3s1"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        }
        labels = {"kubernetes.io/hostname": name}
        node = {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": status}
        return self.put("nodes", "", name, node)

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

    def kubeconfig(self, file: Path) -> Path:
        """A file whose context `here` leads to it."""
        server = {"name": "c", "cluster": {"server": self.address}}
        context = {"name": "here", "context": {"cluster": "c", "user": "u"}}
        user = {"name": "u", "user": {"token": self.token}}
        config = {
            "apiVersion": "v1", "kind": "Config", "clusters": [server], "contexts": [context],
            "users": [user], "current-context": "here",
        }  # fmt: skip
        file.write_text(yaml.safe_dump(config))
        return file

    def __enter__(self) -> Cluster:
        started = threading.Event()
        api = _Api()
        api.__dict__["cluster"] = self  # its class takes no attribute of ours

        async def live() -> None:
            async with api, Server(api):
                self.address = str(api.url).rstrip("/")
                started.set()
                while not self.ended.is_set():
                    self.tick()
                    self.note()
                    await asyncio.sleep(self.tick_s)
                self.streams.cut()

        self._thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
        self._thread.start()
        assert started.wait(120)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.end_guards()

    def close(self) -> None:
        """From here on its API answers nobody."""
        self.ended.set()
        if self._thread is not None:
            self._thread.join(120)

    # the API ---------------------------------------------------------------------------------

    async def served(self, request: Any) -> aiohttp.web.StreamResponse | None:
        """The answer to what kmock cannot parse or serve; None where it can.

        That are pictures (no text), watches and logs (no end), and the list of namespaces.
        """
        method = "WATCH" if request.query.get("watch") == "true" else request.method
        self.note_asked(request, method, request.path)
        mine = f"Bearer {self.token}"
        if request.headers.get("Authorization", mine) != mine:
            return refused(No(401, "Unauthorized"))
        await asyncio.sleep(self.delay_s)
        told = self.fault(method, request.path) if self.fault else None
        fault = Fault(*told) if told is not None else None
        if fault is not None and not fault.done:
            return await served(fault, request)
        request["fault"] = fault  # told when it is done
        try:
            return await self._own(request, method)
        except No as no:
            return refused(no)

    async def _own(self, request: Any, method: str) -> aiohttp.web.StreamResponse | None:
        if method == "WATCH":
            return await self.streams.watch(request)
        if request.path.endswith("/log"):
            return await self.streams.log(request)
        if "proxy" in request.path.split("/"):
            body = await request.read()
            return await self._passed_on(request, body)
        if request.path in (*CUSTOM, METRICS):
            return aiohttp.web.json_response({}, status=200 if request.path in self.apis else 404)
        if request.path.endswith("/selfsubjectrulesreviews"):
            return aiohttp.web.json_response(self._reviewed(await request.json()), status=201)
        told = self._told(request)
        return None if told is None else aiohttp.web.json_response(told)

    def _reviewed(self, asked: Obj) -> Obj:
        """As RBAC resolves it: all that bindings give, the verbs of every rule as they stand."""
        everything = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
        rules = self.rules.get(asked["spec"]["namespace"], everything)
        return {**asked, "status": {"resourceRules": rules, "incomplete": False}}

    def _told(self, request: Any) -> Obj | None:
        if request.path.startswith("/apis/metrics.k8s.io/"):
            return self._measured()
        if request.path == "/version":
            return {"gitVersion": self.version}
        if request.path == "/apis/node.k8s.io/v1/runtimeclasses":
            return self.listed("runtimeclasses", None, request.query)
        if request.path == "/api/v1/namespaces":
            return self.listed("namespaces", None, request.query)
        return None

    def _measured(self) -> Obj:
        if self.usages is None:
            raise No(404, "the server could not find the requested resource")
        return {"items": [{"metadata": {"name": n}, "usage": u} for n, u in self.usages.items()]}

    def answered(self, request: Any) -> Obj:  # noqa: PLR0911 (a table of verbs)
        """The answer to what kmock has parsed."""
        plural, space, name = request.resource.plural, request.namespace or "", request.name
        if plural is None:  # kmock takes a namespace itself for a folder
            plural, space, name = "namespaces", "", space
        query, body = request.params, request.data
        match request.method.value.upper():
            case "GET" if name is None:
                return self.listed(plural, request.namespace, query)
            case "GET":
                return self.there(plural, space, name)
            case "POST":
                return self.created(plural, space, body)
            case "PUT":
                self.demand_version(plural, space, name, body)
                return self.stored(plural, space, name, json.loads(json.dumps(body)))
            case "PATCH":
                body = body if body is not None else json.loads(request.body)
                if request.subresource == "scale":
                    wanted = body["spec"]["replicas"]
                    return self.scaled(plural, space, name, wanted, query["fieldManager"])
                if "fieldManager" not in query:
                    return self.merged(plural, space, name, body)
                return self.applied(plural, space, name, body, query)
            case _:
                return self.deleted(plural, space, name, body or {})

    def note_asked(self, request: Any, method: str, path: str) -> None:
        """Who asked, and for what: the guard does not say which program it is."""
        agent = request.headers.get("User-Agent", "guard")
        who = agent if agent in ("guard", "yolodeploy-server") else "operator"
        self.asked.append((who, method, path))

    async def _passed_on(self, request: Any, body: bytes) -> aiohttp.web.Response:
        """What a pod answers: one of an engine's, a real server's, or what `answers` say."""
        parts = request.path.split("/")
        at = parts.index("proxy")
        pod = self.there("pods", parts[at - 3], parts[at - 1].partition(":")[0])
        if pod["status"].get("phase") != "Running":
            raise No(503, "no endpoints available")
        path = "/".join(parts[at + 1 :])
        if self.engine_pods is not None:
            target = f"{path}?{request.query_string}"
            told = await asyncio.to_thread(
                self.engine_pods.answer, pod, request.method, target, body
            )
            if told is not None:
                return aiohttp.web.Response(status=told[0], body=told[1])
        return aiohttp.web.Response(body=self._proxied(pod, path))

    def _proxied(self, pod: Obj, path: str) -> bytes:
        if self.real is not None and (answer := self.real(pod, path)):
            return answer
        if path.startswith("engines"):  # a server of before
            raise No(404, "not found")
        answers = self.answers.setdefault(pod["metadata"]["annotations"][RELEASE], Answers())
        if path == "sketches":
            return answers.sketches if answers.sketches is not None else report(answers)
        answers.requests += 1
        if answers.fails:
            raise No(500, "broken")
        return detections(answers)


class _Api(KubernetesEmulator):
    """kmock's part: it parses requests and serves what a cluster has beside our objects."""

    cluster: Cluster

    async def __call__(self, raw_request: Any) -> aiohttp.web.StreamResponse:
        answer = await self.cluster.served(raw_request)
        if answer is None:
            answer = await super().__call__(raw_request)
        if (fault := raw_request.get("fault")) is not None:
            answer = await served(fault, raw_request)
        if not answer.prepared and "Date" not in answer.headers:
            answer.headers["Date"] = formatdate(time.time() + self.cluster.ahead_s, usegmt=True)
        return answer

    async def _handle(self, request: Any) -> aiohttp.web.StreamResponse:
        if request.resource is None or request.resource.plural not in (None, *KINDS):
            return await super()._handle(request)
        try:
            return aiohttp.web.json_response(self.cluster.answered(request))
        except No as no:
            return refused(no)
