"""What is run on which hosts, what each step says, and how it ended: values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from yolodeploy.ssh.route import Route

SERVER, AGENT = "server", "agent"


class State(Enum):
    """How a step is, or how it ended."""

    RUNNING = "running"
    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


BAD = (State.FAILED, State.UNREACHABLE)


class Host(NamedTuple):
    """One host of a play. Without a route it is this machine; `variables` are its own.

    `name` is one of `core.names`, `role` is `server` or `agent`.
    """

    name: str
    route: Route | None
    role: str = AGENT
    variables: Mapping[str, Any] = {}


class Play(NamedTuple):
    """A playbook for hosts.

    `project` is the folder that it lies in, `limit` the names of the hosts that it is run on (all
    of them where it is empty), `folder` a private one that is gone when it has ended, `host_keys`
    the file of pinned keys. With `check` nothing is changed.
    """

    project: Path
    playbook: str
    hosts: tuple[Host, ...]
    variables: Mapping[str, Any]
    folder: Path
    host_keys: Path
    limit: tuple[str, ...] = ()
    check: bool = False

    @property
    def chosen(self) -> tuple[Host, ...]:
        """The hosts that it is run on."""
        return tuple(host for host in self.hosts if not self.limit or host.name in self.limit)


class Step(NamedTuple):
    """One task on one host: begun or ended.

    `said` is one line of a host that failed, hostile text; `report` what a `debug` task of ours
    hands back. `code` is that of an error of ours, where one says it better, with `fields`.
    `journal` are the host's own last lines, where a task did not end.
    """

    host: str
    role: str
    task: str
    state: State
    seconds: float = 0.0
    said: str = ""
    report: Mapping[str, Any] | None = None
    code: str = ""
    fields: Mapping[str, str] = {}
    journal: tuple[str, ...] = ()


class Secrets(NamedTuple):
    """Passwords of people: to log in, and for sudo. They are shown nowhere, and stored nowhere."""

    login: str = ""
    sudo: str = ""

    def __repr__(self) -> str:
        return "Secrets(…)"


class Watcher:
    """Hears of steps. This one says nothing; journals and front ends make their own of it."""

    def heard(self, steps: Sequence[Step]) -> None:
        """What happened since the last call: a few times a second, also nothing."""


class HostEnd(NamedTuple):
    """How it ended on one host: how often something was changed, and the step that failed."""

    host: str
    changed: int = 0
    failed: Step | None = None


class Outcome(NamedTuple):
    """How a play ended. `status` is that of ansible-playbook, `said` its last words beside steps.

    `reports` are those of each host, in their order.
    """

    hosts: tuple[HostEnd, ...]
    reports: Mapping[str, tuple[Mapping[str, Any], ...]]
    status: int
    cancelled: bool = False
    said: str = ""

    @property
    def done(self) -> tuple[str, ...]:
        """The hosts on which everything went well."""
        return tuple(end.host for end in self.hosts if end.failed is None)
