"""One pool of connections to one API server, with deadlines and bounds on every read.

The standard library's client costs half of urllib3's CPU a request, and a poll of a site is a
dozen. What a kubeconfig says of addresses, certificates and tokens is still the package's to read.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

KEPT = 8
"""Connections that are kept for the next request."""

CONNECT_S = 5.0
PIECE = 64 << 10
LARGEST_LINE = 4 << 20  # an object has 1.5 MB at most, which is what etcd takes


class TooLarge(Exception):
    """An answer goes on beyond its bound."""


class Cut(OSError):
    """An answer ended in its middle."""


class Slow(TimeoutError):
    """An answer comes, but not before its deadline."""


class Unsayable(Exception):
    """No request can be made of an address or a header."""


class Answer:
    """What came back, before its body is read."""

    def __init__(
        self, response: http.client.HTTPResponse, connection: http.client.HTTPConnection
    ) -> None:
        self.status = response.status
        self.headers = response.headers
        self.whole = False
        """It was read to its end: the connection is good for the next request."""
        self._response = response
        self._connection = connection

    def body(self, deadline: float, largest: int) -> bytes:
        """All of it; `deadline` is on the monotonic clock.

        Raises:
            TooLarge, Cut, Slow, OSError.
        """
        pieces = []
        total = 0
        while piece := self._piece(deadline - time.monotonic()):
            pieces.append(piece)
            total += len(piece)
            if total > largest:
                raise TooLarge
        if self._response.length:  # the standard library does not complain
            raise Cut("it was cut off in the middle of an answer")
        self.whole = not self._response.will_close
        return b"".join(pieces)

    def lines(self, idle_s: float, shorten: int = 0) -> Iterator[bytes]:
        """Line by line, until it ends; `idle_s` is how long it may say nothing.

        Lines of more than `shorten` bytes lose their end; without it one may have `LARGEST_LINE`.

        Raises:
            TooLarge, Cut, OSError.
        """
        rest = b""
        while piece := self._piece(idle_s):
            *whole, rest = (rest + piece).split(b"\n")
            yield from (line[:shorten] if shorten else line for line in whole)
            if shorten:
                rest = rest[: shorten + 1]
            elif len(rest) > LARGEST_LINE:
                raise TooLarge
        if rest:
            yield rest[:shorten] if shorten else rest

    def hang_up(self) -> None:
        """End it, from whatever thread."""
        hang_up(self._connection)

    def _piece(self, limit_s: float) -> bytes:
        if limit_s <= 0:
            raise Slow("it is too slow")
        if self._connection.sock is not None:
            self._connection.sock.settimeout(limit_s)
        try:
            return self._response.read1(PIECE)
        except (http.client.HTTPException, ValueError) as error:
            raise Cut("it was cut off in the middle of an answer") from error


class Wire:
    """Connections to one server; threads may share it.

    `settings` is the `kubernetes.client.Configuration` that a kubeconfig was read into.
    """

    def __init__(self, settings: Any) -> None:
        url = _address(settings.host)
        self._host, self._base = url.hostname or "", url.path.rstrip("/")
        self._tls = _tls(settings) if url.scheme == "https" else None
        self._port = url.port or (443 if self._tls else 80)
        self._name = settings.tls_server_name or self._host
        self._proxy = _proxy(settings)
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self.certificate_ends = ""
        """`notAfter` of the server's certificate, as `ssl` tells it; empty without TLS."""

    @contextmanager
    def asked(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None, limit_s: float
    ) -> Iterator[Answer]:
        """Send a request; what is not read to its end is hung up on.

        Raises:
            OSError: Nobody is there, or it takes too long.
            Unsayable.
        """
        connection, response = self._sent(method, self._base + target, headers, body, limit_s)
        answer = Answer(response, connection)
        try:
            yield answer
        finally:
            response.close()
            self._give_back(connection) if answer.whole else hang_up(connection)

    def close(self) -> None:
        """Hang up on those that wait for the next request."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            hang_up(connection)

    def _sent(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None, limit_s: float
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = self._kept()
        if connection is not None:
            try:
                return connection, self._exchange(
                    connection, method, target, headers, body, limit_s
                )
            except (ConnectionError, http.client.RemoteDisconnected):
                if method == "POST":
                    raise
                # the server had given it up before our request came
        connection = self._new(limit_s)
        return connection, self._exchange(connection, method, target, headers, body, limit_s)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes | None,
        limit_s: float,
    ) -> http.client.HTTPResponse:
        try:
            connection.sock.settimeout(limit_s)
            with _said():
                connection.request(method, target, body, headers)
            return connection.getresponse()
        except http.client.HTTPException as error:
            hang_up(connection)
            if isinstance(error, OSError):
                raise
            raise Cut(f"it does not speak HTTP: {error!r}") from error
        except BaseException:
            hang_up(connection)
            raise

    def _kept(self) -> http.client.HTTPConnection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if _is_open(connection.sock):
                return connection
            hang_up(connection)

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < KEPT:
                self._idle.append(connection)
                return
        hang_up(connection)

    def _new(self, limit_s: float) -> http.client.HTTPConnection:
        host, port = self._proxy or (self._host, self._port)
        with _said():
            connection = http.client.HTTPConnection(host, port, timeout=min(limit_s, CONNECT_S))
            if self._proxy:
                connection.set_tunnel(self._host, self._port)
        try:
            with _said():
                connection.connect()
                if self._tls is not None:
                    connection.sock = self._tls.wrap_socket(
                        connection.sock, server_hostname=self._name
                    )
                    told = connection.sock.getpeercert() or {}
                    self.certificate_ends = str(told.get("notAfter", ""))
        except BaseException:
            hang_up(connection)
            raise
        return connection


@contextmanager
def _said() -> Iterator[None]:
    """The standard library names the value that it cannot say, which may be a token's header."""
    try:
        yield
    except OSError:  # a certificate's fault is both
        raise
    except (ValueError, http.client.InvalidURL):
        raise Unsayable from None


def _is_open(sock: socket.socket) -> bool:
    """Whether nothing has come: nothing was asked, so that would be the end."""
    sock.setblocking(False)
    try:
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):  # TLS has words of its own to read
        return True
    except OSError:
        pass
    return False


def hang_up(connection: http.client.HTTPConnection) -> None:
    """End a connection, also one that another thread reads from."""
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()


def _tls(settings: Any) -> ssl.SSLContext:
    if not (settings.ssl_ca_cert or settings.cert_file):
        return _public(verify=settings.verify_ssl)
    context = ssl.create_default_context(cafile=settings.ssl_ca_cert or None)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # kubectl is not stricter
    if not settings.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file or None)
    return context


@lru_cache
def _public(*, verify: bool) -> ssl.SSLContext:
    """For sites without an authority of their own: this machine's take 0.8 MB each time."""
    context = ssl.create_default_context() if verify else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _address(url: str) -> SplitResult:
    """A URL's parts; the standard library's words of one that is none may have its login."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("an address in it is not well formed") from None
    return parts


def _proxy(settings: Any) -> tuple[str, int] | None:
    """The proxy that a kubeconfig or the environment names, but for those who bypass it."""
    from kubernetes.client.rest import should_bypass_proxies

    if not settings.proxy or should_bypass_proxies(settings.host, settings.no_proxy or ""):
        return None
    url = _address(settings.proxy)
    if url.scheme != "http" or not url.hostname:
        raise ValueError(f"a proxy of the kind {url.scheme} is not spoken to, only http")
    return url.hostname, url.port or 80
