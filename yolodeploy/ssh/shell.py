"""Where a program runs: on this machine, or (`ssh.connection`) on a device. One interface."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO, NamedTuple, Protocol

from yolodeploy.core.errors import Unreachable

LIMIT_S = 60.0  # of a program that only looks
LONGEST_ANSWER = 1 << 20  # bytes; five hundred blobs are 50 kB


class Answer(NamedTuple):
    """How a program ended, and what it said. Both texts come from elsewhere: hostile, bounded."""

    status: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """Its last words."""
        lines = self.err.strip().splitlines() or [f"status {self.status}"]
        return lines[-1]


class Shell(Protocol):
    """Runs POSIX shell programs somewhere; `device` is what people call that place."""

    device: str

    def run(self, program: str, *words: str, limit_s: float = LIMIT_S) -> Answer:
        """Run a program with words as its `$1`, `$2`, … and nothing to read.

        Raises:
            Unreachable: `ssh.*`; `ssh.silent` where it took longer than `limit_s`.
        """
        ...


class LocalShell:
    """This machine, for whoever sits at the gateway itself."""

    def __init__(self, device: str = "localhost") -> None:
        self.device = device

    def run(self, program: str, *words: str, limit_s: float = LIMIT_S) -> Answer:
        """See `Shell`."""
        return ran(["/bin/sh", "-c", program, "yolodeploy", *words], self.device, limit_s)


def ran(command: Sequence[str], device: str, limit_s: float) -> Answer:
    """How a command of this machine ends.

    Raises:
        Unreachable: `ssh.silent`; the command was ended.
    """
    # files and not pipes: what a command leaves running keeps nobody waiting
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        ) as process:
            try:
                status = process.wait(limit_s)
            except subprocess.TimeoutExpired as error:
                raise Unreachable("ssh.silent", device=device, seconds=round(limit_s)) from error
            finally:
                process.kill()
        return Answer(status, _content(out), _content(err))


def command_line(program: str, words: Sequence[str]) -> str:
    """What a login shell at the other end is given to run a program."""
    return shlex.join(["/bin/sh", "-c", program, "yolodeploy", *words])


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(LONGEST_ANSWER).decode(errors="replace")
