"""Connections that speak TLS: their handshakes are bounded in time, and part of the crowd.

The event loop's own server gives a silent connection a minute and counts it nowhere: ten thousand
of them would take every file that the process may open.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from yolodeploy.serve.sockets import BACKLOG

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from yolodeploy.serve.crowd import Crowd

HANDSHAKE_S = 10.0
LAST_HANDSHAKES_S = 2.0  # of those who come when this process is about to leave
FAREWELL_S = 5.0  # for the other side's close_notify
MOST_AT_ONCE = 64  # accepted before the others on the event loop have their turn
NO_FILES_S = 0.1  # until it is tried again when the process has no descriptors left


class TlsDoor:
    """The `Door` of a socket whose connections speak TLS."""

    def __init__(
        self, protocol: Callable[[], asyncio.Protocol], tls: ssl.SSLContext, crowd: Crowd
    ) -> None:
        self._protocol = protocol
        self._tls = tls
        self._crowd = crowd
        self._listening: socket.socket | None = None
        self._handshakes: set[asyncio.Task[None]] = set()

    async def open(self, listening: socket.socket) -> None:
        """Listen, and serve whoever connects."""
        listening.listen(BACKLOG)
        self._listening = listening
        self._accept_on()

    def close(self) -> None:
        """Accept nobody any more; closes the socket."""
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
            self._listening = None

    async def take(self, connection: socket.socket) -> None:
        """Serve one that somebody else has accepted."""
        self._begin(connection)

    async def settled(self) -> None:
        """Wait for handshakes under way; who takes longer is cut off."""
        if self._handshakes:
            _, late = await asyncio.wait(self._handshakes, timeout=LAST_HANDSHAKES_S)
            for task in late:
                task.cancel()

    def _accept_on(self) -> None:
        if self._listening is not None:
            asyncio.get_running_loop().add_reader(self._listening, self._accept, self._listening)

    def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(MOST_AT_ONCE):
            try:
                connection, _ = listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:
                # no descriptors left: the loop would call again at once, for nothing
                loop.remove_reader(listening)
                loop.call_later(NO_FILES_S, self._accept_on)
                return
            connection.setblocking(False)
            self._begin(connection)

    def _begin(self, connection: socket.socket) -> None:
        if self._crowd.full:
            connection.close()
            return
        task = asyncio.get_running_loop().create_task(self._shaken(connection))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)
        self._crowd.came()
        guest = _Newcomer(task)
        self._crowd.idles(guest)
        task.add_done_callback(lambda _: self._crowd.left(guest))

    async def _shaken(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=FAREWELL_S,
            )
        except (OSError, asyncio.CancelledError):
            # plain text, a port scan, an old client, or no room: the sender's news
            connection.close()


class _Newcomer:
    """A connection in the crowd before it speaks HTTP."""

    def __init__(self, handshake: asyncio.Task[None]) -> None:
        self._handshake = handshake

    def abort(self) -> None:
        self._handshake.cancel()
