"""Gateways that run: systemd-nspawn guests on a shared base, each with a disk of its own."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.gateways.base import SUITE, base
from tests.gateways.machine import Machine
from tests.gateways.network import Network, network

START_S = 300.0
# a guest on a busy machine takes its time to let somebody in; one that is off refuses at once
CONNECT_S = 60
FAKE_CLOCK = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class Gateway:
    """One that runs. `key` opens it as root; `cut` and the like are its network's."""

    def __init__(self, number: int, place: Network, key: Path, machine: Machine) -> None:
        self.number = number
        self.network = place
        self.key = key
        self.machine = machine
        self.address = f"{place.prefix}.{10 + number}"
        self.root = f"root@{self.address}"

    def __call__(self, command: str, *, fails: bool = False, given: str | None = None) -> str:
        """What a command prints."""
        ended = subprocess.run(
            ["ssh", "-i", self.key, "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
             "-oLogLevel=ERROR", f"-oConnectTimeout={CONNECT_S}", "-oBatchMode=yes", self.root,
             command],
            capture_output=True, text=True, check=False, timeout=400,
            **({"input": given} if given is not None else {"stdin": subprocess.DEVNULL}),
        )  # fmt: skip
        assert fails or ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def answers(self) -> bool:
        """Whether somebody can log in and containerd runs."""
        return self("test -S /run/containerd/containerd.sock && echo yes", fails=True) == "yes"

    def crash(self) -> None:
        """The power is lost; the disk stays."""
        self.machine.power_off()

    def boot(self) -> None:
        """Give it power again, and wait until it answers."""
        self.machine.power_on()
        self.wait()

    def reboot(self) -> None:
        """As a person does it, and wait until it answers again."""
        before = self.machine.process
        self("systemctl reboot", fails=True)
        deadline = time.monotonic() + START_S
        while self.machine.process is before:
            assert time.monotonic() < deadline, self.machine.console[-500:]
            time.sleep(0.1)
        self.wait()

    def wait(self) -> None:
        """Until it answers; a machine on which no guest starts skips the test."""
        deadline = time.monotonic() + START_S
        while not self.answers():
            if not self.machine.on or time.monotonic() > deadline:
                pytest.skip(f"a gateway does not start here: {self.machine.console[-500:]}")
            time.sleep(0.05)

    def put(self, path: str, content: str, mode: str = "644") -> None:
        """Write a file there."""
        place = shlex.quote(path)
        self(f"mkdir -p $(dirname {place}) && cat >{place} && chmod {mode} {place}", given=content)

    def send(self, source: Path, target: str) -> None:
        """Copy a file there, with its mode."""
        words = ["ssh", "-i", self.key, "-oStrictHostKeyChecking=no", "-oLogLevel=ERROR",
                 "-oUserKnownHostsFile=/dev/null", self.root]  # fmt: skip
        place, mode = shlex.quote(target), f"{source.stat().st_mode & 0o777:o}"
        command = f"mkdir -p $(dirname {place}) && cat >{place}.new && chmod {mode} {place}.new"
        with source.open("rb") as content:
            subprocess.run(
                [*words, f"{command} && mv {place}.new {place}"], stdin=content, check=True
            )

    def set_clock(self, shift: str = "") -> None:
        """A clock that is wrong by `+400d` or `-2y`, or right again; what starts later sees it.

        The kernel's clock is this machine's own, so libfaketime stands in front of it in sessions,
        sudo and services; programs in Go (containerd, runc) see the right time.
        """
        lines = [f"LD_PRELOAD={FAKE_CLOCK}", f"FAKETIME={shift}"] if shift else []
        self.put("/etc/environment", "".join(f"{line}\n" for line in lines))
        # sudo takes nothing of this from its caller
        self.put("/etc/sudoers.d/clock", "Defaults env_file=/etc/environment\n", "440")
        self("systemctl unset-environment LD_PRELOAD FAKETIME")
        if shift:
            self(f"systemctl set-environment {shlex.join(lines)}")

    def add_user(self, name: str, *, password: str = "", tty: bool = False) -> str:
        """Somebody who is not root: sudo without a password, with this one, or only on a terminal.

        The key that opens root's account opens this one. Gives `NAME@ADDRESS`.
        """
        right = "ALL" if password else "NOPASSWD: ALL"
        lines = [f"{name} ALL=(ALL) {right}"] + [f"Defaults:{name} requiretty"] * tty
        own, home = f"-o {name} -g {name}", f"/home/{name}/.ssh"
        self(f"id {name} >/dev/null 2>&1 || useradd -m -s /bin/bash {name}")
        self(f"install -d -m700 {own} {home}")
        self(f"install -m600 {own} /root/.ssh/authorized_keys {home}/")
        self.put(f"/etc/sudoers.d/{name}", "\n".join(lines) + "\n", "440")
        if password:
            self("chpasswd", given=f"{name}:{password}\n")
        return f"{name}@{self.address}"


@contextmanager
def gateways(count: int, suite: str = SUITE) -> Iterator[list[Gateway]]:
    """Some that run, in seconds."""
    shared = base(suite)
    # on the machine's own disk: overlay does not go on top of overlay
    folder = Path(tempfile.mkdtemp(prefix="yolodeploy-gateways-", dir="/var/tmp"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        place = stack.enter_context(network())
        found = []
        for number in range(1, count + 1):
            machine = Machine(shared / "root", folder, place, number)
            place.add(number)
            stack.callback(place.remove, number)
            stack.callback(machine.scrap)
            machine.power_on()
            found.append(Gateway(number, place, shared / "id", machine))
        for gateway in found:
            gateway.wait()
        yield found
