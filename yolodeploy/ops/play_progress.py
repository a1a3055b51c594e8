"""How far a play is, out of what its operation says: a pure rule for whoever shows it.

The same for a terminal, the dashboard and whoever opens either later: events are all that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from yolodeploy.inventory.operations import OperationEvent

STEP, HOST = "play.step", "play.host"
RUNNING, CHANGED = "running", "changed"
BAD = ("failed", "unreachable")
_WEIGHTS = ("skipped", "ok", CHANGED, RUNNING, *BAD)
_NOTHING: Mapping[str, Any] = {}


class TaskRun(NamedTuple):
    """One task on one host. `state` is a value of `provision.play.State`; `began_at` Unix seconds.

    `code` and `fields` are of the error that it is, where it failed; `report` is what it handed
    back. Whatever comes from a host is hostile text.
    """

    number: int
    role: str
    task: str
    state: str
    began_at: float
    seconds: float = 0.0
    report: Mapping[str, Any] = _NOTHING
    code: str = ""
    fields: Mapping[str, Any] = _NOTHING


class HostRun(NamedTuple):
    """One host: its tasks in their order, how many changed something, how it ended (or empty)."""

    host: str
    tasks: tuple[TaskRun, ...] = ()
    changed: int = 0
    ended: str = ""

    @property
    def current(self) -> TaskRun | None:
        """The task that runs, else the last one."""
        return self.tasks[-1] if self.tasks else None

    @property
    def state(self) -> str:
        """How it ended, else how its current task is."""
        return self.ended or (self.tasks[-1].state if self.tasks else "")

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """The roles that it went through, with what counts most of what became of their tasks."""
        found: dict[str, str] = {}
        for task in self.tasks:
            if task.role:
                states = found.get(task.role, task.state), task.state
                found[task.role] = max(states, key=_rank)
        return tuple(found.items())


class PlayRun(NamedTuple):
    """A play so far: its hosts as they came, and what was said of none of them."""

    hosts: tuple[HostRun, ...] = ()
    notes: tuple[OperationEvent, ...] = ()

    def host(self, name: str) -> HostRun | None:
        """One of its hosts."""
        return next((one for one in self.hosts if one.host == name), None)


def heard(run: PlayRun, events: Iterable[OperationEvent]) -> PlayRun:
    """The same after some more events."""
    hosts = {one.host: list(one.tasks) for one in run.hosts}
    counted = {one.host: one.changed for one in run.hosts}
    ended = {one.host: one.ended for one in run.hosts}
    notes = list(run.notes)
    for event in events:
        name = str(event.fields.get("host", event.fields.get("device", "")))
        if event.code == STEP:
            _step(hosts.setdefault(name, []), event)
            counted[name] = counted.get(name, 0) + (event.fields.get("state") == CHANGED)
        elif event.code == HOST:
            hosts.setdefault(name, [])
            ended[name] = str(event.fields.get("state", ""))
        elif hosts.get(name):
            last = hosts[name][-1]
            hosts[name][-1] = last._replace(code=event.code, fields=event.fields)
        else:
            notes.append(event)
    made = (
        HostRun(name, tuple(tasks), counted.get(name, 0), ended.get(name, ""))
        for name, tasks in hosts.items()
    )
    return PlayRun(tuple(made), tuple(notes))


def _step(tasks: list[TaskRun], event: OperationEvent) -> None:
    fields = event.fields
    role, task, state = (str(fields.get(name, "")) for name in ("role", "task", "state"))
    report = fields.get("report")
    last = tasks[-1] if tasks else None
    if last is not None and last.state == RUNNING and _same(last, role, task):
        number, began_at = last.number, last.began_at
        tasks.pop()
    else:
        number, began_at = len(tasks), event.at
    tasks.append(
        TaskRun(
            number, role, task, state, began_at, _seconds(fields.get("seconds")),
            report if isinstance(report, Mapping) else _NOTHING,
        )
    )  # fmt: skip


def _rank(state: str) -> int:
    return _WEIGHTS.index(state) if state in _WEIGHTS else -1


def _same(last: TaskRun, role: str, task: str) -> bool:
    """Whether it is the same task; one that tells how far it is has that behind its name."""
    short, long = sorted((last.task, task), key=len)
    parts = last.task.partition(": ")[0], task.partition(": ")[0]
    return last.role == role and (
        short == long or long.startswith(f"{short}: ") or (": " in short and parts[0] == parts[1])
    )


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
