"""Events of the fleet: what happened inside sites, and what was noticed about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from yolodeploy.core.site import SiteEvent
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.sites import site_id

HOLD_SET, HOLD_ENDED, WINDOW_SET = "hold.set", "hold.ended", "window.set"


class EventRow(NamedTuple):
    """One event; `id` grows, `at` is Unix seconds by the clock of whoever noticed it."""

    id: int
    site: str
    device: str
    code: str
    detail: str
    at: float


def record_site_events(inventory: Inventory, site: str, events: Sequence[SiteEvent]) -> int:
    """Store what a site's own journal says; how many of them were new.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    if not events:
        return 0
    with inventory.transaction():
        row = site_id(inventory, site)
        before = inventory.connection.total_changes
        inventory.execute_many(
            "INSERT OR IGNORE INTO events (site_id, sequence, site, device, code, detail, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(row, e.sequence, site, e.device, e.code, e.detail, e.at) for e in events],
        )
        return inventory.connection.total_changes - before


def last_sequence(inventory: Inventory, site: str) -> int:
    """The newest sequence number stored of a site, 0 where there is none: `Site.watch`'s since."""
    row = inventory.row(
        "SELECT max(sequence) FROM events WHERE site_id = (SELECT id FROM sites WHERE name = ?)",
        (site,),
    )
    return int(row[0] or 0) if row else 0


def add_event(
    inventory: Inventory, site: str, code: str, *, at: float, device: str = "", detail: str = ""
) -> None:
    """Store something that was noticed from outside; `site` may be empty or gone."""
    inventory.execute(
        "INSERT INTO events (site, device, code, detail, at) VALUES (?, ?, ?, ?, ?)",
        (site, device, code, detail, at),
    )


def query_events(
    inventory: Inventory,
    *,
    site: str | None = None,
    device: str | None = None,
    code: str | None = None,
    since: float | None = None,
    after: int = 0,
    limit: int = 200,
) -> list[EventRow]:
    """The newest `limit` events that fit, oldest first.

    `since` is Unix seconds; `after` an event's id, for those who follow; `code` may end in `*`.
    """
    rows = inventory.rows(
        "SELECT id, site, device, code, detail, at FROM events WHERE id > ?1 "
        "AND (?2 IS NULL OR site = ?2) AND (?3 IS NULL OR device = ?3) "
        "AND (?4 IS NULL OR code GLOB ?4) AND (?5 IS NULL OR at >= ?5) "
        "ORDER BY id DESC LIMIT ?6",
        (after, site, device, code, since, limit),
    )
    return [EventRow._make(row) for row in reversed(rows)]
