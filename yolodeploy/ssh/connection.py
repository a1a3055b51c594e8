"""One device over OpenSSH: connected once, and every program goes through that connection."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from yolodeploy.core.errors import Refused, Unreachable
from yolodeploy.ssh.address import Address
from yolodeploy.ssh.children import Answer, Children
from yolodeploy.ssh.faults import fault
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.options import PATIENCE, Patience, Way, options, to
from yolodeploy.ssh.shell import LIMIT_S

_OWN = 255  # OpenSSH's status for what is its own; our programs end with others


class Connection:
    """One device; a `Shell`. Making the object touches nothing; threads may share it.

    `folder` is for the connection's socket: private, and with a short path, for a socket's name has
    at most 107 characters. `environment` is what `ssh` needs beside ours: where it asks for a
    password (`ssh.askpass`).
    """

    def __init__(
        self,
        device: str,
        address: Address,
        keys: HostKeys,
        folder: Path,
        patience: Patience = PATIENCE,
        way: Way = Way(),  # noqa: B008 an immutable value
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.device = device
        self.address = address
        self.socket = folder / f"{id(self):x}"
        self._keys = keys
        self._patience = patience
        self._way = way
        self._children = Children(device, environment)
        self._lock = threading.Lock()
        self._open = False

    def run(self, program: str, *words: str, limit_s: float = LIMIT_S) -> Answer:
        """See `Shell`.

        Raises:
            Refused: `ssh.host_key_changed`, `ssh.denied`, `ssh.no_client`.
            Unreachable: `ssh.unreachable`, `ssh.no_such_host`, `ssh.silent`.
        """
        self.open()
        try:
            answer = self._children.run(self._command(program, words), limit_s)
        except Unreachable:
            self.close()
            raise
        return self.judged(answer)

    @contextmanager
    def process(
        self, program: str, words: Sequence[str], err: IO[bytes]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A program that is talked to through pipes; raises as `run`."""
        self.open()
        with self._children.started(
            self._command(program, words), subprocess.PIPE, subprocess.PIPE, err
        ) as process:
            yield process

    def judged(self, answer: Answer) -> Answer:
        """The answer of a program, where it is one and not the end of the connection.

        Raises:
            Refused, Unreachable: As `run`.
        """
        if answer.status == _OWN or answer.status < 0:  # or somebody ended it here
            self.close()
            raise fault(self.device, self.address, answer, self._keys)
        return answer

    def open(self) -> None:
        """Connect, where it is not; raises as `run`."""
        with self._lock:
            if self._open:
                return
            if shutil.which("ssh") is None:
                raise Refused("ssh.no_client")
            self._keys.create()
            patience = self._patience
            limit_s = patience.connect_s + patience.alive_s * patience.alive_count
            command = [*self._ssh("-f", "-N", "-M"), "--", self.address.host]
            answer = self._children.run(command, limit_s)
            if answer.status:
                raise fault(self.device, self.address, answer, self._keys)
            self._open = True

    def close(self) -> None:
        """Disconnect; again is harmless."""
        with self._lock:
            if not self._open:
                return
            self._open = False
        with suppress(subprocess.TimeoutExpired, OSError):
            subprocess.run(
                [*self._ssh("-O", "exit"), "--", self.address.host],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=5, check=False,
            )  # fmt: skip

    def hang_up(self) -> None:
        """Disconnect and end whatever waits for the device, from another thread, for good."""
        self._children.end()
        self.close()

    def _command(self, program: str, words: Sequence[str]) -> list[str]:
        line = shlex.join(["exec", "/bin/sh", "-c", program, "yolodeploy", *words])
        return [*self._ssh("-oControlMaster=no"), "--", self.address.host, line]

    def _ssh(self, *further: str) -> list[str]:
        return [
            "ssh", "-T", *options(self._keys, self._way, self._patience), *to(self.address),
            f"-oControlPersist={self._patience.idle_s}", "-S", str(self.socket), *further,
        ]  # fmt: skip
