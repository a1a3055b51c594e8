"""Processes of ours that work for a device: bounded in time and output, and ended at once."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, NamedTuple

from yolodeploy.core.errors import Unreachable

LONGEST_ANSWER = 1 << 20  # bytes; five hundred blobs are 50 kB
SHELL = "/bin/sh"


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


class Children:
    """The processes that work for one device."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    @contextmanager
    def started(
        self,
        command: Sequence[str],
        stdin: int,
        stdout: int | IO[bytes],
        stderr: IO[bytes],
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process, which does not outlive the block. Ctrl-C at the terminal is for us alone."""
        # OpenSSH starts what leads through hosts in between by the person's own shell, which may be
        # nologin (`sudo -u yolodeploy`) or take words apart in another way (fish)
        inherited = {**(environment or os.environ), "SHELL": SHELL}
        with subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True,
            env=inherited,
        ) as process:  # fmt: skip
            with self._lock:
                self._running.add(process)
                ended = self._ended
            try:
                if ended:
                    process.kill()
                yield process
            finally:
                process.kill()
                with self._lock:
                    self._running.discard(process)

    def run(
        self,
        command: Sequence[str],
        limit_s: float,
        environment: Mapping[str, str] | None = None,
        told: str = "",
    ) -> Answer:
        """How a command ends; `told` is what it may read.

        Raises:
            Unreachable: `ssh.silent`; the command was ended.
        """
        # files and not pipes: what a command leaves running keeps nobody waiting
        with (
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            _readable(told) as stdin,
            self.started(command, stdin, out, err, environment) as process,
        ):
            try:
                status = process.wait(limit_s)
            except subprocess.TimeoutExpired as error:
                raise Unreachable(
                    "ssh.silent", device=self._device, seconds=round(limit_s)
                ) from error
            return Answer(status, content(out), content(err))

    @property
    def ended(self) -> bool:
        """Whether none may begin any more."""
        return self._ended

    def end(self) -> None:
        """End them now, and those that would begin."""
        with self._lock:
            self._ended = True
            for process in self._running:
                process.kill()


@contextmanager
def _readable(text: str) -> Iterator[int]:
    """A pipe with a text in it, which must be shorter than a pipe's 64 kB."""
    if not text:
        yield subprocess.DEVNULL
        return
    end, into = os.pipe()
    try:
        os.write(into, text.encode())
        os.close(into)
        yield end
    finally:
        os.close(end)


def content(file: IO[bytes]) -> str:
    """The beginning of what a process wrote."""
    file.seek(0)
    return file.read(LONGEST_ANSWER).decode(errors="replace")
