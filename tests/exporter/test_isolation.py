"""If these fail, an export can call home, start programs, take all memory or outlive who asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from yolodeploy.ops.operations import alive

ROOT = Path(__file__).parents[2]
ISOLATED = """
import os, sys
from yolodeploy.exporter.isolation import isolate
isolate(os.getppid(), 300 << 20)
"""


def _ran(script: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", ISOLATED + script],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "script",
    [
        "import subprocess; subprocess.run(['true'])",
        "os.system('true')",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "import socket; socket.create_connection(('127.0.0.1', 1))",
        "import socket; socket.getaddrinfo('example.org', 80)",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:1')",
        "import pickle; pickle.loads(b'cos\\nsystem\\n.')",
    ],
)
def test_nothing_is_started_nobody_is_called_and_nothing_is_unpickled(script: str) -> None:
    ended = _ran(script)
    assert ended.returncode == 1
    assert "an export may not do this" in ended.stderr


def test_memory_has_a_limit() -> None:
    ended = _ran("bytearray(400 << 20)")
    assert ended.returncode == 1
    assert "MemoryError" in ended.stderr
    assert _ran("bytearray(100 << 20)").returncode == 0


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    child = f"{ISOLATED}\nopen({str(note)!r}, 'w').write(str(os.getpid()))\nsys.stdin.read()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE,
    ) as started:  # fmt: skip
        _wait_until(lambda: note.exists() and note.read_text() != "")
        started.kill()
    pid = int(note.read_text())
    _wait_until(lambda: not alive(pid))


def _wait_until(done: object) -> None:
    deadline = time.monotonic() + 60
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)
