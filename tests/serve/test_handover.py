"""One release follows another on the same port, under fire, and nobody notices."""

from __future__ import annotations

import http.client
import signal
import socket
import threading
from typing import TYPE_CHECKING

from tests.ports import free_port

from .pictures import encoded, plain
from .running import LIMIT_S, ask, until

if TYPE_CHECKING:
    from .conftest import Start
    from .running import Server

PICTURE = encoded(plain())


class Clients:
    """Threads that ask without a pause, each request on a new connection or (kept) on one."""

    def __init__(self, port: int, fresh: int, kept: int) -> None:
        self._port = port
        self._end = threading.Event()
        self.statuses: list[int] = []
        self.failures: list[str] = []
        self._threads = [
            *(threading.Thread(target=self._fresh) for _ in range(fresh)),
            *(threading.Thread(target=self._kept) for _ in range(kept)),
        ]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _fresh(self) -> None:
        while not self._end.is_set():
            try:
                self.statuses.append(ask(self._port, "/detect", PICTURE, method="POST").status)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))

    def _kept(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT_S)
        while not self._end.is_set():
            try:
                connection.request("POST", "/detect", PICTURE)
                response = connection.getresponse()
                response.read()
                self.statuses.append(response.status)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
        connection.close()


def requests(server: Server) -> int:
    return sum(epoch.requests for epoch in server.report().epochs)


def more_than(clients: Clients, count: int) -> None:
    """Wait until so many requests more have ended, well or not."""
    before = len(clients.statuses) + len(clients.failures)
    until(lambda: len(clients.statuses) + len(clients.failures) > before + count)


def test_a_hand_over_loses_no_request(start: Start) -> None:
    port = free_port()
    current = start(port=port).wait_ready()
    with Clients(port, fresh=6, kept=2) as clients:
        for _ in range(4):
            following = start(port=port).wait_ready()
            more_than(clients, 20)  # of both
            assert current.stop() == 0
            more_than(clients, 20)  # of the successor alone, but for eight that were on their way
            current = following
    assert not clients.failures
    assert set(clients.statuses) == {200}
    assert requests(current) > 0


def test_two_servers_share_the_port_until_one_leaves(start: Start) -> None:
    port = free_port()
    servers = [start(port=port).wait_ready() for _ in range(2)]
    for _ in range(60):
        assert ask(port, "/detect", PICTURE, method="POST").status == 200
    assert all(requests(server) > 0 for server in servers)


def test_who_waits_in_the_queue_when_the_stop_comes_is_served(start: Start) -> None:
    """Linux resets the queue of a listening socket that is closed: it must be emptied before."""
    port = free_port()
    server = start(port=port).wait_ready()
    head = f"POST /detect HTTP/1.1\r\nhost: x\r\ncontent-length: {len(PICTURE)}\r\n\r\n"
    server.process.send_signal(signal.SIGSTOP)
    waiting = [socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) for _ in range(12)]
    for connection in waiting:
        connection.sendall(head.encode() + PICTURE)
    server.process.send_signal(signal.SIGTERM)
    server.process.send_signal(signal.SIGCONT)
    answers = [b"".join(iter(lambda c=connection: c.recv(65536), b"")) for connection in waiting]
    assert {answer.split(b"\r\n", 1)[0] for answer in answers} == {b"HTTP/1.1 200 OK"}
    assert server.stop() == 0
