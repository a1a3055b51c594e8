"""Actions on sites and devices."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound, Refused, YolodeployError
from yolodeploy.core.names import checked_name
from yolodeploy.core.text import one_line
from yolodeploy.inventory import devices as device_rows
from yolodeploy.inventory import events, rollouts
from yolodeploy.inventory import sites as rows
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.retention import prune_when_due
from yolodeploy.oci.locks import locked
from yolodeploy.ops.connect import EMBEDDED, K3S, connect_all, connect_named
from yolodeploy.ops.opening import changing, known_sites, present_inventory
from yolodeploy.telemetry.collect import collect

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home

CREATE_LIMIT_S = 60.0  # several made by one script wait for each other; each takes a second or two


def create_site(
    home: Home, name: str, devices: int, labels: dict[str, str], *, dry_run: bool = False
) -> list[str]:
    """Make and start an embedded site with some devices; returns their names.

    Raises:
        UsageError: `name.invalid`.
        Refused: `inventory.site_exists`; `ops.site_folder`, it is there and can be adopted;
            `oci.busy`, another command is making sites.
        Failed: `site.not_created`, `site.supervisor`; then nothing of the site is left.
    """
    checked_name("site", name)
    names = [checked_name("device", f"{name[:50]}-{number}") for number in range(1, devices + 1)]
    root = home.site(name)
    if dry_run:
        _refuse_present(home, name)
        return names
    from yolodeploy.sites.embedded import lifecycle

    # one at a time: whoever fails removes the folder, which must not be another one's
    with (
        locked(home.create().root / ".creating", wait_s=CREATE_LIMIT_S),
        open_inventory(home.inventory) as inventory,
    ):
        _refuse_present(home, name)
        try:
            lifecycle.create(root, name, names)
            with inventory.transaction():
                rows.add_site(inventory, name, EMBEDDED, str(root), at=time.time(), labels=labels)
                for device in names:
                    device_rows.add_device(inventory, name, device, "127.0.0.1", at=time.time())
        except BaseException:  # Ctrl-C too: nobody would know of its processes
            lifecycle.remove(root, name)
            raise
        refresh_site(home, inventory, name)
    return names


def name_site(home: Home, name: str, labels: dict[str, str], *, dry_run: bool = False) -> None:
    """Remember a k3s site, which has no devices yet.

    Raises:
        UsageError: `name.invalid`.
        Refused: `inventory.site_exists`, `ops.site_folder`.
    """
    checked_name("site", name)
    _refuse_present(home, name)
    if dry_run:
        return
    with open_inventory(home.create().inventory) as inventory:
        rows.add_site(inventory, name, K3S, "", at=time.time(), labels=labels)


def _refuse_present(home: Home, name: str) -> None:
    from yolodeploy.sites.embedded.folder import SiteFolder

    if name in known_sites(home):
        raise Refused("inventory.site_exists", site=name)
    if SiteFolder(home.site(name)).database.exists():
        raise Refused("ops.site_folder", site=name, path=home.site("").absolute())


def remove_site(home: Home, name: str, *, dry_run: bool = False) -> SiteRow:
    """Stop an embedded site and leave nothing of it behind; forget one of another kind.

    Raises:
        NotFound: `inventory.unknown_site`.
        Refused: `ops.site_moves`, a rollout that has not ended moves it; `ops.site_devices`.
        Failed: `site.supervisor`.
    """
    from yolodeploy.sites.embedded import lifecycle

    with present_inventory(home, dry_run=dry_run) as inventory:
        row = rows.get_site(inventory, name)
        for rollout in rollouts.list_rollouts(inventory, unfinished=True, limit=None):
            if any(name in wave for wave in rollout.plan.waves):
                raise Refused("ops.site_moves", site=name, rollout=rollout.id)
        if row.kind == K3S and row.devices:
            raise Refused("ops.site_devices", site=name, devices=row.devices)
        if not dry_run:
            if row.kind == EMBEDDED:
                lifecycle.remove(home.site(name), name)
            rows.remove_site(inventory, name)
    return row


def start_site(home: Home, name: str, *, dry_run: bool = False) -> None:
    """Start the processes of an embedded site that was stopped, or whose machine was restarted.

    One that is not in the inventory is started as well, so that it can be adopted.

    Raises:
        NotFound: `inventory.unknown_site`.
        Refused: `ops.no_processes`, it is one of gateways, or a cluster.
        Failed: `site.supervisor`.
    """
    _lifecycle(home, name, start=True, dry_run=dry_run)


def stop_site(home: Home, name: str, *, dry_run: bool = False) -> None:
    """Stop the processes of an embedded site; what it knows stays.

    Raises:
        NotFound: `inventory.unknown_site`.
        Refused: `ops.no_processes`, it is one of gateways, or a cluster.
        Failed: `site.supervisor`.
    """
    _lifecycle(home, name, start=False, dry_run=dry_run)


def hold_site(home: Home, name: str, reason: str | None, *, dry_run: bool = False) -> SiteRow:
    """Hold a site for a reason, or end the hold (None); returns it as it was in a dry run.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    reason = _told(reason)
    with (
        present_inventory(home, dry_run=dry_run) as inventory,
        changing(inventory, dry_run=dry_run),
    ):
        found = rows.get_site(inventory, name)
        if not dry_run:
            rows.set_site_hold(inventory, name, reason, at=time.time())
            _note_hold(inventory, name, "", reason)
        return found if dry_run else rows.get_site(inventory, name)


