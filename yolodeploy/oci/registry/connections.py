"""Pools of connections that hold their times, with the trust and the proxy that were asked for.

Two things that urllib3's own timeouts leave open: it sends with the timeout that was meant for
connecting (10 s would cut every body on a slow link), and a socket's timeout starts again with each
byte (who sends one a minute could hold us for ever).
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from urllib3 import PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from yolodeploy.oci.registry import limits
from yolodeploy.oci.registry.proxies import proxy_address, proxy_headers

if TYPE_CHECKING:
    from ssl import SSLContext

    from urllib3.response import HTTPResponse

    from yolodeploy.oci.registry.opened import Opened

_WAITING = 1 << 17  # bytes that the kernel may hold unsent, so that progress is what went out
_NOTSENT_LOWAT = 25  # linux/tcp.h


def new_pool(context: SSLContext | None, proxy: str, opened: Opened) -> PoolManager:
    """A pool for one scheme; without a context for plain HTTP. Its connections are in `opened`."""
    options = [
        *HTTPConnection.default_socket_options,
        (socket.IPPROTO_TCP, _NOTSENT_LOWAT, _WAITING),
    ]
    shared: dict[str, Any] = {"maxsize": 8, "ssl_context": context, "socket_options": options}
    if proxy:
        login = proxy_headers(proxy)
        pool: PoolManager = ProxyManager(proxy_address(proxy), proxy_headers=login, **shared)
    else:
        pool = PoolManager(**shared)
    pool.pool_classes_by_scheme = _classes(opened)
    return pool


def hang_up(opened: Opened) -> None:
    """Break off whatever is under way, from any thread."""
    for connection in tuple(opened):
        if connection.sock is not None:
            _shut(connection.sock)


class _Plain(HTTPConnection):
    opened: Opened

    def connect(self) -> None:
        super().connect()
        self.opened.add(self)
        if self.opened.over:
            # it came too late to be hung up with the others, and would wait for its answer
            _shut(self.sock)

    def send(self, data: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(limits.IDLE_S)
        super().send(data)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        with _in_time(self.sock, self.timeout):
            return super().getresponse()


class _Secret(_Plain, HTTPSConnection):
    pass


def _classes(opened: Opened) -> dict[str, Any]:
    """The classes of a pool, whose connections know where they are noted."""
    plain = type("Plain", (_Plain,), {"opened": opened})
    secret = type("Secret", (_Secret,), {"opened": opened})
    return {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecretPool", (HTTPSConnectionPool,), {"ConnectionCls": secret}),
    }


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def _in_time(sock: socket.socket, seconds: object) -> Iterator[None]:
    """Hang up some time after the first byte was due, however little is still coming."""
    limit_s = float(seconds) if isinstance(seconds, int | float) else limits.ANSWER_S
    too_late = threading.Event()

    def end() -> None:
        too_late.set()
        _shut(sock)

    timer = threading.Timer(2 * limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if too_late.is_set():  # Python takes a head that breaks off for one that has ended
        raise TimeoutError
