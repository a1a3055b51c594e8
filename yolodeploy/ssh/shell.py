"""Where a program runs: on this machine, or (`ssh.connection`) on a device. One interface."""

from __future__ import annotations

from typing import Protocol

from yolodeploy.ssh.children import Answer, Children

LIMIT_S = 60.0  # of a program that only looks


class Shell(Protocol):
    """Runs POSIX shell programs somewhere; `device` is what people call that place."""

    @property
    def device(self) -> str:
        """Its name in errors."""
        ...

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
        self._children = Children(device)

    def run(self, program: str, *words: str, limit_s: float = LIMIT_S, told: str = "") -> Answer:
        """See `Shell`; `told` is what the program may read."""
        command = ["/bin/sh", "-c", program, "yolodeploy", *words]
        return self._children.run(command, limit_s, told=told)
