"""A process of our own that does something risky: bounded in time and output, ended with us."""

from __future__ import annotations

import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Failed
from yolodeploy.oci.storage_errors import storing

LONGEST_OUTPUT = 4 << 20  # bytes; a thousand classes are about 20 kB
LONGEST_COMPLAINT = 64 << 10
TICK_S = 0.5  # how often a watcher is asked although nothing is said


class Ended(NamedTuple):
    """How it ended: the exit status (negative: a signal), and the end of what went to stderr."""

    status: int
    complaint: str


def run_watched(
    command: Sequence[str],
    request: bytes,
    environment: Mapping[str, str],
    *,
    timeout_s: float,
    hear: Callable[[bytes], None],
    tick: Callable[[], None] = lambda: None,
) -> Ended:
    """Run it with a request on stdin; `hear` gets each line of stdout.

    What `hear` and `tick` raise ends the process, as Ctrl-C does.

    Raises:
        Failed: `export.no_python`, there is nothing to run; `export.timeout`, `export.output`.
    """
    with (
        storing(Path(tempfile.gettempdir())),
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as complaint,
    ):
        given.write(request)
        given.seek(0)
        try:
            process = subprocess.Popen(
                command,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=complaint,
                env=dict(environment),
                cwd="/",
                start_new_session=True,  # Ctrl-C is ours to hear
            )
        except OSError as error:
            reason = error.strerror or error
            raise Failed("export.no_python", path=command[0], reason=reason) from error
        with process:
            try:
                deadline = time.monotonic() + timeout_s
                _listen(process, deadline, timeout_s, hear, tick)
                status = process.wait(max(deadline - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired as error:
                raise Failed("export.timeout", seconds=round(timeout_s)) from error
            finally:
                process.kill()
        size = complaint.seek(0, os.SEEK_END)
        complaint.seek(max(size - LONGEST_COMPLAINT, 0))
        return Ended(status, complaint.read().decode(errors="replace"))


def _listen(
    process: subprocess.Popen[bytes],
    deadline: float,
    timeout_s: float,
    hear: Callable[[bytes], None],
    tick: Callable[[], None],
) -> None:
    assert process.stdout is not None  # noqa: S101
    said, rest = 0, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            tick()
            if time.monotonic() > deadline:
                raise Failed("export.timeout", seconds=round(timeout_s))
            if not selector.select(TICK_S):
                continue
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                return
            said += len(chunk)
            if said > LONGEST_OUTPUT:
                raise Failed("export.output", limit=LONGEST_OUTPUT)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                hear(line)
