"""Showing a play while it runs: hosts and their current step, in place on a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from yolodeploy.cli.follow import line_of
from yolodeploy.cli.output import say
from yolodeploy.core.messages import message
from yolodeploy.core.text import cells, fit, one_line

if TYPE_CHECKING:
    from yolodeploy.inventory.operations import OperationEvent

_DRAW_S = 0.2
_SIGNS = {
    "running": "▸", "ok": "·", "changed": "+", "skipped": "·", "failed": "✗", "unreachable": "✗",
}  # fmt: skip
_SLOW_S = 5.0
# Ansible's own name for the first task of a role; the role's description follows it
_ARGUMENTS = "Validating arguments"


class _Now(NamedTuple):
    """Where a host is: its last event, and when that was."""

    event: OperationEvent
    changed: int


class Tree:
    """The hosts of one play, each with its step. Nothing of it stays on a terminal but errors."""

    def __init__(self, tongue: str) -> None:
        self._tongue = tongue
        self._in_place = sys.stderr.isatty()
        self._hosts: dict[str, _Now] = {}
        self._drawn = 0  # lines
        self._drawn_at = 0.0

    def heard(self, events: Sequence[OperationEvent]) -> None:
        """What was said since the last call, also nothing."""
        for event in events:
            if event.code == "play.step":
                self._step(event)
            elif event.code != "play.host":
                self._say(line_of(event, self._tongue))
        now = time.monotonic()
        if self._in_place and (events or now - self._drawn_at > _DRAW_S):
            self._drawn_at = now
            self._draw()

    def end(self) -> None:
        """Leave the terminal as if nothing had been drawn."""
        self._erase()

    def _step(self, event: OperationEvent) -> None:
        host, state = str(event.fields["host"]), str(event.fields["state"])
        before = self._hosts.get(host)
        changed = (before.changed if before else 0) + (state == "changed")
        self._hosts[host] = _Now(event, changed)
        if self._in_place:
            return
        # the rest would be a line for each task and host; why one failed is an event of its own
        entered = before is None or before.event.fields["role"] != event.fields["role"]
        slow = state == "ok" and float(event.fields["seconds"]) > _SLOW_S
        if state == "changed" or slow or (entered and state == "running"):
            self._say(self._line(host, self._hosts[host], time.time()))

    def _say(self, text: str) -> None:
        self._erase()
        say(text)

    def _draw(self) -> None:
        self._erase()
        width, height = shutil.get_terminal_size()
        room = max(height - 2, 1)
        names = list(self._hosts)
        # those that do something are worth more than those that wait
        names.sort(key=lambda name: self._hosts[name].event.fields["state"] != "running")
        shown = sorted(names[:room], key=list(self._hosts).index)
        now = time.time()
        lines = [fit(self._line(name, self._hosts[name], now), width - 1) for name in shown]
        if len(names) > room:
            lines[-1] = f"… {len(names) - room + 1}"
        click.echo("\n".join(line.rstrip() for line in lines), err=True)
        self._drawn = len(lines)

    def _erase(self) -> None:
        if self._drawn:
            click.echo(f"\x1b[{self._drawn}A\x1b[J", err=True, nl=False)
            self._drawn = 0

    def _line(self, host: str, now: _Now, at: float) -> str:
        fields = now.event.fields
        state = str(fields["state"])
        took = at - now.event.at if state == "running" else float(fields["seconds"])
        widest = max(map(cells, self._hosts))
        role, task = one_line(str(fields["role"])), one_line(str(fields["task"]))
        if task.startswith(_ARGUMENTS):
            task = _ARGUMENTS
        where = f"{role}: {task}" if role else task
        word = message(f"play.state_{state}").rendered("text", self._tongue, {})
        if self._in_place and state not in ("running", "failed", "unreachable"):
            word = message("play.state_waiting").rendered("text", self._tongue, {})
        return (
            f"{_SIGNS.get(state, ' ')} {fit(host, widest)} {max(took, 0):6.1f} s  {where}  {word}"
        )
