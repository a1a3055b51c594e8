"""Servers of the benchmark: each in a session of its own, stopped (SIGSTOP) while it is not asked.

Some poll while nobody asks them; stopped, they cost the one that is measured nothing.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PARTS = Path(__file__).parent
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
START_S = 120.0


class Sending(NamedTuple):
    """How a server wants its picture."""

    path: str
    kind: str
    body: Path


class Loaded(NamedTuple):
    """One run of load."""

    latencies_ms: list[float]
    failures: int
    per_s: float
    cpu_ms: float  # of the server, a request


class Server:
    """One server and all processes that it starts."""

    def __init__(
        self, name: str, command: Sequence[str], sending: Sending, port: int, log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self._sending = sending
        self._port = port
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                command, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                stdout=stream, stderr=stream, start_new_session=True,
            )  # fmt: skip
        self._log = log

    def wait(self) -> None:
        """Until it detects, and then stop it."""
        end = time.monotonic() + START_S
        while True:
            try:
                self.ask()
                break
            except (OSError, http.client.HTTPException, AssertionError):
                if time.monotonic() > end or self.process.poll() is not None:
                    raise SystemExit(f"{self.name}: {self._log.read_text()[-3000:]}") from None
                time.sleep(0.1)
        self.signal(signal.SIGSTOP)

    def ask(self) -> bytes:
        """One picture's answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            sending = self._sending
            headers = {"content-type": sending.kind}
            connection.request("POST", sending.path, sending.body.read_bytes(), headers)
            response = connection.getresponse()
            content = response.read()
            assert response.status == 200, content[:300]
            return content
        finally:
            connection.close()

    def load(self, clients: int, seconds: float, warm_s: float) -> Loaded:
        """Put load on it, and on nobody else."""
        self.signal(signal.SIGCONT)
        try:
            self._run(clients, warm_s)
            before = self._cpu_ms()
            told = self._run(clients, seconds)
            spent = self._cpu_ms() - before
        finally:
            self.signal(signal.SIGSTOP)
        count = len(told["latencies_ms"])
        return Loaded(
            told["latencies_ms"],
            told["failures"],
            count / told["seconds"],
            spent / count if count else float("nan"),
        )

    def rss_mb(self) -> float:
        """Memory of all its processes; what they share is counted once (PSS)."""
        total = 0
        for pid in self._pids():
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(text.split("Pss:")[1].split()[0])
        return total / 1024

    def end(self) -> None:
        """Kill it."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(8)
        self.signal(signal.SIGKILL)
        self.process.wait()

    def signal(self, number: int) -> None:
        """Send a signal to all its processes."""
        for pid in self._pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def _run(self, clients: int, seconds: float) -> dict[str, Any]:
        sending = self._sending
        command = [sys.executable, str(PARTS / "load.py"), str(self._port), sending.path,
                   sending.kind, str(sending.body), str(clients), str(seconds)]  # fmt: skip
        ended = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=seconds + 90
        )
        told: dict[str, Any] = json.loads(ended.stdout)
        return told

    def _pids(self) -> list[int]:
        """All processes of its session."""
        return [pid for pid, fields in _processes() if int(fields[3]) == self.process.pid]

    def _cpu_ms(self) -> float:
        """User and system time of its living processes, and of those they waited for."""
        return sum(
            TICK_MS * sum(map(int, fields[11:15]))
            for _, fields in _processes()
            if int(fields[3]) == self.process.pid
        )


def _processes() -> list[tuple[int, list[str]]]:
    """Each process with the fields of its stat file from the state on (proc_pid_stat(5))."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                text = (path / "stat").read_text()
            except OSError:
                continue
            found.append((int(path.name), text.rpartition(")")[2].split()))
    return found


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
