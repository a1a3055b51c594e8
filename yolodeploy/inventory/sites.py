"""Sites: what a person has said of them, and holds.

What they say of themselves is in `status`.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import msgspec

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.names import checked_name
from yolodeploy.core.nodes import ClusterFigures
from yolodeploy.core.proxy import Proxy
from yolodeploy.core.windows import Calendar
from yolodeploy.inventory.connection import Inventory, Row

Labels = dict[str, str]
_ALWAYS = Calendar()


class SiteRow(NamedTuple):
    """One site.

    `held` is the reason of a hold, None without one. `reachable` is None before the first round;
    when it is false, `reason` says why and everything else is as it was at `observed_at`.
    `site_clock` is the site's own time at `observed_at`. `k3s_version` is empty where no k3s of
    ours runs, and `backed_up_at` None before the first backup. `calendar` says when it may be
    changed, `proxy` what its gateways reach the internet through, `cluster` what a cluster says of
    itself. Times are Unix seconds.
    """

    name: str
    kind: str
    location: str
    labels: Labels
    added_at: float
    held: str | None
    held_at: float | None
    reachable: bool | None
    reason: str
    observed_at: float | None
    tried_at: float | None
    site_clock: float | None
    lease_holder: str | None
    lease_until: float | None
    k3s_version: str
    backed_up_at: float | None
    calendar: Calendar
    proxy: Proxy
    devices: int
    cluster: ClusterFigures | None = None


_COLUMNS = """name, kind, location, labels, added_at, held, held_at, reachable, reason, observed_at,
    tried_at, site_clock, lease_holder, lease_until, k3s_version, backed_up_at,
    calendar, proxy, (SELECT count(*) FROM devices WHERE devices.site_id = sites.id), cluster"""


_SITE_CALENDAR = SiteRow._fields.index("calendar")
_SITE_CLUSTER = SiteRow._fields.index("cluster")


_PROXY = SiteRow._fields.index("proxy")


def add_site(
    inventory: Inventory,
    name: str,
    kind: str,
    location: str,
    *,
    at: float,
    labels: Labels | None = None,
) -> None:
    """Remember a site. `location` says where it is reached: a folder, a kubeconfig context.

    Raises:
        UsageError: `name.invalid`.
        Refused: `inventory.site_exists`.
    """
    row = (checked_name("site", name), kind, location, encoded(labels), at)
    try:
        inventory.execute(
            "INSERT INTO sites (name, kind, location, labels, added_at) VALUES (?, ?, ?, ?, ?)",
            row,
        )
    except sqlite3.IntegrityError:
        raise Refused("inventory.site_exists", site=name) from None


def remove_site(inventory: Inventory, name: str) -> None:
    """Forget a site, its devices and their latency; events, rollouts and fleet figures stay.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    if not inventory.execute("DELETE FROM sites WHERE name = ?", (name,)).rowcount:
        raise NotFound("inventory.unknown_site", site=name)


def get_site(inventory: Inventory, name: str) -> SiteRow:
    """One site.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    row = inventory.row(f"SELECT {_COLUMNS} FROM sites WHERE name = ?", (name,))  # noqa: S608
    if row is None:
        raise NotFound("inventory.unknown_site", site=name)
    return _site(row)


def list_sites(inventory: Inventory) -> list[SiteRow]:
    """All sites by name."""
    rows = inventory.rows(f"SELECT {_COLUMNS} FROM sites ORDER BY name")  # noqa: S608
    return [_site(row) for row in rows]


def set_site_labels(inventory: Inventory, name: str, labels: Labels) -> None:
    """Replace a site's labels.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    _update(inventory, name, "labels = ?", encoded(labels))


def set_site_location(inventory: Inventory, name: str, location: str) -> None:
    """Say where a site is reached from now on.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    _update(inventory, name, "location = ?", location)


def set_site_k3s(inventory: Inventory, name: str, version: str) -> None:
    """Say which k3s a site runs; empty for none.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    _update(inventory, name, "k3s_version = ?", version)


def set_site_backed_up(inventory: Inventory, name: str, *, at: float) -> None:
    """Say when a site was backed up last.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    _update(inventory, name, "backed_up_at = ?", at)


def set_site_calendar(inventory: Inventory, name: str, calendar: Calendar) -> None:
    """Say when a site may be changed.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    text = "{}" if calendar == _ALWAYS else msgspec.json.encode(calendar).decode()
    _update(inventory, name, "calendar = ?", text)


def set_site_proxy(inventory: Inventory, name: str, proxy: Proxy) -> None:
    """Say what a site's gateways reach the internet through.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    _update(inventory, name, "proxy = ?", msgspec.json.encode(proxy).decode())


def set_site_hold(inventory: Inventory, name: str, reason: str | None, *, at: float) -> None:
    """Hold a site for a reason, or end the hold (None).

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    held_at = None if reason is None else at
    _update(inventory, name, "held = ?, held_at = ?", reason, held_at)


def site_id(inventory: Inventory, name: str) -> int:
    """The row of a site.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    row = inventory.row("SELECT id FROM sites WHERE name = ?", (name,))
    if row is None:
        raise NotFound("inventory.unknown_site", site=name)
    return int(row[0])


def encoded(labels: Labels | None) -> str:
    """Labels as they are stored."""
    return msgspec.json.encode(labels or {}, order="sorted").decode()


def decoded(text: str) -> Labels:
    """Stored labels."""
    return {} if text == "{}" else msgspec.json.decode(text, type=Labels)


def _update(inventory: Inventory, name: str, assignments: str, *values: object) -> None:
    sql = f"UPDATE sites SET {assignments} WHERE name = ?"  # noqa: S608 assignments are ours
    if not inventory.execute(sql, (*values, name)).rowcount:
        raise NotFound("inventory.unknown_site", site=name)


def _site(row: Row) -> SiteRow:
    site = SiteRow._make(row)
    reachable = None if site.reachable is None else bool(site.reachable)
    text = row[_SITE_CALENDAR]
    calendar = _ALWAYS if text == "{}" else msgspec.json.decode(text, type=Calendar)
    proxy = msgspec.json.decode(row[_PROXY], type=Proxy)
    told = row[_SITE_CLUSTER]
    figures = msgspec.json.decode(told, type=ClusterFigures) if told else None
    return site._replace(
        labels=decoded(row[3]), reachable=reachable, calendar=calendar, proxy=proxy, cluster=figures
    )
