"""`yolodeploy device`: gateways, as their sites see them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.device_find import find
from yolodeploy.cli.device_replace import replace
from yolodeploy.cli.output import (
    Column,
    aged,
    dry_run_option,
    emit,
    emit_one,
    output_option,
    shown,
    yes_option,
)
from yolodeploy.cli.plays import asked, passwords_options
from yolodeploy.cli.reading import read
from yolodeploy.cli.telling import confirm, tell
from yolodeploy.cli.words import FILE, labels_option, parsed_labels, select_option, words_of
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.core.nodes import NodeFigures
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.ops.devices import Seen

PROFILES = ("cpu", "nvidia", "jetson")  # those of provision.acquaintance, which is not light


@click.group()
def device() -> None:
    """Gateways. In an embedded site a device is one server process."""


for command in (find, replace):
    device.add_command(command)


def columns(now: float) -> list[Column]:
    """What is shown of a device; `now` is Unix seconds."""
    return [
        Column("device", "device", lambda row: row.name),
        Column("site", "site", lambda row: row.site),
        Column("state", "state", words_of, words=True),
        Column("releases", "release", lambda row: [app.alias or app.release for app in row.apps]),
        Column("ready", "", lambda row: row.ready),
        Column("restarts", "restarts", lambda row: sum(app.restarts for app in row.apps)),
        Column("cpu_percent", "cpu %", _cpu_percent),
        Column(
            "memory_mb", "mem MB", _memory_mb, text=lambda mb: "-" if mb is None else f"{mb:.0f}"
        ),
        aged("observed_at", "seen", lambda row: row.observed_at, now),
        Column("held", "held", lambda row: row.held, wide=True),
        Column("address", "address", lambda row: row.address, wide=True),
        Column("role", "role", lambda row: row.gateway.role, wide=True),
        Column("profile", "profile", lambda row: row.gateway.profile, wide=True),
        Column("sharing", "sharing", lambda row: row.gateway.sharing, wide=True),
        Column("jump", "", lambda row: row.gateway.jump),
        Column("identity", "", lambda row: row.gateway.identity),
        Column("host_key", "", lambda row: row.gateway.host_key),
        aged("proved_at", "proved", lambda row: row.gateway.proved_at, now, wide=True),
        Column("labels", "labels", lambda row: row.labels, wide=True),
        Column("operator", "operator", lambda row: row.operator, wide=True),
        Column("reason", "reason", lambda row: row.reason or row.site_reason, wide=True),
        Column("node", "node", lambda row: row.node, wide=True, text=_node_text),
    ]


def _node_text(node: NodeFigures | None) -> str:
    from yolodeploy.core.nodes import node_text

    return node_text(node)


def _cpu_percent(row: DeviceRow) -> float | None:
    """Nothing where a cluster does not measure it."""
    return None if row.node and row.node.cpu_used_millis is None else row.cpu_percent


def _memory_mb(row: DeviceRow) -> float | None:
    return None if row.node and row.node.memory_used_mb is None else row.memory_mb


@device.command("list")
@click.option("--site", help="Only those of one site.")
@select_option
@output_option
def list_(site: str | None, select: str, form: str) -> None:
    """List devices as last seen."""
    import time

    emit(devices_of(site, select), columns(time.time()), form)


def devices_of(site: str | None, select: str = "") -> list[DeviceRow]:
    """The devices of a site, or all, of which the labels fit a selector.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `selector.no_device`.
        UsageError: `selector.invalid`.
    """
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.inventory.devices import list_devices
    from yolodeploy.inventory.sites import get_site
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as inventory:
        if site is not None:
            get_site(inventory, site)
        found = list_devices(inventory, site)
        if not select:
            return found
        from yolodeploy.ops.selecting import selected_devices

        return selected_devices(inventory, found, select)


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
@click.argument("address", metavar="[USER@]HOST[:PORT]|local")
@click.option("--site", required=True, help="The k3s site that it belongs to.")
@click.option("--server", is_flag=True, help="It runs the API; the first device always does.")
@click.option(
    "--profile", type=click.Choice(PROFILES), default=None, help="Default: what is seen there."
)
@click.option("--jump", default="", metavar="HOST[,HOST]", help="Hosts in between, as ssh -J.")
@click.option("--identity", default="", metavar="FILE", help="The key to log in with.")
@labels_option
@passwords_options
@click.option("--offline", is_flag=True, help="Do not ask the device.")
@dry_run_option
@output_option
def add(
    name: str,
    address: str,
    site: str,
    server: bool,
    profile: str | None,
    jump: str,
    identity: str,
    labels: tuple[str, ...],
    ask_password: bool,
    ask_sudo_password: bool,
    offline: bool,
    dry_run: bool,
    form: str,
) -> None:
    """Add a gateway to a k3s site after a look at it.

    Its host key is pinned. With `local` the gateway is this machine.
    """
    from yolodeploy.ops.device_wish import DeviceWish
    from yolodeploy.ops.devices import add_devices
    from yolodeploy.ops.home import home

    wish = DeviceWish(
        name, address, site, server, profile or "", jump, identity, parsed_labels(labels)
    )
    secrets = asked(ask_password, ask_sudo_password)
    [seen] = add_devices(home(), [wish], offline=offline, secrets=secrets, dry_run=dry_run)
    if seen.error is not None:
        raise seen.error
    _said_of(seen, dry_run=dry_run)
    emit([seen], ADDED, form)


@device.command("import")
@click.argument("path", metavar="FILE", type=FILE)
@click.option("--site", default="", help="The k3s site of those that name none.")
@passwords_options
@click.option("--offline", is_flag=True, help="Do not ask the devices.")
@dry_run_option
@output_option
def import_(
    path: Path,
    site: str,
    ask_password: bool,
    ask_sudo_password: bool,
    offline: bool,
    dry_run: bool,
    form: str,
) -> None:
    """Add the gateways of a CSV, YAML or JSON list.

    All of them, or none where one cannot be added. A CSV file begins with the line
    name,address,site,server,profile,jump,identity,labels; only the first two are needed.
    """
    from yolodeploy.cli.output import report
    from yolodeploy.core.errors import Refused
    from yolodeploy.ops.device_list import read_devices
    from yolodeploy.ops.devices import add_devices
    from yolodeploy.ops.home import home

    secrets = asked(ask_password, ask_sudo_password)
    wishes = read_devices(path, site)
    seen = add_devices(home(), wishes, offline=offline, secrets=secrets, dry_run=dry_run)
    bad = [one for one in seen if one.error is not None]
    for one in seen:
        if one.error is not None:
            report(one.error)
        elif not bad:
            _said_of(one, dry_run=dry_run)
    emit(seen, ADDED, form)
    if bad:
        raise Refused("device.import_refused", path=path, bad=len(bad), all=len(seen))


ADDED = [
    Column("device", "device", lambda seen: seen.wish.name),
    Column("site", "site", lambda seen: seen.wish.site),
    Column("address", "address", lambda seen: seen.wish.address),
    Column("role", "role", lambda seen: seen.role),
    Column("profile", "profile", lambda seen: seen.profile),
    Column("arch", "arch", lambda seen: seen.look.arch if seen.look else ""),
    Column("system", "system", lambda seen: seen.look.system if seen.look else ""),
    Column("fingerprint", "", lambda seen: fingerprint_of(seen.host_key)),
    Column("error", "", lambda seen: seen.error.code if seen.error else ""),
]


def _said_of(seen: Seen, *, dry_run: bool) -> None:
    told = {"device": seen.wish.name, "role": seen.role, "site": seen.wish.site}
    if seen.host_key:
        key = fingerprint_of(seen.host_key)
        tell("done.device_added_key", dry_run=dry_run, key=key, **told)
    else:
        tell("done.device_added", dry_run=dry_run, **told)


def fingerprint_of(host_key: str) -> str:
    """A key as people compare it; empty where there is none."""
    from yolodeploy.ssh.route import fingerprint

    return fingerprint(host_key)


@device.command()
@click.argument("name")
@click.option("--forget", is_flag=True, help="Although it was provisioned: it is lost for good.")
@yes_option
@dry_run_option
def remove(name: str, forget: bool, yes: bool, dry_run: bool) -> None:
    """Take a gateway out of the inventory.

    Nothing is changed on it: for that, reset it first.
    """
    from yolodeploy.ops.devices import remove_device
    from yolodeploy.ops.home import home

    if not dry_run:
        confirm("ask.device_remove", device=name, yes=yes, action="device remove")
    row = remove_device(home(), name, forget=forget, dry_run=dry_run)
    tell("done.device_removed", dry_run=dry_run, device=row.name, site=row.site)


@device.command()
@click.argument("name")
@labels_option
@click.option("--address", default="", metavar="[USER@]HOST[:PORT]", help="Where it answers.")
@click.option("--jump", default=None, metavar="HOST,…", help="The hosts in between; '' for none.")
@dry_run_option
def edit(name: str, labels: tuple[str, ...], address: str, jump: str | None, dry_run: bool) -> None:
    """Set labels, address or way of a device; KEY= takes one away."""
    from yolodeploy.ops.device_edit import edit_device
    from yolodeploy.ops.home import home

    row = edit_device(home(), name, parsed_labels(labels), address, jump, dry_run=dry_run)
    if address:
        tell("done.device_addressed", dry_run=dry_run, device=row.name, address=row.address)
    if jump is not None:
        code = "done.device_by" if jump else "done.device_by_nobody"
        tell(code, dry_run=dry_run, device=row.name, jump=jump)
    if labels or not (address or jump is not None):
        tell("done.device_labelled", dry_run=dry_run, device=row.name, labels=shown(row.labels))


@device.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why it must not be changed now.")
@dry_run_option
def hold(name: str, reason: str, dry_run: bool) -> None:
    """Keep rollouts away from a device."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import hold_device

    row = hold_device(home(), name, reason, dry_run=dry_run)
    tell("done.device_held", dry_run=dry_run, device=row.name, reason=one_line(reason))


@device.command()
@click.argument("name")
@dry_run_option
def unhold(name: str, dry_run: bool) -> None:
    """Let rollouts change a device again."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.sites import hold_device

    row = hold_device(home(), name, None, dry_run=dry_run)
    tell("done.device_unheld", dry_run=dry_run, device=row.name)
