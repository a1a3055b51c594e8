"""A link to a registry that can be cut: bytes are counted, and after some of them it breaks."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Passes bytes on, both ways, until `cut_after` of one direction; then cuts every connection.

    `sent` and `received` are bytes as the client sees them. After a cut it passes again.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.partition(":")
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.sent = self.received = 0
        self.cuts = 0
        self._cut_after = {"sent": -1, "received": -1}

    def cut_after(self, *, sent: int = -1, received: int = -1) -> None:
        """Cut once when so many bytes have passed from now on."""
        with self._lock:
            self._cut_after = {
                "sent": self.sent + sent if sent >= 0 else -1,
                "received": self.received + received if received >= 0 else -1,
            }

    def serve(self) -> None:
        """Accept connections until the server socket is closed."""
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                upstream = socket.create_connection(self._target, 10)
            except OSError:
                client.close()
                continue
            upstream.settimeout(None)
            with self._lock:
                self._open += [client, upstream]
            threading.Thread(target=self._connection, args=(client, upstream), daemon=True).start()

    def _connection(self, client: socket.socket, upstream: socket.socket) -> None:
        """Both ways, until both have ended; closed only then, for a number is soon used again."""
        back = threading.Thread(target=self._pass, args=(upstream, client, "received"), daemon=True)
        back.start()
        self._pass(client, upstream, "sent")
        back.join()
        with self._lock:
            self._open = [one for one in self._open if one not in (client, upstream)]
        client.close()
        upstream.close()

    def _pass(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while piece := source.recv(16384):
                with self._lock:
                    count = getattr(self, way) + len(piece)
                    setattr(self, way, count)
                    cut = 0 <= self._cut_after[way] <= count
                if cut:
                    self._cut()
                    break
                sink.sendall(piece)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _cut(self) -> None:
        with self._lock:
            self._cut_after = {"sent": -1, "received": -1}
            self.cuts += 1
            for one in self._open:
                with suppress(OSError):  # what is not yet sent is gone, too
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._cut()


@contextmanager
def relay(target: str) -> Iterator[Relay]:
    """Run one in front of a registry."""
    one = Relay(target)
    thread = threading.Thread(target=one.serve)
    thread.start()
    try:
        yield one
    finally:
        one.close()
        thread.join(10)
