"""`yolodeploy device`: gateways, as their sites see them."""

from __future__ import annotations

import click

from yolodeploy.cli.output import Column, age, emit, emit_one, output_option, say
from yolodeploy.cli.words import labels_option, parsed_labels, words_of


@click.group()
def device() -> None:
    """Gateways. In an embedded site a device is one server process."""


def columns(now: float) -> list[Column]:
    """What is shown of a device; `now` is Unix seconds."""
    return [
        Column("device", "device", lambda row: row.name),
        Column("site", "site", lambda row: row.site),
        Column("state", "state", words_of),
        Column("releases", "release", lambda row: [app.alias or app.release for app in row.apps]),
        Column("ready", "", lambda row: row.ready),
        Column("restarts", "restarts", lambda row: sum(app.restarts for app in row.apps)),
        Column("cpu_percent", "cpu %", lambda row: row.cpu_percent),
        Column("memory_mb", "mem MB", lambda row: row.memory_mb, text=lambda mb: f"{mb:.0f}"),
        Column("observed_at", "seen", lambda row: row.observed_at, text=lambda at: age(at, now)),
        Column("held", "held", lambda row: row.held, wide=True),
        Column("address", "address", lambda row: row.address, wide=True),
        Column("labels", "labels", lambda row: row.labels, wide=True),
        Column("reason", "reason", lambda row: row.reason or row.site_reason, wide=True),
    ]


@device.command("list")
@click.option("--site", help="Only those of one site.")
@output_option
def list_(site: str | None, form: str) -> None:
    """List devices as last seen."""
    import time

    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.devices import list_devices
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as inventory:
        rows = list_devices(inventory, site)
    emit(rows, columns(time.time()), form)


@device.command()
@click.argument("name")
@output_option
def show(name: str, form: str) -> None:
    """Show one device; NAME or SITE/NAME."""
    import time

    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import find_device

    with read_inventory(home().inventory) as inventory:
        row = find_device(inventory, name)
    emit_one(row, columns(time.time()), form)


@device.command()
@click.argument("name")
@labels_option
def edit(name: str, labels: tuple[str, ...]) -> None:
    """Set labels of a device; KEY= takes one away."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import label_device

    row = label_device(home(), name, parsed_labels(labels))
    say(f"{row.name}: {row.labels or 'no labels'}")


@device.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why it must not be changed now.")
def hold(name: str, reason: str) -> None:
    """Keep rollouts away from a device."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import hold_device

    row = hold_device(home(), name, reason)
    say(f"{row.name} is held: {row.held}")


@device.command()
@click.argument("name")
def unhold(name: str) -> None:
    """Let rollouts change a device again."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import hold_device

    row = hold_device(home(), name, None)
    say(f"{row.name} is not held any more")
