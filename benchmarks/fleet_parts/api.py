"""One API server that answers for every cluster of a fleet, from bytes made beforehand.

    python api.py PODS FOLDER

Prints its port. It costs little, and it is another process, so that the figures are those of who
asks. What servers have measured grows when `POST /next` is asked.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.fleet_parts import objects
from benchmarks.fleet_parts.objects import APP, AT
from benchmarks.inventory import REQUESTS_A_ROUND, ROUNDS, cumulative_blobs, reported
from yolodeploy.core import cluster
from yolodeploy.core.cluster import APPS, FENCE

LISTS = frozenset({"configmaps", "resourcequotas", "namespaces"})
ABSENT = b'{"kind":"Status","code":404,"reason":"NotFound","message":"not found"}'
KINDS = 16  # as many devices measure differently


class Answers:
    """Paths and what they answer."""

    def __init__(self, pods: int) -> None:
        deployment = objects.deployment(pods)
        template = deployment["spec"]["template"]
        mine = [objects.pod(number, template) for number in range(pods)]
        space = f"/api/v1/namespaces/{APP}"
        lease = {
            "metadata": {"name": "site", "resourceVersion": "9",
                         "annotations": {FENCE: "3", APPS: APP}},
            "spec": {"leaseTransitions": 3},
        }  # fmt: skip
        kept = {"metadata": {"name": cluster.RECORD, "resourceVersion": "8"},
                "data": {"record": objects.record(), "target": "{}"}}  # fmt: skip
        self.plain = {
            f"/apis/coordination.k8s.io/v1/namespaces/{cluster.NAMESPACE}/leases/site": lease,
            f"{space}/configmaps/{cluster.RECORD}": kept,
            f"/apis/apps/v1/namespaces/{APP}/deployments/{APP}": deployment,
            "/api/v1/nodes": listed("NodeList", [objects.node(n) for n in range(pods)]),
        }
        self.encoded = {path: msgspec.json.encode(item) for path, item in self.plain.items()}
        self.pods = msgspec.json.encode(listed("PodList", mine))
        self.none = msgspec.json.encode(listed("List", []))
        self.blobs = cumulative_blobs(random.Random(1), KINDS)
        self.round = 0
        self.sketches: list[bytes] = []
        self.measure()

    def measure(self) -> None:
        """What each kind of device reports in this round."""
        requests = REQUESTS_A_ROUND * (self.round + 21)
        self.sketches = [
            msgspec.msgpack.encode(reported("", kind, requests, rounds[self.round % ROUNDS]))
            for kind, rounds in enumerate(self.blobs)
        ]

    def of(self, method: str, target: str) -> bytes | None:
        """The body of an answer; None where nothing is."""
        path, _, query = target.partition("?")
        if path == "/api/v1/pods" and "labelSelector" in query:
            return self.none  # there is no exporter of GPUs' figures
        if method == "POST" and path == "/next":
            self.round += 1
            self.measure()
            return b"{}"
        if path.endswith("/sketches"):
            return self.sketches[hash(path) % KINDS]
        if path in self.encoded:
            return self.encoded[path]
        if path in (f"/api/v1/namespaces/{APP}/pods", "/api/v1/pods"):
            return self.pods
        return self.none if path.rpartition("/")[2] in LISTS else None


def listed(kind: str, items: list[Any]) -> dict[str, Any]:
    """A list as the API gives it."""
    return {"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "9000"},
            "items": items}  # fmt: skip


class Speaker(asyncio.Protocol):
    """As much of HTTP as a client that keeps its connection asks for; requests without bodies."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._kept = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answers go where questions come from."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every question that is whole."""
        self._kept += data
        while b"\r\n\r\n" in self._kept:
            head, _, self._kept = self._kept.partition(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            body = self._answers.of(method, target)
            status, body = ("200 OK", body) if body is not None else ("404 Not Found", ABSENT)
            start = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            self._transport.write(start + body)  # type: ignore[attr-defined]


async def main() -> None:
    """Answer until somebody ends this process."""
    answers = Answers(int(sys.argv[1]))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Speaker(answers), "127.0.0.1", 0, backlog=2048)
    (Path(sys.argv[2]) / "pods.json").write_bytes(answers.pods)
    print(server.sockets[0].getsockname()[1], AT, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
