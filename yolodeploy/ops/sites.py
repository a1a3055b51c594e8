"""Actions on sites and devices."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound, Refused, YolodeployError
from yolodeploy.core.names import checked_name
from yolodeploy.inventory import devices as device_rows
from yolodeploy.inventory import events, rollouts
from yolodeploy.inventory import sites as rows
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.retention import prune_when_due
from yolodeploy.ops.connect import EMBEDDED, connect, connect_named
from yolodeploy.telemetry.collect import collect

if TYPE_CHECKING:
    from yolodeploy.core.site import LogLine
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home


def create_site(
    home: Home, name: str, devices: int, labels: dict[str, str], *, dry_run: bool = False
) -> list[str]:
    """Make and start an embedded site with some devices; returns their names.

    Raises:
        UsageError: `name.invalid`.
        Refused: `inventory.site_exists`.
        Failed: `site.not_created`, `site.supervisor`; the site is then not in the inventory.
    """
    from yolodeploy.sites.embedded import lifecycle

    checked_name("site", name)
    names = [checked_name("device", f"{name[:50]}-{number}") for number in range(1, devices + 1)]
    root = home.site(name)
    with open_inventory(home.create().inventory) as inventory:
        if any(row.name == name for row in rows.list_sites(inventory)):
            raise Refused("inventory.site_exists", site=name)
        if dry_run:
            return names
        try:
            lifecycle.create(root, name, names)
        except YolodeployError:
            lifecycle.remove(root, name)
            raise
        with inventory.transaction():
            rows.add_site(inventory, name, EMBEDDED, str(root), at=time.time(), labels=labels)
            for device in names:
                device_rows.add_device(inventory, name, device, "127.0.0.1", at=time.time())
        refresh_site(home, inventory, name)
    return names


def remove_site(home: Home, name: str, *, dry_run: bool = False) -> SiteRow:
    """Stop an embedded site and leave nothing of it behind.

    Raises:
        NotFound: `inventory.unknown_site`.
        Refused: `ops.site_moves`, a rollout that has not ended moves it.
        Failed: `site.supervisor`.
    """
    from yolodeploy.sites.embedded import lifecycle

    with open_inventory(home.inventory) as inventory:
        row = rows.get_site(inventory, name)
        for rollout in rollouts.list_rollouts(inventory, unfinished=True):
            if any(name in wave for wave in rollout.plan.waves):
                raise Refused("ops.site_moves", site=name, rollout=rollout.id)
        if not dry_run:
            lifecycle.remove(home.site(name), name)
            rows.remove_site(inventory, name)
    return row


def start_site(home: Home, name: str) -> None:
    """Start the processes of an embedded site that was stopped, or whose machine was restarted."""
    _lifecycle(home, name, start=True)


def stop_site(home: Home, name: str) -> None:
    """Stop the processes of an embedded site; what it knows stays."""
    _lifecycle(home, name, start=False)


def hold_site(home: Home, name: str, reason: str | None) -> None:
    """Hold a site for a reason, or end the hold (None)."""
    with open_inventory(home.inventory) as inventory:
        rows.set_site_hold(inventory, name, reason, at=time.time())
        _note_hold(inventory, name, "", reason)


def hold_device(home: Home, name: str, reason: str | None) -> DeviceRow:
    """Hold a device for a reason, or end the hold (None)."""
    with open_inventory(home.inventory) as inventory:
        found = find_device(inventory, name)
        device_rows.set_device_hold(inventory, found.site, found.name, reason, at=time.time())
        _note_hold(inventory, found.site, found.name, reason)
        return device_rows.get_device(inventory, found.site, found.name)


def label_device(home: Home, name: str, labels: dict[str, str]) -> DeviceRow:
    """Set labels of a device; an empty value takes one away."""
    with open_inventory(home.inventory) as inventory:
        found = find_device(inventory, name)
        kept = {key: value for key, value in (found.labels | labels).items() if value}
        device_rows.set_device_labels(inventory, found.site, found.name, kept)
        return device_rows.get_device(inventory, found.site, found.name)


def find_device(inventory: Inventory, name: str) -> DeviceRow:
    """A device by its name, or by `site/name` where several sites have one of that name.

    Raises:
        NotFound: `inventory.unknown_device`.
        Refused: `ops.ambiguous_device`.
    """
    site, slash, device = name.rpartition("/")
    if slash:
        return device_rows.get_device(inventory, site, device)
    found = [row for row in device_rows.list_devices(inventory) if row.name == name]
    if not found:
        raise NotFound("inventory.unknown_device", site="", device=name)
    if len(found) > 1:
        raise Refused(
            "ops.ambiguous_device", device=name, sites=", ".join(row.site for row in found)
        )
    return found[0]


def refresh(home: Home, names: Sequence[str] = ()) -> None:
    """Ask sites (all of them by default) how they are, and write it down."""
    from yolodeploy.telemetry.collect import collect_all

    with open_inventory(home.inventory) as inventory:
        wanted = [row for row in rows.list_sites(inventory) if not names or row.name in names]
        collect_all([connect(home, row) for row in wanted], inventory, now=time.time)
        prune_when_due(inventory, at=time.time())


def refresh_site(home: Home, inventory: Inventory, name: str) -> None:
    """Ask one site how it is, and write it down."""
    collect(connect_named(home, inventory, name), inventory, at=time.time())


def logs(
    home: Home, *, site: str | None, app: str | None, device: str | None, lines: int
) -> list[tuple[str, LogLine]]:
    """The last lines of the servers' logs with the name of their site."""
    with open_inventory(home.inventory) as inventory:
        names = [site] if site else [row.name for row in rows.list_sites(inventory)]
        connected = [connect_named(home, inventory, name) for name in names]
    return [
        (each.name, line)
        for each in connected
        for line in each.logs(app=app, device=device, lines=lines)
    ]


def _lifecycle(home: Home, name: str, *, start: bool) -> None:
    from yolodeploy.sites.embedded import lifecycle

    with open_inventory(home.inventory) as inventory:
        rows.get_site(inventory, name)
        (lifecycle.start if start else lifecycle.stop)(home.site(name), name)
        refresh_site(home, inventory, name)


def _note_hold(inventory: Inventory, site: str, device: str, reason: str | None) -> None:
    code = "hold.ended" if reason is None else "hold.set"
    events.add_event(inventory, site, code, at=time.time(), device=device, detail=reason or "")
