"""A cluster for tests: what they may do with it, and the API that kmock serves of it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
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
    `CUSTOM` and `METRICS`.
    """

    def __init__(self, nodes: int = 1, gpus: int = 0, cpu: str = "8") -> None:
        super().__init__()
        self.fault: Callable[[str, str], Told] | None = None
        self.asked: list[tuple[str, str, str]] = []
        self.apis: set[str] = set()
        self.usages: dict[str, dict[str, str]] | None = None
        self.token = "t0ken"
        self.streams = Streams(self)
        self.ended = threading.Event()
        self._thread: threading.Thread | None = None
        for number in range(1, nodes + 1):
            self.node(f"edge-{number}", gpus, cpu)

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
                    await asyncio.sleep(TICK_S)
                self.streams.cut()

        self._thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
        self._thread.start()
        assert started.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        if self._thread is not None:
            self._thread.join(30)
        self.end_guards()

    # the API ---------------------------------------------------------------------------------

    async def served(self, request: Any) -> aiohttp.web.StreamResponse | None:
        """The answer to what kmock cannot parse or serve; None where it can.

        That are pictures (no text), watches and logs (no end), and the list of namespaces.
        """
        method = "WATCH" if request.query.get("watch") == "true" else request.method
        self.note_asked(request, method, request.path)
        if self.token not in request.headers.get("Authorization", self.token):
            return refused(No(401, "Unauthorized"))
        told = self.fault(method, request.path) if self.fault else None
        if told is not None:
            return await served(Fault(*told), request)
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
            await request.read()
            return aiohttp.web.Response(body=self._proxied(request.path))
        if request.path in (*CUSTOM, METRICS):
            return aiohttp.web.json_response({}, status=200 if request.path in self.apis else 404)
        told = self._told(request)
        return None if told is None else aiohttp.web.json_response(told)

    def _told(self, request: Any) -> Obj | None:
        if request.path.startswith("/apis/metrics.k8s.io/"):
            return self._measured()
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
                return self.applied(plural, space, name, body, query)
            case _:
                return self.deleted(plural, space, name, body or {})

    def note_asked(self, request: Any, method: str, path: str) -> None:
        """Who asked, and for what: only the guard does not say which program it is."""
        who = "operator" if "User-Agent" in request.headers else "guard"
        self.asked.append((who, method, path))

    def _proxied(self, path: str) -> bytes:
        parts = path.split("/")
        at = parts.index("proxy")
        pod = self.there("pods", parts[at - 3], parts[at - 1].partition(":")[0])
        if pod["status"].get("phase") != "Running":
            raise No(503, "no endpoints available")
        answers = self.answers.setdefault(pod["metadata"]["annotations"][RELEASE], Answers())
        if "/".join(parts[at + 1 :]) == "sketches":
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
        return answer if answer is not None else await super().__call__(raw_request)

    async def _handle(self, request: Any) -> aiohttp.web.StreamResponse:
        if request.resource is None or request.resource.plural not in (None, *KINDS):
            return await super()._handle(request)
        try:
            return aiohttp.web.json_response(self.cluster.answered(request))
        except No as no:
            return refused(no)
