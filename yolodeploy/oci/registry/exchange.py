"""One HTTP exchange with anybody: sockets, TLS, proxies, deadlines. Knows no registry's rules.

urllib3 and not httpx2: 40 ms of imports against 132 (and 155 with the event loop that comes along),
which a push of a 12 MB model, 100 ms of work, would feel; the docker and kubernetes packages bring
urllib3 anyway. Its own retries and redirects are off: ours know credentials and offsets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Unreachable
from yolodeploy.oci.registry import limits
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.addresses import api_host, origin
from yolodeploy.oci.registry.answers import Answer
from yolodeploy.oci.registry.faults import translated
from yolodeploy.oci.registry.opened import Opened
from yolodeploy.oci.registry.proxies import proxy_for

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager


PIECE = 1 << 18  # bytes in memory for each transfer
_AGENT = "yolodeploy"


class Body(NamedTuple):
    """What is sent: its size in bytes, and its pieces, from the start whenever asked for.

    `more_s` is how much longer than usual the answer may take.
    """

    size: int
    pieces: Callable[[], Iterable[bytes]]
    more_s: float = 0.0

    @classmethod
    def of(cls, content: bytes) -> Body:
        """A body that is in memory."""
        return cls(len(content), lambda: (content,))


class Stream:
    """An answer whose content is still to be read. `headers` are by lower-case name."""

    def __init__(
        self,
        method: str,
        url: str,
        response: BaseHTTPResponse,
        registry: str,
        secret: str = "",
    ) -> None:
        self.url = url
        self._reads = method == "GET"
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self._response = response
        self._registry = registry
        self._secret = secret.rpartition(" ")[2].encode()
        self._ended = False
        self._empty = True

    def pieces(self, span: int) -> Iterator[bytes]:
        """The content, at most `PIECE` bytes at a time, each as soon as it is there.

        Every `span` bytes must come in time; one deadline for all of a large blob would be none.

        Raises:
            Unreachable: `registry.cut`, `registry.silent`, `registry.slow`.
        """
        left, deadline = span, time.monotonic() + limits.allowance_s(span)
        while piece := self._piece():
            self._empty = False
            left -= len(piece)
            if left <= 0:
                left, deadline = span, time.monotonic() + limits.allowance_s(span)
            elif time.monotonic() > deadline:
                raise Unreachable("registry.slow", registry=self._registry)
            yield piece
        self._ended = True
        if self._empty and self._broke_off():
            raise Unreachable("registry.cut", registry=self._registry, reason="no content")

    def whole(self, largest: int) -> Answer:
        """The content, of which no more than `largest` bytes are kept."""
        content = bytearray()
        for piece in self.pieces(largest):
            content += piece
            if len(content) > largest:
                break
        cut = len(content) > largest
        content = content[:largest]
        if self._secret and self.status >= 400:  # what a registry says of its errors is shown
            content = content.replace(self._secret, b"***")
        return Answer(self.status, self.headers, self.url, bytes(content), cut)

    def closed(self, largest: int) -> Answer:
        """The same, and the stream is closed."""
        try:
            return self.whole(largest)
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back, or close it where content is left; again is harmless."""
        if not self._ended:
            self._response.close()
        self._response.release_conn()

    def _broke_off(self) -> bool:
        """Whether the head may have been cut: Python takes one that breaks off for a whole one."""
        framed = {"content-length", "transfer-encoding"} & self.headers.keys()
        return self._reads and self.status in (200, 206) and not framed

    def _piece(self) -> bytes:
        with translated(self._registry):
            return self._response.read1(PIECE, decode_content=False)


class Exchange:
    """Connections to a registry and to whomever it names. Safe for several threads at once."""

    def __init__(self, registry: str, access: Access) -> None:
        self._registry = registry
        self._access = access
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, str, bool], PoolManager] = {}
        self._opened = Opened()

    def send(self, method: str, url: str, headers: Mapping[str, str], body: Body | None) -> Stream:
        """Send one request; returns when the head of the answer is there.

        Raises:
            Unreachable: `registry.unreachable`, `registry.silent`, `registry.cut`.
            Failed: `registry.tls`, `registry.plain`, `registry.bad_answer`.
        """
        from urllib3 import Timeout

        sent = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **headers}
        content: Iterable[bytes] | None = None
        if body is not None:
            sent["Content-Length"] = str(body.size)
            content = _in_time(body, self._registry)
        read_s = limits.ANSWER_S + body.more_s if body else limits.IDLE_S
        timeout = Timeout(connect=limits.CONNECT_S, read=read_s)
        with translated(self._registry):
            response = self._pool(url).urlopen(
                method, url, body=content, headers=sent, timeout=timeout, retries=False,
                redirect=False, preload_content=False, decode_content=False,
            )  # fmt: skip
        return Stream(method, url, response, self._registry, headers.get("Authorization", ""))

    def close(self) -> None:
        """Close all connections; again is harmless."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()
            self._pools.clear()

    def hang_up(self) -> None:
        """Break off whatever is under way, and what is only being connected, from any thread."""
        self._opened.over = True
        if self._opened:
            from yolodeploy.oci.registry.connections import hang_up

            hang_up(self._opened)

    def _pool(self, url: str) -> PoolManager:
        itself = origin(url) == origin(f"https://{api_host(self._registry)}")
        key = (origin(url)[0], proxy_for(url), itself)
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._new_pool(*key)
            return self._pools[key]

    def _new_pool(self, scheme: str, proxy: str, itself: bool) -> PoolManager:
        from yolodeploy.oci.registry.connections import new_pool

        if scheme != "https":
            return new_pool(None, proxy, self._opened)
        from yolodeploy.oci.registry.tls import trust

        context = trust(self._registry, self._access.ca, self._access.certs, itself=itself)
        return new_pool(context, proxy, self._opened)


def _in_time(body: Body, registry: str) -> Iterator[bytes]:
    deadline = time.monotonic() + limits.allowance_s(body.size)
    for piece in body.pieces():
        yield piece
        if time.monotonic() > deadline:
            raise Unreachable("registry.slow", registry=registry)
