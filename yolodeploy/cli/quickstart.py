"""`yolodeploy quickstart`: the whole of it once, shown as it happens."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import emit, emit_data, output_option, plain_rows, say
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import FILE

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home


@click.command()
@click.option(
    "--images",
    type=FILE,
    help="Your own pictures instead of the sample frames.",
)
@click.option("--keep", is_flag=True, help="Leave it running, for the dashboard.")
@output_option
def quickstart(images: Path | None, keep: bool, form: str) -> None:
    """Three sites, three models, three rollouts, for real, in under a minute.

    Model 1 is rolled out, model 2 passes its gates, model 3 is spoiled and stopped at the first
    site. Without --keep everything is removed at the end; so it is after Ctrl-C. With `-o json` it
    prints one object, of devices and of latency; with `-o name` the devices.
    """
    from yolodeploy.ops import quickstart as action
    from yolodeploy.ops.home import home as home_in_force

    home = action.own_home(home_in_force()) if keep else action.temporary_home()
    started = time.monotonic()
    done = False
    with _stopped_politely():
        try:
            _narrate(home, images)
            _print_tables(home, form)
            done = True
        finally:
            if not (keep and done):
                _clean_up(home)
    say("")
    tell("done.quickstart_took", seconds=f"{time.monotonic() - started:.0f}")
    _print_next(home, keep=keep)


STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _stopped_politely() -> Iterator[None]:
    """A closed terminal and `kill` are Ctrl-C here: the sites must not outlive this command."""
    before = {number: signal.signal(number, _interrupt) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: object) -> None:
    _hear_no_more()
    raise KeyboardInterrupt


def _hear_no_more() -> None:
    """A second Ctrl-C, however soon, would leave servers behind."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


def _clean_up(home: Home) -> None:
    from yolodeploy.ops.quickstart import clean_up

    _hear_no_more()
    clean_up(home)


def _narrate(home: Home, images: Path | None) -> None:
    from yolodeploy.cli.follow import line_of
    from yolodeploy.ops.quickstart import Step, run
    from yolodeploy.ops.settings import language

    tongue = language()
    for step in run(home, images):
        if isinstance(step, Step):
            say(f"\n{step.said.text(tongue)}\n    $ {step.command}")
        else:
            say(f"    {line_of(step, tongue)}")


def _print_tables(home: Home, form: str) -> None:
    from yolodeploy.cli.device import columns as device_columns
    from yolodeploy.cli.latency import columns as latency_columns
    from yolodeploy.cli.latency import stage_rows
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.devices import list_devices
    from yolodeploy.inventory.latency import latency
    from yolodeploy.inventory.releases import list_releases

    now = time.time()
    groups = ("release",)
    with read_inventory(home.inventory) as inventory:
        devices = list_devices(inventory)
        found = latency(inventory, now - 3600, now + 1, group_by=groups)
        aliases = {row.digest: row.release.alias for row in list_releases(inventory)}
    stages = sorted(stage_rows(found, groups, aliases), key=lambda row: row.group["release"])
    if form == "name":
        emit(devices, device_columns(now), form)
    elif form not in ("table", "wide"):
        told = {
            "devices": plain_rows(devices, device_columns(now)),
            "latency": plain_rows(stages, latency_columns(groups)),
        }
        emit_data(told, form)
    else:
        say("")
        tell("done.quickstart_fleet")
        emit(devices, device_columns(now), form)
        say("")
        tell("done.quickstart_times")
        emit(stages, latency_columns(groups), form)


def _print_next(home: Home, *, keep: bool) -> None:
    if keep:
        tell("done.quickstart_runs", home=home.root)
        commands = [
            "yolodeploy",
            "yolodeploy rollout status r-3",
            "yolodeploy status --refresh",
            "yolodeploy latency --by site,release",
            *(f"yolodeploy site remove {site} --yes" for site in _sites()),
        ]
    else:
        tell("done.quickstart_gone")
        commands = ["yolodeploy quickstart --keep", "yolodeploy"]
    for command in commands:
        say(f"    $ {command}")


def _sites() -> tuple[str, ...]:
    from yolodeploy.ops.quickstart import SITES

    return SITES
