"""`yolodeploy controller`: collecting and driving without a person."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import (
    Column,
    age,
    dry_run_option,
    emit,
    emit_one,
    moment,
    output_option,
    report,
)
from yolodeploy.cli.table_words import words_here
from yolodeploy.cli.telling import said, tell

if TYPE_CHECKING:
    from types import FrameType

    from yolodeploy.ops.controller_state import ControllerState
    from yolodeploy.ops.pending import PendingRollout


@click.group(invoke_without_command=True)
@click.pass_context
def controller(ctx: click.Context) -> int:
    """Collect from all sites and drive pending rollouts, until it is stopped.

    It runs in the foreground, for systemd, a container or a terminal. One runs for each home
    folder; over several machines the sites' leases settle who drives.
    """
    return 0 if ctx.invoked_subcommand is not None else _run()


def _run() -> int:
    from threading import Event

    from yolodeploy.ops.controlling import run
    from yolodeploy.ops.home import home
    from yolodeploy.ops.systemd import Systemd

    stop, asked = Event(), []

    def leave(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    run(home(), _tell, _mistake, stop, Systemd())
    return 130 if signal.SIGINT in asked else 0


def _tell(code: str, fields: Mapping[str, str]) -> None:
    tell(code, dry_run=None, **fields)


def _mistake(error: Exception) -> None:
    """What nobody expected: for those who want to see it."""
    if os.environ.get("YOLODEPLOY_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)


@controller.command()
@output_option
def status(form: str) -> int:
    """Show who collects, and what is pending; 1 if nobody."""
    import time

    from yolodeploy.ops.controller_state import controller_state
    from yolodeploy.ops.home import home

    found = controller_state(home())
    emit_one(found, _columns(time.time(), form), form)
    if found.pending and form in ("table", "wide"):
        emit(found.pending, _PENDING, form)
    for fault in found.faults:
        report(fault)
    return 0 if found.well else 1


def _columns(now: float, form: str) -> list[Column]:
    columns = [
        Column("state", "state", lambda state: state.word, words=True),
        Column("running", "", lambda state: state.running),
        Column("host", "host", lambda state: state.row and state.row.host),
        Column("pid", "process", lambda state: state.row and state.row.pid),
        Column("version", "version", lambda state: state.row and state.row.version),
        Column(
            "started_at", "since", lambda state: state.row and state.row.started_at, text=moment
        ),
        Column(
            "round_at",
            "last round",
            _round_at,
            text=lambda at: said("done.ago", age=age(at, now)) if at else "never",
            words=True,
        ),
        Column("round_s", "it took (s)", lambda state: state.row and state.row.round_s),
        Column("sites", "sites", lambda state: state.sites),
        Column("silent", "silent", lambda state: state.silent),
        Column("notices", "notices waiting", lambda state: state.notices),
        Column("trouble", "trouble", lambda state: state.row and state.row.trouble),
    ]
    if form not in ("table", "wide"):
        columns.append(
            Column("pending", "pending", lambda state: [_plain(item) for item in state.pending])
        )
    return columns


def _round_at(state: ControllerState) -> float | None:
    return state.row.round_at if state.row else None


def _why(item: PendingRollout) -> str:
    from yolodeploy.ops.settings import language

    return item.row.why(language())


def _stands(item: PendingRollout) -> str:
    return words_here().state("rollout", item.row.state.value)


_PENDING = [
    Column("rollout", "rollout", lambda item: item.row.id),
    Column("app", "app", lambda item: item.row.app),
    Column("state", "state", lambda item: item.row.state.value, told=_stands),
    Column("turn", "turn", lambda item: item.turn.value, words=True),
    Column("again_at", "again at", lambda item: item.row.again_at, text=moment),
    Column("reason", "why", lambda item: item.row.reason, told=_why),
]


def _plain(item: object) -> dict[str, object]:
    return {column.key: column.value(item) for column in _PENDING}


@controller.command()
@dry_run_option
@output_option
def notify(dry_run: bool, form: str) -> int:
    """Send a test notice to the webhook and command now."""
    from yolodeploy.ops.notifying import demand_places, try_out
    from yolodeploy.ops.settings import language

    if dry_run:
        places = [place.name for place in demand_places()]
        tell("done.test_notice", places=", ".join(places))
        emit(places, [Column("place", "place", str)], form)
        return 0
    tried = try_out()
    columns = [
        Column("place", "place", lambda item: item[0]),
        Column("taken", "received", lambda item: item[1] is None),
        Column("reason", "reason", lambda item: item[1].text(language()) if item[1] else ""),
    ]
    emit(tried, columns, form, longest=200)
    refused = [error for _, error in tried if error is not None]
    for error in refused:
        report(error)
    return 1 if refused else 0


@controller.command()
def unit() -> None:
    """Print a unit of systemd for this installation."""
    from yolodeploy.ops.units import controller_unit

    click.echo(controller_unit(), nl=False)
