"""The dashboard at a real terminal: if these fail, a key leaves it deaf, or it outlives its end."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LIMIT_S = 120.0  # many times what it takes


def test_bytes_that_are_no_utf_8_are_left_out_and_later_keys_count(tmp_path: Path) -> None:
    with dashboard_at_a_terminal(tmp_path) as (ours, dashboard):
        os.write(ours, "Bürste".encode("latin-1"))
        said = read_on(ours, lambda _: asked_to_end(ours, dashboard))
        assert dashboard.returncode == 0
        assert b"UnicodeDecodeError" not in said
        os.close(ours)


def test_it_ends_with_its_terminal_though_nobody_tells_it(tmp_path: Path) -> None:
    """It has no controlling terminal here, as a program that was started inside a container."""
    with dashboard_at_a_terminal(tmp_path) as (ours, dashboard):
        os.close(ours)
        assert dashboard.wait(LIMIT_S) == -signal.SIGHUP


@contextmanager
def dashboard_at_a_terminal(home: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Our end of a terminal, and a dashboard at the other that listens."""
    ours, its = pty.openpty()
    script = "import sys; from yolodeploy.cli.main import run; run()"
    environment = {**os.environ, "YOLODEPLOY_HOME": str(home), "TERM": "xterm", "TERM_PROGRAM": ""}
    dashboard = subprocess.Popen(
        [sys.executable, "-P", "-c", script],
        stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(its)
    try:
        read_on(ours, lambda seen: b"\x1b[?2026$p" in seen)  # it asks: it listens
        yield ours, dashboard
    finally:
        dashboard.kill()
        dashboard.wait()


def asked_to_end(terminal: int, dashboard: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended; what is read together with a bad byte is lost, so it is asked again."""
    with suppress(OSError):  # it has ended meanwhile
        os.write(terminal, b"q")
    return dashboard.poll() is not None


def read_on(terminal: int, enough: Callable[[bytes], bool]) -> bytes:
    """Read what it writes, that it is never held up, until it is enough."""
    seen, end = b"", time.monotonic() + LIMIT_S
    while not enough(seen):
        assert time.monotonic() < end, seen[-500:]
        ready, _, _ = select.select([terminal], [], [], 0.2)
        with suppress(OSError):  # it has closed its end
            seen += os.read(terminal, 1 << 16) if ready else b""
    return seen
