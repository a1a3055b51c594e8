"""TLS handshakes under way: bounded in time, and part of the crowd.

The event loop's own server gives a silent connection a minute and counts it nowhere: ten thousand
of them take every file that the process may open.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from yolodeploy.serve.crowd import Crowd

HANDSHAKE_S = 10.0
FAREWELL_S = 5.0  # for the other side's close_notify


class Handshakes:
    """Those of one listening socket."""

    def __init__(
        self, protocol: Callable[[], asyncio.Protocol], tls: ssl.SSLContext, crowd: Crowd
    ) -> None:
        self._protocol = protocol
        self._tls = tls
        self._crowd = crowd
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, connection: socket.socket) -> None:
        """Shake hands with who has connected."""
        task = asyncio.get_running_loop().create_task(self._shaken(connection))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def end(self, limit_s: float) -> None:
        """Wait for those under way; who takes longer is cut off."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=limit_s)
            for task in late:
                task.cancel()

    async def _shaken(self, connection: socket.socket) -> None:
        if self._crowd.full:
            connection.close()
            return
        guest = _Guest()
        self._crowd.came()
        self._crowd.idles(guest)
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
        finally:
            self._crowd.left(guest)


class _Guest:
    """A connection in the crowd before it speaks HTTP."""

    def __init__(self) -> None:
        self._task = asyncio.current_task()

    def abort(self) -> None:
        if self._task is not None:
            self._task.cancel()
