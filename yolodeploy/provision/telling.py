"""From Ansible's events to what a watcher hears, and to how the play ended on each host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.provision.events import complaint, failed_hosts, step_of
from yolodeploy.provision.faults import fault_of
from yolodeploy.provision.play import BAD, HostEnd, Outcome, Play, State, Step, Watcher
from yolodeploy.ssh.host_keys import HostKeys

Event = Mapping[str, Any]


class Telling:
    """What is known of one run of a play so far."""

    def __init__(self, play: Play, watcher: Watcher, keys: HostKeys) -> None:
        self._hosts = {host.name: host for host in play.chosen}
        self._watcher = watcher
        self._keys = keys
        self._failed: dict[str, Step] = {}
        self._late: dict[str, Step] = {}
        self._changed: dict[str, int] = {}
        self._reports: dict[str, list[Mapping[str, Any]]] = {}
        self._recap: set[str] | None = None
        self._before: set[str] = set()  # hosts that failed before Ansible began
        self._stopped = False
        self._said = ""

    def tell(self, heard: Iterable[Event | Step]) -> list[Step]:
        """The steps that some events are; the watcher hears of them, also of none."""
        steps = [step for event in heard for step in self._steps(event)]
        for step in steps:
            self._keep(step)
        self._watcher.heard(steps)
        return steps

    def stopped(self) -> None:
        """From now on nothing fails but because we end it."""
        self._stopped = True

    def outcome(self, status: int, *, cancelled: bool) -> Outcome:
        """How it ended, where `status` is that of ansible-playbook."""
        ends = [self._end(name, status) for name in self._hosts]
        reports = {host: tuple(found) for host, found in self._reports.items()}
        return Outcome(tuple(ends), reports, status, cancelled, self._said)

    def _steps(self, event: Event | Step) -> Sequence[Step]:
        if isinstance(event, Step):
            if event.state in BAD:
                self._before.add(event.host)
            return [self._explained(event) if self._stopped else event]
        recap = failed_hosts(event)
        if recap is not None:
            self._recap = recap
        self._said = complaint(event) or self._said
        step = step_of(event)
        if step is None or step.host not in self._hosts:
            return []
        return [self._explained(step)]

    def _explained(self, step: Step) -> Step:
        """With the code of an error of ours, where one says it better than Ansible does."""
        if step.state not in BAD:
            return step
        if step.host in self._late:
            return self._late[step.host]._replace(seconds=step.seconds)
        error: YolodeployError | None
        if self._stopped:
            error = Failed("play.stopped", device=step.host)
            step = step._replace(state=State.FAILED)
        else:
            error = fault_of(step, self._hosts[step.host], self._keys)
        if error is None:
            return step
        return step._replace(said=error.text(), code=error.code, fields=error.fields)

    def late(self, step: Step, limit_s: float, journal: Sequence[str]) -> None:
        """Why a task is about to fail: its time is over. `journal` are the host's last lines."""
        error = Failed("play.deadline", device=step.host, task=step.task, seconds=round(limit_s))
        self._late[step.host] = step._replace(
            state=State.FAILED, said=error.text(), code=error.code, fields=error.fields,
            journal=tuple(journal),
        )  # fmt: skip

    def _keep(self, step: Step) -> None:
        if step.state in BAD:
            self._failed[step.host] = step
        if step.state is State.CHANGED:
            self._changed[step.host] = self._changed.get(step.host, 0) + 1
        if step.report is not None:
            self._reports.setdefault(step.host, []).append(step.report)

    def _end(self, host: str, status: int) -> HostEnd:
        failed = self._failed.get(host)
        changed = self._changed.get(host, 0)
        # a step that failed and was rescued is no failure of its host: the recap knows
        if host in self._before or self._recap is None:
            bad = failed is not None or status != 0
        else:
            bad = host in self._recap
        if not bad:
            return HostEnd(host, changed)
        return HostEnd(host, changed, failed or self._unfinished(host))

    def _unfinished(self, host: str) -> Step:
        """What stands for the step that a host never came to."""
        step = Step(host, "", "", State.FAILED, said=self._said)
        return self._explained(step) if self._stopped else step
