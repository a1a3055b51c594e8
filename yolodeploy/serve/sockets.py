"""Listening sockets, and how to leave one that other processes share without losing anybody.

Linux spreads connections over all sockets of a SO_REUSEPORT group. Closing one of them resets
what waits in its queue, though its neighbours could serve it (net.ipv4.tcp_migrate_req is off by
default). So a leaving socket is first closed to newcomers, then emptied, and only then closed.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from yolodeploy.core.errors import Failed, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

BACKLOG = 1024
HANDSHAKE_S = 0.25  # how long a handshake under way is waited for
SO_ATTACH_FILTER = 26  # asm-generic/socket.h
SYN_RECEIVED = "03"  # include/net/tcp_states.h, as /proc/net/tcp writes it

# classic BPF on the TCP header: byte 13 holds the flags; drop what has SYN, keep the rest
DROP_SYN = (
    (0x30, 0, 0, 13),  # ldb [13]
    (0x45, 0, 1, 0x02),  # jset #SYN: next, else skip one
    (0x06, 0, 0, 0),  # ret 0
    (0x06, 0, 0, 0xFFFFFFFF),  # ret all
)


def bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """A socket bound to an address, not listening yet; `shared`: with processes of this user.

    Raises:
        Unreachable: `serve.port_taken`.
        Failed: `serve.address`, it cannot be bound for another reason.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Failed("serve.address", host=host, port=port, reason=error.strerror) from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.setblocking(False)
        made.bind(address)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise Unreachable("serve.port_taken", host=host, port=port) from error
        raise Failed("serve.address", host=host, port=port, reason=error.strerror) from error
    return made


class Door(Protocol):
    """How connections of a listening socket become ones that are served."""

    async def open(self, listening: socket.socket) -> None:
        """Listen, and serve whoever connects."""

    def close(self) -> None:
        """Accept nobody any more; closes the socket."""

    async def take(self, connection: socket.socket) -> None:
        """Serve one that somebody else has accepted."""

    async def settled(self) -> None:
        """Wait a moment for those that are about to be served."""


class PlainDoor:
    """HTTP: the event loop does it all."""

    def __init__(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._protocol = protocol
        self._server: asyncio.AbstractServer | None = None

    async def open(self, listening: socket.socket) -> None:
        """Listen, and serve whoever connects."""
        self._server = await asyncio.get_running_loop().create_server(
            self._protocol, sock=listening, backlog=BACKLOG
        )

    def close(self) -> None:
        """Accept nobody any more; closes the socket."""
        if self._server is not None:
            self._server.close()

    async def take(self, connection: socket.socket) -> None:
        """Serve one that somebody else has accepted."""
        await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    async def settled(self) -> None:
        """Nothing is between accepted and served."""


class Listener:
    """A listening socket whose connections are all served, those too that wait at its end."""

    def __init__(self, own: socket.socket, door: Door) -> None:
        self._own = own
        self._door = door
        # the door closes its socket when it stops; through this one the queue stays open
        self._spare = own.dup()
        self._listening = False

    @property
    def port(self) -> int:
        """The port it is bound to."""
        port: int = self._spare.getsockname()[1]
        return port

    async def open(self) -> None:
        """Begin to listen.

        Raises:
            Unreachable: `serve.port_taken`, somebody else began to listen there after `bound`.
        """
        try:
            await self._door.open(self._own)
        except OSError as error:
            host, port = self._spare.getsockname()[:2]
            raise Unreachable("serve.port_taken", host=host, port=port) from error
        self._listening = True

    async def leave(self) -> None:
        """Stop listening; whoever connected before is served."""
        if not self._listening:
            self._own.close()
            self._spare.close()
            return
        # a dropped SYN comes again after a second, and then meets a process that stays
        _drop_newcomers(self._spare)
        self._door.close()
        self._listening = False
        await self._handshakes_done()
        await self._take_waiting()
        self._spare.close()
        await self._door.settled()

    async def _handshakes_done(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + HANDSHAKE_S
        while _half_open(self.port) and loop.time() < end:
            await asyncio.sleep(0.005)

    async def _take_waiting(self) -> None:
        while True:
            try:
                connection, _ = self._spare.accept()
            except ConnectionAbortedError:
                continue
            except OSError:  # none is left; or we have no descriptors left
                return
            connection.setblocking(False)
            await self._door.take(connection)


def _drop_newcomers(listening: socket.socket) -> None:
    program = b"".join(struct.pack("=HBBI", *instruction) for instruction in DROP_SYN)
    memory = ctypes.create_string_buffer(program)
    # struct sock_fprog: a count, padding, a pointer
    filter_ = struct.pack("@HP", len(DROP_SYN), ctypes.addressof(memory))
    try:
        listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filter_)
    except OSError:
        # a kernel without it: what comes within the next microseconds may be reset
        return


def _half_open(port: int) -> bool:
    """Whether handshakes with a local port are under way."""
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state = line.split(maxsplit=4)[:4]
            if state == SYN_RECEIVED and int(local.rpartition(":")[2], 16) == port:
                return True
    return False