def hold_device(home: Home, name: str, reason: str | None, *, dry_run: bool = False) -> DeviceRow:
    """Hold a device for a reason, or end the hold (None); returns it as it was in a dry run.

    Raises:
        NotFound, Refused: As `find_device`.
    """
    reason = _told(reason)
    with (
        present_inventory(home, dry_run=dry_run) as inventory,
        changing(inventory, dry_run=dry_run),
    ):
        found = find_device(inventory, name)
        if dry_run:
            return found
        device_rows.set_device_hold(inventory, found.site, found.name, reason, at=time.time())
        _note_hold(inventory, found.site, found.name, reason)
        return device_rows.get_device(inventory, found.site, found.name)


def edit_site(home: Home, name: str, labels: dict[str, str], *, dry_run: bool = False) -> SiteRow:
    """Set labels of a site; an empty value takes one away.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    with (
        present_inventory(home, dry_run=dry_run) as inventory,
        changing(inventory, dry_run=dry_run),
    ):
        found = rows.get_site(inventory, name)
        kept = {key: value for key, value in (found.labels | labels).items() if value}
        if not dry_run:
            rows.set_site_labels(inventory, name, kept)
        return found._replace(labels=kept)


def find_device(inventory: Inventory, name: str) -> DeviceRow:
    """A device by its name, or by `site/name` where several sites have one of that name.

    Raises:
        NotFound: `ops.unknown_device`, `inventory.unknown_device`.
        Refused: `ops.ambiguous_device`.
    """
    site, slash, device = name.rpartition("/")
    if slash:
        return device_rows.get_device(inventory, site, device)
    found = [row for row in device_rows.list_devices(inventory) if row.name == name]
    if not found:
        raise NotFound("ops.unknown_device", device=name)
    if len(found) > 1:
        raise Refused(
            "ops.ambiguous_device", device=name, sites=", ".join(row.site for row in found)
        )
    return found[0]


def refresh(home: Home, names: Sequence[str] = ()) -> list[YolodeployError]:
    """Ask sites (all of them by default) how they are, and write it down.

    Returns why some could not be asked by this version.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`.
    """
    from yolodeploy.telemetry.collect import collect_all

    with present_inventory(home) as inventory:
        wanted = [rows.get_site(inventory, name) for name in names] or rows.list_sites(inventory)
        connected, refused = connect_all(home, wanted)
        collect_all(connected, inventory, now=time.time)
        prune_when_due(inventory, at=time.time())
    return refused


def refresh_site(home: Home, inventory: Inventory, name: str) -> None:
    """Ask one site how it is, and write it down."""
    collect(connect_named(home, inventory, name), inventory, at=time.time())


def _lifecycle(home: Home, name: str, *, start: bool, dry_run: bool) -> None:
    from yolodeploy.sites.embedded.folder import SiteFolder

    known = name in known_sites(home)
    if known:
        _refuse_hosts(home, name)
    if not known and not (
        start and SiteFolder(home.site(checked_name("site", name))).database.exists()
    ):
        raise NotFound("inventory.unknown_site", site=name)
    if dry_run:
        return
    from yolodeploy.sites.embedded import lifecycle

    (lifecycle.start if start else lifecycle.stop)(home.site(name), name)
    if known:
        with open_inventory(home.inventory) as inventory:
            refresh_site(home, inventory, name)


def _refuse_hosts(home: Home, name: str) -> None:
    """A site of gateways has no processes here, nor has a cluster."""
    with present_inventory(home, dry_run=True) as inventory:
        row = rows.get_site(inventory, name)
    if row.kind != EMBEDDED:
        raise Refused("ops.no_processes", site=name, kind=row.kind)


def _told(reason: str | None) -> str | None:
    return None if reason is None else one_line(reason.strip())


def _note_hold(inventory: Inventory, site: str, device: str, reason: str | None) -> None:
    code = events.HOLD_ENDED if reason is None else events.HOLD_SET
    events.add_event(inventory, site, code, at=time.time(), device=device, detail=reason or "")
