"""Showing a play while it runs: hosts and their current step, in place on a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.follow import line_of
from yolodeploy.cli.output import say
from yolodeploy.core.messages import message
from yolodeploy.core.text import cells, fit, one_line
from yolodeploy.ops.play_progress import (
    BAD,
    CHANGED,
    HOST,
    RUNNING,
    STEP,
    PlayRun,
    TaskRun,
    heard,
)

if TYPE_CHECKING:
    from yolodeploy.inventory.operations import OperationEvent

_DRAW_S = 0.2
_SIGNS = {
    "running": "▸", "ok": "·", "changed": "+", "skipped": "·", "failed": "✗", "unreachable": "✗",
}  # fmt: skip
_SLOW_S = 5.0
# Ansible's own name for the first task of a role; the role's description follows it
_ARGUMENTS = "Validating arguments"


class Tree:
    """The hosts of one play, each with its step. Nothing of it stays on a terminal but errors."""

    def __init__(self, tongue: str) -> None:
        self._tongue = tongue
        self._in_place = sys.stderr.isatty()
        self._run = PlayRun()
        self._roles: dict[str, str] = {}  # where nothing is drawn: which one each host is in
        self._drawn = 0  # lines
        self._drawn_at = 0.0

    def heard(self, events: Sequence[OperationEvent]) -> None:
        """What was said since the last call, also nothing."""
        self._run = heard(self._run, events)
        for event in events:
            if event.code == STEP:
                self._step(event)
            elif event.code != HOST:
                self._say(line_of(event, self._tongue))
        now = time.monotonic()
        if self._in_place and (events or now - self._drawn_at > _DRAW_S):
            self._drawn_at = now
            self._draw()

    def end(self) -> None:
        """Leave the terminal as if nothing had been drawn."""
        self._erase()

    def _step(self, event: OperationEvent) -> None:
        if self._in_place:
            return
        host, role, state = (str(event.fields[name]) for name in ("host", "role", "state"))
        entered = self._roles.get(host) != role
        self._roles[host] = role
        # the rest would be a line for each task and host; why one failed is an event of its own
        seconds = float(event.fields["seconds"])
        if (
            state == CHANGED
            or (state == "ok" and seconds > _SLOW_S)
            or (entered and state == RUNNING)
        ):
            task = TaskRun(0, role, str(event.fields["task"]), state, event.at, seconds)
            self._say(self._line(host, task, time.time()))

    def _say(self, text: str) -> None:
        self._erase()
        say(text)

    def _draw(self) -> None:
        self._erase()
        width, height = shutil.get_terminal_size()
        room = max(height - 2, 1)
        hosts = [(host.host, task) for host in self._run.hosts if (task := host.current)]
        # those that do something are worth more than those that wait
        busy_first = sorted(hosts, key=lambda pair: pair[1].state != RUNNING)
        shown = sorted(busy_first[:room], key=hosts.index)
        now = time.time()
        lines = [fit(self._line(*pair, now), width - 1) for pair in shown]
        if len(hosts) > room:
            lines[-1] = f"… {len(hosts) - room + 1}"
        click.echo("\n".join(line.rstrip() for line in lines), err=True)
        self._drawn = len(lines)

    def _erase(self) -> None:
        if self._drawn:
            click.echo(f"\x1b[{self._drawn}A\x1b[J", err=True, nl=False)
            self._drawn = 0

    def _line(self, host: str, task: TaskRun, at: float) -> str:
        took = at - task.began_at if task.state == RUNNING else task.seconds
        widest = max(map(cells, (one.host for one in self._run.hosts)))
        role, name = one_line(task.role), one_line(task.task)
        if name.startswith(_ARGUMENTS):
            name = _ARGUMENTS
        where = f"{role}: {name}" if role else name
        word = message(f"play.state_{task.state}").rendered("text", self._tongue, {})
        if self._in_place and task.state not in (RUNNING, *BAD):
            word = message("play.state_waiting").rendered("text", self._tongue, {})
        sign = _SIGNS.get(task.state, " ")
        return f"{sign} {fit(host, widest)} {max(took, 0):6.1f} s  {where}  {word}"
