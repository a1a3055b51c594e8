"""Looking at one site, and storing what was seen.

Looking may take long and needs no inventory; storing is quick and needs no site. So `rounds` does
the first in threads and the second in its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from yolodeploy.core.errors import NotFound, YolodeployError
from yolodeploy.core.nodes import with_loads
from yolodeploy.core.site import DeviceState, SiteEvent, SiteState, StageReport, with_usage
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.events import add_event, query_events, record_site_events
from yolodeploy.inventory.ingest import ingest
from yolodeploy.inventory.retention import EVENTS_KEEP_S
from yolodeploy.inventory.sites import get_site
from yolodeploy.inventory.status import record_site_state, record_unreachable
from yolodeploy.sites.interface import Observed

LATE = "site.late"
"""The reason of a site that did not answer before its deadline."""

BACK = "site.back"
"""The event of a site that answers again; the one of falling silent has the error's code."""

GARBAGE = "measured.garbage"
"""The event of an instance whose measurements break a rule of `core.reports`."""

SHRUNK = "measured.shrunk"
"""The event of an instance that has counted less than before."""

TOLD_FOR_S = 86400.0
"""How long such an event is not told again of the same instance: a broken one stays broken."""


class Look(NamedTuple):
    """What one site said, its events after `since`; or the error that it did not."""

    site: str
    since: int = 0
    state: SiteState | None = None
    reports: Sequence[StageReport] = ()
    events: Sequence[SiteEvent] = ()
    error: YolodeployError | None = None


class Collected(NamedTuple):
    """What one round brought of one site.

    `reason` is the code of the error where it is not reachable; `series` is how many readings had
    something new, `events` how many events were new.
    """

    site: str
    reachable: bool
    reason: str = ""
    series: int = 0
    events: int = 0


def look(site: Observed, since: int) -> Look:
    """Ask a site how it is, what it measured, and what happened after event `since`."""
    try:
        state = site.observe()
        reports = site.sketches()
        events = site.watch(since)
    except YolodeployError as error:
        return Look(site.name, error=error)
    return Look(site.name, since, _with_loads(state, reports), reports, events)


def _with_loads(state: SiteState, reports: Sequence[StageReport]) -> SiteState:
    """What our servers say of a node: the cluster itself may not know it."""
    mine: dict[str, list[StageReport]] = {}
    for report in reports:
        mine.setdefault(report.device, []).append(report)
    return replace(
        state,
        devices=tuple(_with_load(device, mine.get(device.name, [])) for device in state.devices),
    )


def _with_load(device: DeviceState, reports: Sequence[StageReport]) -> DeviceState:
    if device.node is None or not reports:
        return device  # of a device without a cluster its site says all
    node = with_loads(device.node, [one.load for one in reports if one.load is not None])
    taken = [one.gpu_memory_mb for one in reports if one.gpu_memory_mb is not None]
    return with_usage(device, replace(node, gpu_memory_mb=sum(taken) if taken else None))


def store(inventory: Inventory, seen: Look, *, at: float) -> Collected:
    """Store what a site said, all or nothing; one that was removed meanwhile is left out."""
    try:
        with inventory.transaction():
            before = get_site(inventory, seen.site).reachable
            if seen.state is None:
                return _silent(inventory, seen, before, at)
            record_site_state(inventory, seen.site, seen.state, at=at)
            if before is False:
                add_event(inventory, seen.site, BACK, at=at)
            taken = ingest(inventory, seen.site, seen.reports, at=at)
            for report in seen.reports:
                if report.fault:
                    _tell(inventory, report, GARBAGE, report.fault, at)
            for report in seen.reports:
                if (report.device, report.instance) in taken.shrunk:
                    _tell(inventory, report, SHRUNK, "", at)
            oldest = seen.state.at - EVENTS_KEEP_S
            events = record_site_events(inventory, seen.site, seen.events, seen.since, oldest)
    except NotFound as error:
        return Collected(seen.site, reachable=False, reason=error.code)
    return Collected(seen.site, True, "", taken.grown, events)


def _tell(inventory: Inventory, report: StageReport, code: str, reason: str, at: float) -> None:
    """An event, unless it is known: of each instance one a day, whatever reasons it finds."""
    known = query_events(
        inventory, site=report.site, device=report.device, code=code, since=at - TOLD_FOR_S
    )
    if not any(event.detail.split(": ")[0] == report.instance for event in known):
        detail = f"{report.instance}: {reason}" if reason else report.instance
        add_event(inventory, report.site, code, at=at, device=report.device, detail=detail)


def _silent(inventory: Inventory, seen: Look, before: bool | None, at: float) -> Collected:
    code = seen.error.code if seen.error else LATE
    record_unreachable(inventory, seen.site, code, at=at)
    if before is not False:
        detail = seen.error.text() if seen.error else ""
        add_event(inventory, seen.site, code, at=at, detail=detail)
    return Collected(seen.site, reachable=False, reason=code)
