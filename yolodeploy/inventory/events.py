"""Events of the fleet: what happened inside sites, and what was noticed about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

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


def record_site_events(
    inventory: Inventory,
    site: str,
    events: Sequence[SiteEvent],
    since: int = 0,
    oldest: float = 0.0,
) -> int:
    """Store what a site's own journal says after `since`; how many of them were new.

    A site that counts anew (`Site.watch`) tells again what was told before: that is known by what
    it says, whatever its number. Of what it tells from the beginning, nothing is stored that
    happened before `oldest` (Unix seconds, the site's clock): it was told and thrown away.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    if not events:
        return 0
    with inventory.transaction():
        row = site_id(inventory, site)
        anew = any(event.sequence <= since for event in events)
        if anew:
            count_anew(inventory, site)
        if anew or not since:
            events = [event for event in events if event.at >= oldest]
        return sum(_is_new(inventory, row, site, event) for event in events)


def count_anew(inventory: Inventory, site: str) -> None:
    """Note that a site's sequence numbers mean nothing any more: its cluster was made again."""
    inventory.execute(
        "UPDATE events SET sequence = NULL WHERE site_id = (SELECT id FROM sites WHERE name = ?)",
        (site,),
    )


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


def _is_new(inventory: Inventory, row: int, site: str, event: SiteEvent) -> bool:
    """Store an event of a site, where it is not known from before it was made again or removed."""
    sequence, at, device, code, detail = msgspec.structs.astuple(event)
    known = inventory.execute(
        "UPDATE OR IGNORE events SET site_id = ?1, sequence = ?2 WHERE id = ("
        "SELECT id FROM events WHERE at = ?3 AND site = ?4 AND device = ?5 AND code = ?6 "
        "AND detail = ?7 AND (site_id IS NULL OR sequence IS NULL) LIMIT 1)",
        (row, sequence, at, site, device, code, detail),
    ).rowcount
    if known:
        return False
    stored = inventory.execute(
        "INSERT OR IGNORE INTO events (site_id, sequence, site, device, code, detail, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row, sequence, site, device, code, detail, at),
    ).rowcount
    return bool(stored)


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
