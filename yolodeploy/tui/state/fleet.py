"""The fleet: one row a device, and the counts above the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from yolodeploy.core.digests import short
from yolodeploy.core.site import Phase
from yolodeploy.inventory.devices import DeviceApp, DeviceRow
from yolodeploy.tui.state.latency import Key, Recent


class Status(Enum):
    """How a device is, worst first: the first that applies is shown."""

    OFFLINE = "offline"  # its site did not answer; everything else is as it was then
    NEW = "new"  # nobody has seen it yet
    NOT_READY = "not_ready"
    HELD = "held"
    SWITCHING = "switching"
    TRIAL = "trial"
    REVERTING = "reverting"
    READY = "ready"


_MOVING = {
    Phase.SWITCHING.value: Status.SWITCHING,
    Phase.TRIAL.value: Status.TRIAL,
    Phase.REVERTING.value: Status.REVERTING,
}


class FleetRow(NamedTuple):
    """One device as the table shows it.

    `held` and `site_held` are the reasons of the holds, None without; `release` is the alias (or
    a short digest) of its first app and `more_apps` how many others it runs; `phase` is a
    `core.site.Phase` value; `seen_at` is Unix seconds, None before it was first seen.
    """

    site: str
    device: str
    status: Status
    reason: str
    held: str | None
    site_held: str | None
    release: str
    more_apps: int
    phase: str
    recent: Recent | None
    restarts: int
    cpu_percent: float
    memory_mb: float
    seen_at: float | None

    @property
    def key(self) -> Key:
        """What it is told apart by."""
        return (self.site, self.device)


class Counts(NamedTuple):
    """The fleet in one line. `ready`, `not_ready`, `offline` and `new` add up to `devices`."""

    devices: int
    ready: int
    not_ready: int
    offline: int
    new: int
    held: int


def fleet(rows: Iterable[DeviceRow], recent: Mapping[Key, Recent]) -> tuple[FleetRow, ...]:
    """The rows of the table, in the order given."""
    return tuple(fleet_row(row, recent.get((row.site, row.name))) for row in rows)


def fleet_row(row: DeviceRow, recent: Recent | None) -> FleetRow:
    """One row of the table."""
    first = shown_app(row.apps)
    status = status_of(row)
    return FleetRow(
        site=row.site,
        device=row.name,
        status=status,
        reason=_reason(row, status),
        held=row.held,
        site_held=row.site_held,
        release=release_of(first) if first else "",
        more_apps=max(len(row.apps) - 1, 0),
        phase=first.phase if first else "",
        recent=recent,
        restarts=sum(app.restarts for app in row.apps),
        cpu_percent=row.cpu_percent,
        memory_mb=row.memory_mb,
        seen_at=row.observed_at if row.ready is not None else None,
    )


def status_of(row: DeviceRow) -> Status:
    """The worst that can be said of a device."""
    if row.reachable is False:
        return Status.OFFLINE
    if row.reachable is None or row.ready is None:
        return Status.NEW
    moving = [_MOVING[app.phase] for app in row.apps if app.phase in _MOVING]
    if not row.ready or (not moving and any(app.ready < app.instances for app in row.apps)):
        return Status.NOT_READY
    if row.held is not None or row.site_held is not None:
        return Status.HELD
    return moving[0] if moving else Status.READY


def shown_app(apps: Sequence[DeviceApp]) -> DeviceApp | None:
    """The app that stands for all of a device: one that is moving, else the first."""
    moving = [app for app in apps if app.phase in _MOVING]
    return next(iter((*moving, *apps)), None)


def release_of(app: DeviceApp) -> str:
    """`brake-disc@7`, or the app and a short digest where the number is not known."""
    return app.alias or (f"{app.app} {short(app.release)}" if app.release else app.app)


def counts(rows: Sequence[FleetRow]) -> Counts:
    """How many devices are how."""
    by_status = Counter(row.status for row in rows)
    not_ready, offline, new = (
        by_status[status] for status in (Status.NOT_READY, Status.OFFLINE, Status.NEW)
    )
    held = sum(row.held is not None or row.site_held is not None for row in rows)
    return Counts(len(rows), len(rows) - not_ready - offline - new, not_ready, offline, new, held)


def _reason(row: DeviceRow, status: Status) -> str:
    """Why it is as it is; empty where nothing needs saying."""
    held = row.held if row.held is not None else row.site_held
    if status is Status.OFFLINE:
        return row.site_reason
    if status is Status.NOT_READY:
        return row.reason or ", ".join(
            f"{app.app} {app.ready}/{app.instances}"
            for app in row.apps
            if app.ready < app.instances
        )
    return held or row.reason
