"""A second server that is none: it reads requests from a real socket and answers as it is told."""

from __future__ import annotations

import socket
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Behaviour = Callable[[socket.socket], None]


class Request(NamedTuple):
    """One that came, on the connection of that number."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Scripted:
    """Listens from its making until `close`; `behaviour` answers each request."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[Request] = []
        self.ended = Event()
        self._connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Hang up on everybody."""
        self.ended.set()
        # wakes the thread that accepts
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            number = self._connections = self._connections + 1
            Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as stream:
            while True:
                try:
                    line = stream.readline().decode()
                    headers = {}
                    while (row := stream.readline().decode().strip()) != "":
                        name, _, value = row.partition(":")
                        headers[name.lower()] = value.strip()
                    if not line:
                        return
                    body = stream.read(int(headers.get("content-length", 0)))
                    self.requests.append(Request(line.strip(), headers, body, number))
                    self.behaviour(connection)
                except OSError:  # who asked has gone
                    return


def saying(content: bytes, status: str = "200 OK", more: str = "") -> Behaviour:
    """A well-formed answer."""

    def answer(connection: socket.socket) -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-length: {len(content)}\r\n{more}\r\n"
        connection.sendall(head.encode() + content)

    return answer


def raw(content: bytes) -> Behaviour:
    """Just these bytes, and the end."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_RDWR)

    return answer
