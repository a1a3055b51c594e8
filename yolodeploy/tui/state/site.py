"""One site in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from yolodeploy.core.digests import short
from yolodeploy.core.nodes import node_text
from yolodeploy.inventory.devices import DeviceRow
from yolodeploy.inventory.sites import SiteRow
from yolodeploy.inventory.status import SiteApp
from yolodeploy.ops.expiry import Expiry
from yolodeploy.tui.state.fleet import FleetRow, fleet_row
from yolodeploy.tui.state.latency import Key, Recent
from yolodeploy.tui.state.plays import PlayItem


class AppItem(NamedTuple):
    """One app of a site. `outage_s` is what its last switch took away, as the site measured it."""

    app: str
    release: str
    previous: str
    phase: str
    settled: bool
    reason: str
    outage_s: float


class DeviceItem(NamedTuple):
    """One device of a site: its row of the fleet table, its node, how its GPUs shall be shared."""

    row: FleetRow
    instances: int
    ready: int
    node: str
    sharing: str


class SiteDetail(NamedTuple):
    """One site. `opens_at` is when it may be changed next: the reading's time where that is now."""

    row: SiteRow
    opens_at: float | None
    apps: tuple[AppItem, ...]
    devices: tuple[DeviceItem, ...]
    ends: tuple[Expiry, ...]
    play: PlayItem | None


def site_detail(
    row: SiteRow,
    opens_at: float | None,
    apps: Iterable[SiteApp],
    devices: Sequence[DeviceRow],
    ends: Iterable[Expiry],
    recent: Mapping[Key, Recent],
    aliases: Mapping[str, str],
    play: PlayItem | None,
) -> SiteDetail:
    """A site from the inventory's rows; `aliases` names releases by digest."""
    return SiteDetail(
        row,
        opens_at,
        tuple(_app(app, aliases) for app in apps),
        tuple(_device(device, recent.get((row.name, device.name))) for device in devices),
        tuple(ends),
        play,
    )


def _app(app: SiteApp, aliases: Mapping[str, str]) -> AppItem:
    release, previous = (
        aliases.get(digest) or (short(digest) if digest else "")
        for digest in (app.release, app.previous)
    )
    return AppItem(
        app.app, release, previous, app.phase, app.settled, app.reason, app.outage_s
    )  # fmt: skip


def _device(row: DeviceRow, recent: Recent | None) -> DeviceItem:
    return DeviceItem(
        fleet_row(row, recent),
        sum(app.instances for app in row.apps),
        sum(app.ready for app in row.apps),
        node_text(row.node) if row.node else "",
        row.gateway.sharing,
    )
