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

_WAITING = 1 << 17  # bytes that the kernel may hold unsent, so that progress is what went out
_NOTSENT_LOWAT = 25  # linux/tcp.h


def new_pool(context: SSLContext | None, proxy: str) -> PoolManager:
    """A pool for one scheme; without a context for plain HTTP."""
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
    pool.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecretPool}
    return pool


class _Plain(HTTPConnection):
    def send(self, data: Any) -> None:
        _may_idle(self.sock)
        super().send(data)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        with _hung_up(self.sock, self.timeout):
            return super().getresponse()


class _Secret(HTTPSConnection):
    def send(self, data: Any) -> None:
        _may_idle(self.sock)
        super().send(data)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        with _hung_up(self.sock, self.timeout):
            return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecretPool(HTTPSConnectionPool):
    ConnectionCls = _Secret


def _may_idle(sock: socket.socket | None) -> None:
    if sock is not None:
        sock.settimeout(limits.IDLE_S)


@contextmanager
def _hung_up(sock: socket.socket, seconds: object) -> Iterator[None]:
    """Hang up some time after the first byte was due, however little is still coming."""
    limit_s = float(seconds) if isinstance(seconds, int | float) else limits.ANSWER_S
    too_late = threading.Event()

    def hang_up() -> None:
        too_late.set()
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(2 * limit_s, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if too_late.is_set():  # Python takes a head that breaks off for one that has ended
        raise TimeoutError
