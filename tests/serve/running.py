"""Server processes for tests: started, asked and ended as a site does it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from yolodeploy.core.serving import InstanceAddress, ServeConfig
from yolodeploy.core.site import StageReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHECKOUT = Path(__file__).parents[2]
LIMIT_S = 120.0  # a machine that does several things at a time


class Reply(NamedTuple):
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """One server process."""

    def __init__(self, config: ServeConfig, folder: Path) -> None:
        self.config = config
        self.state = Path(config.state_dir)
        self.log = folder / "server.log"
        path = folder / "serve.json"
        path.write_bytes(msgspec.json.encode(config))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command(path), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=CHECKOUT
            )

    def address(self) -> InstanceAddress | None:
        """What this life says of itself; None before it does."""
        try:
            content = (self.state / "instance.json").read_bytes()
        except FileNotFoundError:
            return None
        found = msgspec.json.decode(content, type=InstanceAddress)
        return found if found.pid == self.process.pid else None

    def wait_ready(self) -> Server:
        until(lambda: (found := self.address()) is not None and found.ready, self)
        return self

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        *,
        method: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request on the instance's own port."""
        address = self.address()
        assert address is not None, self.log.read_text()
        return ask(
            address.port,
            path,
            body,
            method=method or ("POST" if body is not None else "GET"),
            headers=headers,
        )

    def detect(self, picture: bytes, query: str = "", **headers: str) -> Reply:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(f"/detect{query}", picture, headers=names)

    def report(self) -> StageReport:
        return msgspec.msgpack.decode(self.ask("/sketches").body, type=StageReport)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it and wait; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait until it ends; its exit code."""
        return self.process.wait(LIMIT_S)


def command(config: Path) -> list[str]:
    return [sys.executable, "-m", "yolodeploy.serve", "--config", str(config)]


def ask(
    port: int,
    path: str,
    body: bytes | None = None,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()


def until(holds: Callable[[], bool], server: Server | None = None) -> None:
    """Wait for something; fails with the server's log when it ends first."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        ended = server is not None and server.process.poll() is not None
        if ended or time.monotonic() > deadline:
            raise AssertionError(server.log.read_text() if server else "it did not come true")
        time.sleep(0.01)


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """All its threads stand still meanwhile."""
    server.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, server.process.pid, os.WSTOPPED)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
