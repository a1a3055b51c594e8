"""A connection whose every wait ends at one moment.

A socket's own timeout begins again with each byte: a server that sends one every nine seconds
would hold its client for ever.
"""

from __future__ import annotations

import io
import socket
from http.client import HTTP_PORT, HTTPS_PORT, HTTPConnection
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

    from _typeshed import WriteableBuffer

PIECE = 1 << 18  # bytes that are sent between two looks at the clock


class TimedConnection(HTTPConnection):
    """An HTTP connection, with TLS where `tls` is given; `end` (monotonic) bounds all it does."""

    def __init__(self, host: str, port: int | None, tls: ssl.SSLContext | None) -> None:
        # the request's head names any other port
        self.default_port = HTTPS_PORT if tls is not None else HTTP_PORT
        super().__init__(host, self.default_port if port is None else port)
        self.end = 0.0
        self._tls = tls

    def connect(self) -> None:
        """Open it.

        Raises:
            OSError: nobody is there, TLS was refused, or `end` has passed (TimeoutError).
        """
        own = socket.create_connection((self.host, self.port), self.left_s())
        try:
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                own.settimeout(self.left_s())
                own = self._tls.wrap_socket(own, server_hostname=self.host)
        except BaseException:
            own.close()
            raise
        self.sock: Any = _TimedSocket(own, self)

    def left_s(self) -> float:
        """Seconds until `end`.

        Raises:
            TimeoutError: there are none.
        """
        left = self.end - monotonic()
        if left <= 0:
            raise TimeoutError("timed out")  # as a socket says it
        return left


class _TimedSocket:
    """What `http.client` needs of a socket."""

    def __init__(self, own: socket.socket, connection: TimedConnection) -> None:
        self._own = own
        self._connection = connection

    def sendall(self, content: bytes | memoryview) -> None:
        left = memoryview(content).cast("B")
        while left:
            self._own.settimeout(self._connection.left_s())
            left = left[self._own.send(left[:PIECE]) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self._own, self._connection))

    def shutdown(self, how: int) -> None:
        self._own.shutdown(how)

    def close(self) -> None:
        self._own.close()


class _Reading(io.RawIOBase):
    """Keeps the socket open until it is closed itself, as the standard one does."""

    def __init__(self, own: socket.socket, connection: TimedConnection) -> None:
        self._own = own
        self._raw = own.makefile("rb", buffering=0)
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._own.settimeout(self._connection.left_s())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
