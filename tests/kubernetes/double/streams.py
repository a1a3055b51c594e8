"""What a double tells without an end: watches, and logs that are followed."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp.web

from tests.kubernetes.double.faults import No, hang_up
from tests.kubernetes.double.store import KINDS, Change, selected

if TYPE_CHECKING:
    from tests.kubernetes.double.cluster import Cluster

LOOK_S = 0.02


class Line:
    """One line of a log, and when it was written."""

    def __init__(self, at: float, text: str) -> None:
        self.at, self.text = at, text

    def stamped(self) -> str:
        return f"{datetime.fromtimestamp(self.at, UTC).isoformat()} {self.text}"


class Streams:
    """Those of one cluster. A test may `cut` them, hold them back, or have them say nonsense.

    `lag_s` is how late a watch tells; `noise` is said in the place of the next event.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._open: list[Any] = []
        self.logs: dict[str, list[Line]] = {}
        self.before: dict[str, list[str]] = {}
        self.lag_s = 0.0
        self.noise = b""

    @property
    def watching(self) -> int:
        """How many are open."""
        return len(self._open)

    def cut(self) -> None:
        """As when the link is cut."""
        for request in list(self._open):
            if request.task is not None:
                request.task.get_loop().call_soon_threadsafe(hang_up, request)

    def write(self, pod: str, text: str) -> None:
        """A server writes a line."""
        self._lines(pod).append(Line(time.time(), text))

    async def watch(self, request: Any) -> aiohttp.web.StreamResponse:
        """Everything after `resourceVersion`, until `timeoutSeconds` are over."""
        plural, space = _place(request.path)
        since = int(request.query.get("resourceVersion", "0"))
        selector = request.query.get("labelSelector", "")
        answer = await self._begun(request)
        deadline = time.monotonic() + float(request.query.get("timeoutSeconds", "60"))
        try:
            if since < self._cluster.floor:
                await answer.write(_event("ERROR", _too_old(since)))
                return answer
            while time.monotonic() < deadline and not self._cluster.ended.is_set():
                if since < self._cluster.floor:
                    await answer.write(_event("ERROR", _too_old(since)))
                    return answer
                for change in [c for c in self._cluster.history if c.number > since]:
                    since = max(since, change.number)
                    if _matches(change, plural, space, selector):
                        await asyncio.sleep(self.lag_s)
                        noise, self.noise = self.noise, b""
                        kind = KINDS[plural]
                        await answer.write(noise or _event(change.kind, change.item, kind))
                await asyncio.sleep(LOOK_S)
            if request.query.get("allowWatchBookmarks") == "true":
                mark = {"metadata": {"resourceVersion": str(self._cluster.number)}}
                await answer.write(_event("BOOKMARK", mark, KINDS[plural]))
        except (ConnectionError, RuntimeError):
            pass  # whoever asked has gone, or the link was cut
        finally:
            self._open.remove(request)
        return answer

    async def log(self, request: Any) -> aiohttp.web.StreamResponse:
        """The lines of a pod's log, as `kubectl logs` asks for them."""
        query, parts = request.query, request.path.split("/")
        name = parts[-2]
        pod = self._cluster.there("pods", parts[-4], name)
        if query.get("previous") == "true":
            if name not in self.before:
                raise No(400, "previous terminated container not found")
            return aiohttp.web.Response(text="\n".join([*self.before[name], ""]))
        if pod["status"].get("phase") not in ("Running", "Failed", "Succeeded"):
            raise No(400, f'container "server" in pod "{name}" is waiting to start')
        lines = self._lines(name)
        since = query.get("sinceTime")
        least = datetime.fromisoformat(since).timestamp() // 1 if since else 0.0
        if "sinceSeconds" in query:
            least = time.time() - float(query["sinceSeconds"])
        told = [line for line in lines if line.at >= least]
        told = told[-int(query["tailLines"]) :] if "tailLines" in query else told
        stamped = query.get("timestamps") == "true"
        answer = await self._begun(request)
        done = len(lines)
        try:
            while True:
                for line in told:
                    text = line.stamped() if stamped else line.text
                    await answer.write(f"{text}\n".encode())
                gone = self._cluster.kept.get(("pods", parts[-4], name)) is None
                if query.get("follow") != "true" or gone or self._cluster.ended.is_set():
                    return answer
                await asyncio.sleep(LOOK_S)
                told, done = lines[done:], len(lines)
        except (ConnectionError, RuntimeError):
            return answer
        finally:
            self._open.remove(request)

    def _lines(self, pod: str) -> list[Line]:
        now = time.time()
        return self.logs.setdefault(pod, [Line(now, "one"), Line(now + 1e-3, "two")])

    async def _begun(self, request: Any) -> aiohttp.web.StreamResponse:
        answer = aiohttp.web.StreamResponse()
        answer.enable_chunked_encoding()
        self._open.append(request)
        await answer.prepare(request)
        return answer


def _place(path: str) -> tuple[str, str | None]:
    *_, before, space, plural = ["", "", *path.split("/")]
    return plural, space if before == "namespaces" else None


def _matches(change: Change, plural: str, space: str | None, selector: str) -> bool:
    kind, where, _ = change.key
    return kind == plural and space in (None, where) and selected(change.item, selector)


def _event(kind: str, item: dict[str, Any], what: str = "Status") -> bytes:
    return json.dumps({"type": kind, "object": {"kind": what, **item}}).encode() + b"\n"


def _too_old(since: int) -> dict[str, Any]:
    return {"code": 410, "reason": "Expired", "message": f"too old resource version: {since}"}
