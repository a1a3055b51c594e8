"""Plays of our own on gateways, run in this process: small ones, for what holds for every play."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.gateways.hosts import Gateway
from yolodeploy.provision.play import Host, Outcome, Play, Secrets, State, Step, Watcher
from yolodeploy.provision.running import run_play
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.route import Route

Tasks = Sequence[Mapping[str, Any]]
COMMAND = "ansible.builtin.command"


def command(name: str, *argv: str, **more: Any) -> dict[str, Any]:
    """A task that runs a program."""
    return {"name": name, COMMAND: {"argv": list(argv)}, **more}


def host(gateway: Gateway, name: str = "", user: str = "root", **variables: Any) -> Host:
    """A gateway as a host, by its key; without one where a password is to be used."""
    route = Route(
        parse_address(f"{user}@{gateway.address}"), (), gateway.key, gateway.machine.host_key
    )
    return Host(name or f"gw-{gateway.number}", route, "agent", variables)


def away(gateway: Gateway, name: str = "away") -> Host:
    """A host that is not there."""
    return Host(name, Route(parse_address(f"root@{gateway.network.prefix}.200")))


def play(folder: Path, hosts: Sequence[Host], tasks: Tasks, **more: Any) -> Play:
    """A play of some tasks in a folder of its own."""
    project = folder / "project"
    project.mkdir(exist_ok=True)
    (project / "ansible.cfg").write_text("[defaults]\n[ssh_connection]\npipelining = True\n")
    content = [{"name": "T", "hosts": "all", "gather_facts": False, "tasks": list(tasks)}]
    if more.pop("become", False):
        content[0]["become"] = True
    (project / "t.yml").write_text(yaml.safe_dump(content))
    return Play(
        project, "t.yml", tuple(hosts), more.pop("variables", {}), folder / "op-1.play",
        folder / "ssh" / "known_hosts", **more,
    )  # fmt: skip


class Heard(Watcher):
    """Remembers the steps, and may do something at one of them."""

    def __init__(self, at: Callable[[Step], None] | None = None) -> None:
        self.steps: list[Step] = []
        self._at = at

    def heard(self, steps: Sequence[Step]) -> None:
        self.steps += steps
        for step in steps:
            if self._at is not None:
                self._at(step)

    def ended(self, name: str) -> list[tuple[str, str]]:
        """The tasks of a host that have ended, with their states."""
        return [
            (step.task, step.state.value)
            for step in self.steps
            if step.host == name and step.state is not State.RUNNING
        ]


def run(
    wanted: Play,
    watcher: Watcher | None = None,
    secrets: Secrets | None = None,
    cancelled: Callable[[], bool] = bool,
) -> Outcome:
    """Run it; nothing of it is left here."""
    outcome = run_play(wanted, secrets or Secrets(), watcher or Heard(), cancelled)
    assert not wanted.folder.exists()
    assert remains(wanted.folder) == []
    return outcome


def remains(folder: Path) -> list[str]:
    """The command lines of the processes of a play, without those that only wait to be reaped."""
    return list(processes(folder).values())


def processes(folder: Path) -> dict[int, str]:
    """The processes of a play with their command lines, but for this one."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ")
            mine = str(folder).encode() in (place / "environ").read_bytes()
        except OSError:
            continue
        if line and int(place.name) != os.getpid() and mine:
            found[int(place.name)] = line.decode(errors="replace")
    return found
