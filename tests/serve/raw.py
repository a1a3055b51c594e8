"""Requests byte by byte, as no HTTP library would send them."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.serving import ErrorResponse

if TYPE_CHECKING:
    from .running import Server

LIMIT_S = 120.0


class Answered(NamedTuple):
    """One answer out of a stream; `head` as it was sent."""

    status: int
    head: bytes
    body: bytes

    @property
    def code(self) -> str:
        """The code of an error; none of a detection."""
        return msgspec.json.decode(self.body, type=ErrorResponse).code if self.status >= 400 else ""


def connected(server: Server) -> socket.socket:
    """A connection to the server's own port."""
    address = server.address()
    assert address is not None, server.log.read_text()
    return socket.create_connection(("127.0.0.1", address.port), LIMIT_S)


def exchanged(server: Server, *parts: bytes, half_closed: bool = False) -> list[Answered]:
    """All answers to some bytes, until the server closes, or to the first if it does not.

    `half_closed`: it is told that nothing more will come.
    """
    with connected(server) as connection:
        with suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
            if half_closed:
                connection.shutdown(socket.SHUT_WR)
        return answers(rest(connection))


def rest(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            received += part
    return received


def one(connection: socket.socket) -> Answered:
    """The next answer on a connection that stays open."""
    received = b""
    while not (found := answers(received)):
        part = connection.recv(1 << 16)
        assert part, f"closed after {received!r}"
        received += part
    return found[0]


def answers(stream: bytes) -> list[Answered]:
    """The whole answers in a stream."""
    found = []
    while (end := stream.find(b"\r\n\r\n") + 4) > 3:
        head = stream[:end]
        status = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
        assert status, f"no answer: {stream[:200]!r}"
        length = re.search(rb"\r\ncontent-length: (\d+)\r\n", head)
        size = int(length[1]) if length else 0
        if len(stream) < end + size:
            break
        found.append(Answered(int(status[1]), head, stream[end : end + size]))
        stream = stream[end + size :]
    return found


def post(body: bytes, *headers: str, path: str = "/detect", version: str = "1.1") -> bytes:
    """A request for a detection."""
    lines = [
        f"POST {path} HTTP/{version}", "host: x", f"content-length: {len(body)}", *headers, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + body
