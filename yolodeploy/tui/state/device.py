"""One device in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from yolodeploy.core.digests import short
from yolodeploy.core.nodes import node_text
from yolodeploy.inventory.devices import DeviceApp, DeviceRow
from yolodeploy.inventory.latency import LatencyRow
from yolodeploy.tui.state.events import EventItem
from yolodeploy.tui.state.fleet import FleetRow, fleet_row, release_of
from yolodeploy.tui.state.latency import Measured, Recent, measured


class AppDetail(NamedTuple):
    """One app of a device; `measured` has the current release first, then earlier ones."""

    app: str
    release: str
    phase: str
    instances: int
    ready: int
    restarts: int
    measured: tuple[Measured, ...]


class DeviceDetail(NamedTuple):
    """One device: its row of the fleet table, what else is known, apps, the newest events first."""

    row: FleetRow
    address: str
    labels: tuple[tuple[str, str], ...]
    apps: tuple[AppDetail, ...]
    events: tuple[EventItem, ...]
    node: str = ""


def device_detail(
    row: DeviceRow,
    recent: Recent | None,
    latency: Iterable[LatencyRow],
    aliases: Mapping[str, str],
    events: Iterable[EventItem],
) -> DeviceDetail:
    """A device; `latency` is grouped by app and release, `aliases` names releases by digest."""
    groups = list(latency)
    return DeviceDetail(
        row=fleet_row(row, recent),
        address=row.address,
        labels=tuple(sorted(row.labels.items())),
        apps=tuple(_app(app, groups, aliases) for app in row.apps),
        events=tuple(events),
        node=node_text(row.node) if row.node else "",
    )


def _app(app: DeviceApp, groups: list[LatencyRow], aliases: Mapping[str, str]) -> AppDetail:
    mine = [row for row in groups if row.group[0] == app.app and row.requests]
    mine.sort(key=lambda row: row.group[1] != app.release)
    return AppDetail(
        app=app.app,
        release=release_of(app),
        phase=app.phase,
        instances=app.instances,
        ready=app.ready,
        restarts=app.restarts,
        measured=tuple(_measured(row, aliases) for row in mine),
    )


def _measured(row: LatencyRow, aliases: Mapping[str, str]) -> Measured:
    app, digest = row.group
    return measured(
        app, aliases.get(digest) or short(digest), row.requests, row.failures, row.stages
    )
