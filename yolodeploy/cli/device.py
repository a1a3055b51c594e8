"""`yolodeploy device`: gateways, as their sites see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from yolodeploy.cli.device_find import find
from yolodeploy.cli.output import (
    Column,
    age,
    dry_run_option,
    emit,
    emit_one,
    output_option,
    say,
    shown,
)
from yolodeploy.cli.reading import read
from yolodeploy.cli.words import labels_option, parsed_labels, words_of
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.inventory.devices import DeviceRow


@click.group()
def device() -> None:
    """Gateways. In an embedded site a device is one server process."""


device.add_command(find)


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

    emit(devices_of(site), columns(time.time()), form)


def devices_of(site: str | None) -> list[DeviceRow]:
    """The devices of a site, or all.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`.
    """
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.devices import list_devices
    from yolodeploy.inventory.sites import get_site
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as inventory:
        if site is not None:
            get_site(inventory, site)
        return list_devices(inventory, site)


@device.command()
@click.argument("name")
@output_option
def show(name: str, form: str) -> None:
    """Show one device; NAME or SITE/NAME."""
    import time

    from yolodeploy.ops.sites import find_device

    row = read(lambda inventory: find_device(inventory, name))
    emit_one(row, columns(time.time()), form)


@device.command()
@click.argument("name")
@labels_option
@click.option("--address", default="", metavar="[USER@]HOST[:PORT]", help="Where it answers.")
@dry_run_option
def edit(name: str, labels: tuple[str, ...], address: str, dry_run: bool) -> None:
    """Set labels of a device, or its address; KEY= takes a label away."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import edit_device

    row = edit_device(home(), name, parsed_labels(labels), address, dry_run=dry_run)
    word = "would have" if dry_run else "has"
    if address:
        say(f"device {row.name} {word} the address {row.address}")
    if labels or not address:
        say(f"device {row.name} {word} labels {shown(row.labels)}")


@device.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why it must not be changed now.")
@dry_run_option
def hold(name: str, reason: str, dry_run: bool) -> None:
    """Keep rollouts away from a device."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import hold_device

    row = hold_device(home(), name, reason, dry_run=dry_run)
    say(f"device {row.name} {'would be' if dry_run else 'is'} held: {one_line(reason)}")


@device.command()
@click.argument("name")
@dry_run_option
def unhold(name: str, dry_run: bool) -> None:
    """Let rollouts change a device again."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import hold_device

    row = hold_device(home(), name, None, dry_run=dry_run)
    say(f"device {row.name} {'would not be' if dry_run else 'is not'} held any more")
