"""What an embedded site says of its apps, instances and devices: rows of its store, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from yolodeploy.core.site import AppState, DeviceState, InstanceState, Phase
from yolodeploy.sites.embedded.store import AppRow, InstanceRow
from yolodeploy.sites.embedded.usage import usage


def app_state(app: str, row: AppRow, ports: Mapping[str, int], now: float) -> AppState:
    """One app; `ports` by device, `now` in seconds since boot, as its guard counts."""
    guarded = row.intent.guard is not None and not row.reverted and row.guard_until is not None
    return AppState(
        app=app,
        phase=_phase(row),
        release=row.target,
        previous=row.intent.previous,
        settled=row.settled,
        guard_left_s=max((row.guard_until or 0.0) - now, 0.0) if guarded else None,
        reason=row.reason,
        outage_s=round(row.outage_s, 1),
        endpoints=tuple(f"http://127.0.0.1:{port}" for port in ports.values()),
        beside=row.beside,
    )


def instance_state(row: InstanceRow) -> InstanceState:
    """One server process."""
    return InstanceState(
        name=row.name,
        device=row.device,
        app=row.app,
        release=row.release,
        ready=row.ready,
        restarts=row.restarts,
        started_at=row.started_at,
        url=row.url,
        reason=row.reason,
    )


def device_state(
    name: str, instances: Sequence[InstanceRow], wanted: Mapping[str, str]
) -> DeviceState:
    """One device: ready when the instance of every app's `wanted` release on it is."""
    mine = [item for item in instances if item.device == name]
    lacking_apps = [
        app
        for app, release in wanted.items()
        if not any(item.app == app and item.release == release and item.ready for item in mine)
    ]
    reasons = [item.reason for item in mine if item.app in lacking_apps and item.reason]
    used = [usage(item.pid) for item in mine if item.pid]
    return DeviceState(
        name=name,
        ready=not lacking_apps,
        reason=reasons[0] if reasons else ("starting" if lacking_apps else ""),
        cpu_percent=round(sum(item.cpu_percent for item in used), 1),
        memory_mb=round(sum(item.memory_mb for item in used), 1),
    )


def _phase(row: AppRow) -> Phase:
    if row.reverted:
        return Phase.REVERTED if row.settled else Phase.REVERTING
    if row.intent.release is None and row.settled:
        return Phase.ABSENT
    if not row.settled:
        return Phase.SWITCHING
    return Phase.TRIAL if row.intent.guard else Phase.COMMITTED
