"""Devices: what a person has said of them, holds, and the list that `status` shows."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import msgspec

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.names import checked_name
from yolodeploy.core.nodes import NodeFigures
from yolodeploy.inventory.connection import Inventory, Row
from yolodeploy.inventory.sites import Labels, decoded, encoded, site_id


class DeviceApp(NamedTuple):
    """One app on one device.

    `release` is a digest and `alias` (`brake-disc@7`) is empty where the inventory does not know
    it; `phase` is a `core.site.Phase` value; `restarts` counts over all instances.
    """

    app: str
    release: str
    alias: str
    phase: str
    instances: int
    ready: int
    restarts: int


class Gateway(NamedTuple):
    """What a host of a cluster has beside what every device has; all empty in an embedded site.

    `role` is `server` or `agent`; `profile` is `cpu`, `nvidia` or `jetson`; `sharing` is that of
    its GPUs, `jump` the hosts in between as `ssh -J` takes them, `identity` the file of a key,
    `host_key` the pinned one: type and base64. `proved_at` is when a pod last ran to completion
    there, `proof` the digest of what ran it (empty where nobody knows).
    """

    role: str = ""
    profile: str = ""
    sharing: str = ""
    jump: str = ""
    identity: str = ""
    host_key: str = ""
    proved_at: float | None = None
    proof: str = ""


class DeviceRow(NamedTuple):
    """One device with what its site said of it last.

    `held` is the reason of its own hold, `site_held` that of its site's. `ready` is None before
    the device was first seen. `reachable` and `observed_at` (Unix seconds) are its site's: where
    `reachable` is false the rest is as of `observed_at`, and `site_reason` says why. `operator`
    is who had the site's lease then, None for nobody.
    """

    site: str
    name: str
    address: str
    labels: Labels
    added_at: float
    held: str | None
    site_held: str | None
    reachable: bool | None
    site_reason: str
    observed_at: float | None
    ready: bool | None
    reason: str
    cpu_percent: float
    memory_mb: float
    gateway: Gateway
    apps: tuple[DeviceApp, ...]
    operator: str | None = None
    node: NodeFigures | None = None


_DEVICES = """
    SELECT devices.id, sites.name, devices.name, devices.address, devices.labels,
        devices.added_at, devices.held, sites.held, sites.reachable, sites.reason,
        sites.observed_at, devices.ready, devices.reason, devices.cpu_percent, devices.memory_mb,
        devices.role, devices.profile, devices.sharing, devices.jump, devices.identity,
        devices.host_key, devices.proved_at, devices.proof, sites.lease_holder, devices.node
    FROM devices JOIN sites ON sites.id = devices.site_id
"""

_OWN = 15  # columns before those of the gateway

_APPS = """
    SELECT device_apps.device_id, device_apps.app, device_apps.release,
        CASE WHEN releases.number IS NULL THEN ''
            ELSE releases.app || '@' || releases.number END,
        device_apps.phase, device_apps.instances, device_apps.ready, device_apps.restarts
    FROM device_apps LEFT JOIN releases ON releases.digest = device_apps.release
