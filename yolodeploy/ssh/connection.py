"""One device over OpenSSH: connected once, and every program goes through that connection."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from yolodeploy.core.errors import Refused, Unreachable, YolodeployError
from yolodeploy.ssh.askpass import answering
from yolodeploy.ssh.children import LONGEST_ANSWER, Answer, Children
from yolodeploy.ssh.command_line import PATIENCE, Patience, connect_limit_s, ssh_words
from yolodeploy.ssh.faults import fault
from yolodeploy.ssh.host_keys import HostKeys, write_pin
from yolodeploy.ssh.route import Route
from yolodeploy.ssh.shell import LIMIT_S

_OWN = 255  # OpenSSH's status for what is its own; our programs end with others


class Connection:
    """One device; a `Shell`. Making the object touches nothing; threads may share it.

    `folder` is for the connection's socket: private, and with a short path, for a socket's name has
    at most 107 characters. `password` is tried where no key lets us in; it stays in memory. Others
    may go through `socket` too while it is open, with the key in `pin` where there is one.
    """

    def __init__(
        self,
        device: str,
        route: Route,
        keys: HostKeys,
        folder: Path,
        patience: Patience = PATIENCE,
        password: str = "",
    ) -> None:
        self.device = device
        self.route = route
        self._keys = keys
        self.socket = folder / f"{id(self):x}"
        self.pin = self.socket.with_suffix(".pin") if route.host_key else None
        self._heard = self.socket.with_suffix(".log") if route.jump else None
        self._patience = patience
        self._password = password
        self._children = Children(device)
        self._lock = threading.Lock()
        self._open = False

    def run(self, program: str, *words: str, limit_s: float = LIMIT_S, told: str = "") -> Answer:
        """See `Shell`; `told` is what the program may read.

        Raises:
            Refused: `ssh.host_key_changed`, `ssh.denied`, `ssh.no_client`.
            Unreachable: `ssh.unreachable`, `ssh.no_such_host`, `ssh.silent`.
        """
        self.open()
        try:
            answer = self._children.run(self._command(program, words), limit_s, told=told)
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

    def passage(self) -> str:
        """A ProxyCommand of OpenSSH's that goes on from the device to `%h` and `%p`.

        Raises:
            Refused, Unreachable: As `run`.
        """
        self.open()
        words = shlex.join(self._ssh("-oControlMaster=no")).replace("%", "%%")
        host = self.route.address.host.replace("%", "%%")
        return f"{words} -W '[%h]:%p' -- {host}"

    def judged(self, answer: Answer) -> Answer:
        """The answer of a program, where it is one and not the end of the connection.

        Raises:
            Refused, Unreachable: As `run`.
        """
        if answer.status == _OWN or answer.status < 0:  # or somebody ended it here
            self.close()
            raise self._fault(answer)
        return answer

    def open(self) -> None:
        """Connect, where it is not; raises as `run`."""
        with self._lock:
            if self._open:
                return
            if shutil.which("ssh") is None:
                raise Refused("ssh.no_client")
            self._keys.create()
            if self.pin:
                write_pin(self.pin, self.route.host_key)
            answer = self._connected()
            if answer.status:
                raise self._fault(answer)
            self._open = True

    def _connected(self) -> Answer:
        patience = self._patience
        limit_s = connect_limit_s(self.route, patience) + patience.alive_s * patience.alive_count
        command = [*self._ssh("-f", "-N", "-M"), "--", self.route.address.host]
        if not self._password:
            return self._children.run(command, limit_s)
        with answering(self._password, self.socket.with_suffix(".ask"), self._keys) as asked:
            return self._children.run(command, limit_s, asked)

    def close(self) -> None:
        """Disconnect; again is harmless."""
        with self._lock:
            if not self._open:
                return
            self._open = False
        with suppress(subprocess.TimeoutExpired, OSError):
            subprocess.run(
                [*self._ssh("-O", "exit"), "--", self.route.address.host],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=5, check=False,
            )  # fmt: skip

    @property
    def ended(self) -> bool:
        """Whether somebody hung up for good: trying again is of no use."""
        return self._children.ended

    def hang_up(self) -> None:
        """Disconnect and end whatever waits for the device, from another thread, for good."""
        self._children.end()
        self.close()

    def _command(self, program: str, words: Sequence[str]) -> list[str]:
        line = shlex.join(["exec", "/bin/sh", "-c", program, "yolodeploy", *words])
        return [*self._ssh("-oControlMaster=no"), "--", self.route.address.host, line]

    def _fault(self, answer: Answer) -> YolodeployError:
        heard = ""
        if self._heard:
            with suppress(OSError):
                with self._heard.open("rb") as file:  # what a host says before a login has no bound
                    file.seek(max(file.seek(0, os.SEEK_END) - LONGEST_ANSWER, 0))
                    heard = file.read(LONGEST_ANSWER).decode(errors="replace")
                self._heard.unlink()
        return fault(self.device, self.route, answer._replace(err=heard + answer.err), self._keys)

    def _ssh(self, *options: str) -> list[str]:
        words = ssh_words(
            self.route,
            self._keys,
            self._patience,
            self.pin,
            by_password=bool(self._password),
            heard=self._heard,
        )
        persist = f"-oControlPersist={self._patience.idle_s}"
        return [*words, persist, "-S", str(self.socket), *options]
