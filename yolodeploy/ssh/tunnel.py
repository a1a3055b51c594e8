"""A port of this machine that leads to one of a device, for as long as a block runs.

The port stays the same while the link comes and goes: whoever uses it only has to try again.
"""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from yolodeploy.core.back_off import delay_s
from yolodeploy.core.errors import Refused, YolodeployError
from yolodeploy.ssh.askpass import answering
from yolodeploy.ssh.children import Answer, Children, content
from yolodeploy.ssh.command_line import Patience, ssh_words
from yolodeploy.ssh.faults import fault
from yolodeploy.ssh.host_keys import HostKeys, write_pin
from yolodeploy.ssh.route import Route

HERE = "127.0.0.1"
# a person waits at the other end: a link that is gone is noticed after 15 s and not after a minute
_PATIENCE = Patience(connect_s=10, alive_s=5, alive_count=3)
# the first of an option counts, so these come before what holds for every connection
_FORWARDING = (
    "-oClearAllForwardings=no", "-oExitOnForwardFailure=yes", "-oGatewayPorts=no",
    "-oControlMaster=no", "-oControlPath=none",
)  # fmt: skip
# it says that the port is there, and ends with whoever holds the other end of its input: with us,
# also when we are killed
_STAY = "echo open; exec cat >/dev/null"

Told = Callable[[YolodeployError | None, str], None]


class Tunnel:
    """One, which is opened again whenever it is cut. `port` is here, `far_port` at the device.

    `told` hears, in a thread of ours, why the link is gone and (None) that it is back, and of which
    device.
    """

    def __init__(
        self,
        device: str,
        route: Route,
        keys: HostKeys,
        folder: Path,
        far_port: int,
        port: int = 0,
        told: Told = lambda _error, _device: None,
        password: str = "",
    ) -> None:
        self.port = free_port(port)
        self._device, self._route, self._keys, self._told = device, route, keys, told
        self._name = folder / f"{id(self):x}"
        self._far_port, self._password = far_port, password
        self._children = Children(device)
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._decided = threading.Event()  # it has been open, or will never be
        self._ended = threading.Event()
        self._given_up: YolodeployError | None = None
        self._failures = 0

    def open(self) -> None:
        """Wait until it is there.

        Raises:
            Refused, Unreachable: As `Connection.run`.
        """
        if shutil.which("ssh") is None:
            raise Refused("ssh.no_client")
        self._keys.create()
        self._thread.start()
        self._decided.wait()
        if self._given_up is not None:
            raise self._given_up

    def wait(self, limit_s: float) -> None:
        """Stay for a while.

        Raises:
            Refused: As `Connection.run`; it is not opened again.
        """
        if self._ended.wait(limit_s) and self._given_up is not None:
            raise self._given_up

    def close(self) -> None:
        """End it; again is harmless."""
        self._ended.set()
        self._children.end()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        while not self._ended.is_set():
            try:
                error = self._once()
            except YolodeployError as raised:
                error = raised
            if self._ended.is_set():
                return
            self._failures += 1
            if not error.retryable or not self._decided.is_set():
                self._given_up = error
                self._ended.set()
                self._decided.set()
                return
            self._told(error, self._device)
            self._ended.wait(delay_s(self._failures, random.random()))  # noqa: S311 no secret

    def _once(self) -> YolodeployError:
        """Open it and wait for its end; returns why it ended."""
        with ExitStack() as stack:
            environment = self._environment(stack)
            err = stack.enter_context(tempfile.TemporaryFile())
            process = stack.enter_context(
                self._children.started(
                    self._command(), subprocess.PIPE, subprocess.PIPE, err, environment
                )
            )
            if process.stdout and process.stdout.readline():
                self._opened()
            answer = Answer(process.wait(), "", content(err))
        return fault(self._device, self._route, answer, self._keys)

    def _opened(self) -> None:
        if self._failures:
            self._told(None, self._device)
        self._failures = 0
        self._decided.set()

    def _environment(self, stack: ExitStack) -> dict[str, str] | None:
        if not self._password:
            return None
        pipe = self._name.with_suffix(".ask")
        return stack.enter_context(answering(self._password, pipe, self._keys))

    def _command(self) -> list[str]:
        pin = None
        if self._route.host_key:
            pin = self._name.with_suffix(".pin")
            write_pin(pin, self._route.host_key)
        ssh, *words = ssh_words(
            self._route, self._keys, _PATIENCE, pin, by_password=bool(self._password)
        )
        ends = f"{HERE}:{self.port}:{HERE}:{self._far_port}"
        return [ssh, *_FORWARDING, *words, "-L", ends, "--", self._route.address.host, _STAY]


@contextmanager
def opened(tunnel: Tunnel) -> Iterator[Tunnel]:
    """A tunnel that is there while the block runs; raises as `Tunnel.open`."""
    try:
        tunnel.open()
        yield tunnel
    finally:
        tunnel.close()


def free_port(wanted: int = 0) -> int:
    """A port of this machine that nobody has; 0 for any.

    Raises:
        Refused: `ssh.port_taken`.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HERE, wanted))
        except OSError as error:
            raise Refused("ssh.port_taken", port=wanted, reason=error.strerror) from error
        return int(probe.getsockname()[1])