"""


def add_device(
    inventory: Inventory,
    site: str,
    name: str,
    address: str = "",
    *,
    at: float,
    labels: Labels | None = None,
    gateway: Gateway | None = None,
) -> None:
    """Remember a device of a site.

    Raises:
        UsageError: `name.invalid`.
        NotFound: `inventory.unknown_site`.
        Refused: `inventory.device_exists`.
    """
    row = (site_id(inventory, site), checked_name("device", name), address, encoded(labels), at)
    values = (*row, *(gateway or Gateway()))
    try:
        inventory.execute(
            "INSERT INTO devices (site_id, name, address, labels, added_at, "  # noqa: S608 ours
            f"{', '.join(Gateway._fields)}) VALUES ({', '.join('?' * len(values))})",
            values,
        )
    except sqlite3.IntegrityError:
        raise Refused("inventory.device_exists", site=site, device=name) from None


def remove_device(inventory: Inventory, site: str, name: str) -> None:
    """Forget a device.

    Raises:
        NotFound: `inventory.unknown_device`.
    """
    sql = "DELETE FROM devices WHERE name = ? AND site_id = (SELECT id FROM sites WHERE name = ?)"
    if not inventory.execute(sql, (name, site)).rowcount:
        raise NotFound("inventory.unknown_device", site=site, device=name)


def set_device_labels(inventory: Inventory, site: str, name: str, labels: Labels) -> None:
    """Replace a device's labels.

    Raises:
        NotFound: `inventory.unknown_device`.
    """
    _update(inventory, site, name, "labels = ?", encoded(labels))


def set_device_address(inventory: Inventory, site: str, name: str, address: str) -> None:
    """Say where a device answers from now on.

    Raises:
        NotFound: `inventory.unknown_device`.
    """
    _update(inventory, site, name, "address = ?", address)


def set_device_gateway(inventory: Inventory, site: str, name: str, gateway: Gateway) -> None:
    """Replace what is known of a device as a host of a cluster.

    Raises:
        NotFound: `inventory.unknown_device`.
    """
    _update(inventory, site, name, ", ".join(f"{f} = ?" for f in Gateway._fields), *gateway)


def set_device_hold(
    inventory: Inventory, site: str, name: str, reason: str | None, *, at: float
) -> None:
    """Hold a device for a reason, or end the hold (None).

    Raises:
        NotFound: `inventory.unknown_device`.
    """
    held_at = None if reason is None else at
    _update(inventory, site, name, "held = ?, held_at = ?", reason, held_at)


def get_device(inventory: Inventory, site: str, name: str) -> DeviceRow:
    """One device.

    Raises:
        NotFound: `inventory.unknown_device`.
    """
    found = _devices(inventory, "WHERE sites.name = ? AND devices.name = ?", site, name)
    if not found:
        raise NotFound("inventory.unknown_device", site=site, device=name)
    return found[0]


def list_devices(inventory: Inventory, site: str | None = None) -> list[DeviceRow]:
    """The devices of one site or of all, by site and name."""
    if site is None:
        return _devices(inventory, "")
    return _devices(inventory, "WHERE sites.name = ?", site)


def _devices(inventory: Inventory, where: str, *values: object) -> list[DeviceRow]:
    sql = f"{_DEVICES} {where} ORDER BY sites.name, devices.name"
    rows = inventory.rows(sql, values)
    apps = _apps(inventory, where, *values)
    return [_device(row, apps.get(row[0], [])) for row in rows]


def _apps(inventory: Inventory, where: str, *values: object) -> dict[int, list[DeviceApp]]:
    sql = _APPS
    if where:  # by the index: one of a thousand sites takes 0.1 ms, the whole table 50
        sql += (
            " WHERE device_apps.device_id IN (SELECT devices.id FROM devices "  # noqa: S608 ours
            f"JOIN sites ON sites.id = devices.site_id {where})"
        )
    apps: dict[int, list[DeviceApp]] = {}
    for device, *rest in inventory.rows(sql, values):
        apps.setdefault(device, []).append(DeviceApp._make(rest))
    return apps


def _device(row: Row, apps: list[DeviceApp]) -> DeviceRow:
    operator, told = row[-2:]
    gateway = Gateway._make(row[_OWN:-2])
    node = msgspec.json.decode(told, type=NodeFigures) if told else None
    device = DeviceRow._make((*row[1:_OWN], gateway, tuple(apps), operator, node))
    return device._replace(labels=decoded(row[4]), reachable=_flag(row[8]), ready=_flag(row[11]))


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _update(inventory: Inventory, site: str, name: str, assignments: str, *values: object) -> None:
    sql = (
        f"UPDATE devices SET {assignments} "  # noqa: S608 assignments are ours
        "WHERE name = ? AND site_id = (SELECT id FROM sites WHERE name = ?)"
    )
    if not inventory.execute(sql, (*values, name, site)).rowcount:
        raise NotFound("inventory.unknown_device", site=site, device=name)
