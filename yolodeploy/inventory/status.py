"""What sites say of themselves, round by round: only the last word is kept.

Offline is a state: the last known status stays, with the time it was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.errors import NotFound
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.sites import site_id

if TYPE_CHECKING:
    from yolodeploy.core.nodes import ClusterFigures, NodeFigures
    from yolodeploy.core.site import AppState, InstanceState, SiteState

GONE = "missing"
"""The reason of a device that its site no longer lists."""


class SiteApp(NamedTuple):
    """One app on a site as it was seen last; `release` and `previous` are digests or empty."""

    site: str
    app: str
    phase: str
    release: str
    previous: str
    settled: bool
    reason: str
    outage_s: float


_SEEN = """
    UPDATE sites SET reachable = 1, reason = '', observed_at = :at, tried_at = :at,
        site_clock = :clock, lease_holder = :holder, lease_until = :until, cluster = :cluster
    WHERE id = :site
"""

_DEVICE = """
    INSERT INTO devices (site_id, name, added_at, ready, reason, cpu_percent, memory_mb, node)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (site_id, name) DO UPDATE SET ready = excluded.ready, reason = excluded.reason,
        cpu_percent = excluded.cpu_percent, memory_mb = excluded.memory_mb,
        node = excluded.node
"""


def record_site_state(inventory: Inventory, site: str, state: SiteState, *, at: float) -> None:
    """Store what a site said; devices that it has and the inventory has not are added.

    `at` is the collector's clock.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    with inventory.transaction():
        site_row = site_id(inventory, site)
        lease = state.lease
        inventory.execute(
            _SEEN,
            {
                "at": at,
                "clock": state.at,
                "holder": lease.fence.holder if lease else None,
                "until": lease.until if lease else None,
                "cluster": _json(state.cluster),
                "site": site_row,
            },
        )
        _store_site_apps(inventory, site_row, state.apps)
        _store_devices(inventory, site_row, state, at)


def record_unreachable(inventory: Inventory, site: str, reason: str, *, at: float) -> None:
    """Store that a site did not answer; everything known of it stays.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    sql = "UPDATE sites SET reachable = 0, reason = ?, tried_at = ? WHERE name = ?"
    if not inventory.execute(sql, (reason, at, site)).rowcount:
        raise NotFound("inventory.unknown_site", site=site)


def list_site_apps(inventory: Inventory, site: str | None = None) -> list[SiteApp]:
    """What runs on one site or on all, by site and app."""
    rows = inventory.rows(
        "SELECT sites.name, app, phase, release, previous, settled, site_apps.reason, outage_s "
        "FROM site_apps JOIN sites ON sites.id = site_apps.site_id "
        "WHERE ?1 IS NULL OR sites.name = ?1 ORDER BY sites.name, app",
        (site,),
    )
    return [SiteApp._make(row)._replace(settled=bool(row[5])) for row in rows]


def _store_site_apps(inventory: Inventory, site: int, apps: Iterable[AppState]) -> None:
    inventory.execute("DELETE FROM site_apps WHERE site_id = ?", (site,))
    inventory.execute_many(
        "INSERT INTO site_apps VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                site,
                app.app,
                app.phase.value,
                app.release.digest if app.release else "",
                app.previous.digest if app.previous else "",
                app.settled,
                app.reason,
                app.outage_s,
            )
            for app in apps
        ],
    )


def _store_devices(inventory: Inventory, site: int, state: SiteState, at: float) -> None:
    # an account that sees the nodes of its pods alone does not know that the others are gone
    unseen = state.cluster is not None and bool(state.cluster.unseen)
    inventory.execute(
        "UPDATE devices SET ready = ?, reason = ? WHERE site_id = ? AND ready IS NOT NULL",
        (None if unseen else False, "" if unseen else GONE, site),
    )
    # a node may be ready while what shall run there is not
    complaints = {
        item.device: f"{item.app}: {item.reason}"
        for item in state.instances if not item.ready and item.reason
    }  # fmt: skip
    beside = _beside(state)
    inventory.execute_many(
        _DEVICE,
        [
            (site, device.name, at, device.ready,
             device.reason or complaints.get(device.name) or beside.get(device.name, ""),
             device.cpu_percent, device.memory_mb, _json(device.node))
            for device in state.devices
        ],
    )  # fmt: skip
    rows = inventory.rows("SELECT name, id FROM devices WHERE site_id = ?", (site,))
    ids: dict[str, int] = dict(rows)
    inventory.execute_many(
        "DELETE FROM device_apps WHERE device_id = ?", [(device,) for device in ids.values()]
    )
    inventory.execute_many(
        "INSERT INTO device_apps VALUES (?, ?, ?, ?, ?, ?, ?)", _device_apps(state, ids)
    )


def _device_apps(state: SiteState, ids: dict[str, int]) -> Iterator[tuple[object, ...]]:
    """One row for each app of each device, out of the instances."""
    groups: dict[tuple[str, str], list[InstanceState]] = {}
    for instance in state.instances:
        groups.setdefault((instance.device, instance.app), []).append(instance)
    apps = {app.app: app for app in state.apps}
    # the digest is a hash of the whole specification: once a site, not once an instance
    current = {name: app.serving.digest for name, app in apps.items() if app.serving}
    for (device, app), instances in groups.items():
        if device in ids:
            yield (
                ids[device],
                app,
                _shown_release(instances, current.get(app, "")),
                apps[app].phase.value if app in apps else "",
                len(instances),
                sum(instance.ready for instance in instances),
                sum(instance.restarts for instance in instances),
            )


def _beside(state: SiteState) -> dict[str, str]:
    """What is tried on a device beside the release that serves."""
    tried = {
        app.app: (app.release.digest, f"{app.release.alias} beside: {app.beside.way.value}")
        for app in state.apps if app.beside is not msgspec.UNSET and app.release
    }  # fmt: skip
    found = ((item, tried[item.app]) for item in state.instances if item.app in tried)
    return {item.device: told for item, (digest, told) in found if item.release == digest}


def _shown_release(instances: list[InstanceState], current: str) -> str:
    # during a switch old and new run side by side: the one asked for, once it is there
    running = [instance.release for instance in instances]
    return current if current in running else running[0]


def _json(figures: NodeFigures | ClusterFigures | None) -> str:
    return "" if figures is None else msgspec.json.encode(figures).decode()
