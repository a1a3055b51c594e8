"""Notices and their outbox: what was told of which state, and what is still to be delivered."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from yolodeploy.core.notices import KEPT_S, PER_MINUTE, TOGETHER, Notice, Pending
from yolodeploy.core.sentences import Sentence
from yolodeploy.inventory.connection import Inventory, Row

_OVER_KEEP_S = 90 * 86400.0


class PlaceRow(NamedTuple):
    """How a place is: failures in a row, when to try again, why, and its last deliveries."""

    failures: int = 0
    again_at: float = 0.0
    reason: str = ""
    sent: tuple[float, ...] = ()


class Seen(NamedTuple):
    """What of the past has been looked through: events up to an id, rollouts ended before."""

    event: int
    since: float


def add_notice(inventory: Inventory, notice: Notice, places: Sequence[str], *, at: float) -> bool:
    """Put a notice into the outbox, durably; False where that was done before.

    One that is over is told where its beginning was, and nowhere else.
    """
    with inventory.durable():
        known = inventory.row(
            "SELECT id FROM notices WHERE code = ? AND about = ? AND ended_at IS NULL",
            (notice.code, notice.about),
        )
        if (known is None) is notice.over:
            return False
        name = known[0] if known else secrets.token_hex(8)
        fields = msgspec.json.encode(dict(notice.fields)).decode()
        if notice.over:
            inventory.execute("UPDATE notices SET ended_at = ? WHERE id = ?", (at, name))
        else:
            inventory.execute(
                "INSERT INTO notices (id, code, about, fields, begun_at) VALUES (?, ?, ?, ?, ?)",
                (name, notice.code, notice.about, fields, at),
            )
        inventory.execute_many(
            "INSERT INTO notice_outbox VALUES (?, ?, ?, ?)",
            [(name, place, notice.over, at) for place in places],
        )
    return True


def lasting(inventory: Inventory, code: str) -> set[str]:
    """What the states of a code that were told and are not over are about."""
    rows = inventory.rows("SELECT about FROM notices WHERE code = ? AND ended_at IS NULL", (code,))
    return {row[0] for row in rows}


def begun(inventory: Inventory) -> set[tuple[str, str]]:
    """Code and subject of every state that was told and is not over."""
    return set(inventory.rows("SELECT code, about FROM notices WHERE ended_at IS NULL"))


def pending(inventory: Inventory, place: str) -> list[Pending]:
    """What a place is to be told next, oldest first."""
    rows = inventory.rows(
        "SELECT id, code, about, fields, over, at FROM notice_outbox "
        "JOIN notices ON notices.id = notice WHERE place = ? ORDER BY at, over LIMIT ?",
        (place, TOGETHER),
    )
    return [_pending(row) for row in rows]


def waiting(inventory: Inventory) -> dict[str, int]:
    """How many notices wait for each place."""
    return dict(inventory.rows("SELECT place, count(*) FROM notice_outbox GROUP BY place"))


def place_row(inventory: Inventory, place: str) -> PlaceRow:
    """How a place is."""
    row = inventory.row(
        "SELECT failures, again_at, reason, sent FROM notice_places WHERE place = ?", (place,)
    )
    if row is None:
        return PlaceRow()
    return PlaceRow._make(row)._replace(sent=msgspec.json.decode(row[3], type=tuple[float, ...]))


def delivered(
    inventory: Inventory, place: str, told: Sequence[Pending], before: PlaceRow, *, at: float
) -> None:
    """Take what a place was told out of the outbox."""
    with inventory.transaction():
        _remove(inventory, place, told)
        _store(inventory, place, PlaceRow(sent=(*before.sent, at)[-PER_MINUTE:]))


def not_delivered(inventory: Inventory, place: str, row: PlaceRow, *, at: float) -> int:
    """Store that a place did not take it; how many notices have waited for too long, and went."""
    with inventory.transaction():
        _store(inventory, place, row)
        return inventory.execute(
            "DELETE FROM notice_outbox WHERE place = ? AND at < ?", (place, at - KEPT_S)
        ).rowcount


def seen(inventory: Inventory) -> Seen | None:
    """How far the past has been looked through; None where nobody has looked yet."""
    row = inventory.row("SELECT event, since FROM notices_seen")
    return Seen._make(row) if row else None


def set_seen(inventory: Inventory, now: Seen) -> None:
    """Remember how far that is."""
    inventory.execute("INSERT OR REPLACE INTO notices_seen VALUES (1, ?, ?)", now)


def newest_event(inventory: Inventory) -> int:
    """The id of the newest event of the fleet."""
    row = inventory.row("SELECT coalesce(max(id), 0) FROM events")
    return int(row[0]) if row else 0


def prune_notices(inventory: Inventory, places: Sequence[str], *, at: float) -> None:
    """Forget what was over long ago, and what waits for a place that is no more."""
    with inventory.transaction():
        for (place,) in inventory.rows("SELECT DISTINCT place FROM notice_outbox"):
            if place not in places:
                inventory.execute("DELETE FROM notice_outbox WHERE place = ?", (place,))
        inventory.execute(
            "DELETE FROM notices WHERE coalesce(ended_at, begun_at) < ? AND (ended_at IS NOT NULL "
            "OR code IN ('notice.failed', 'notice.inconclusive', 'notice.expired', "
            "'notice.reverted'))",
            (at - _OVER_KEEP_S,),
        )


def _remove(inventory: Inventory, place: str, told: Sequence[Pending]) -> None:
    inventory.execute_many(
        "DELETE FROM notice_outbox WHERE notice = ? AND place = ? AND over = ?",
        [(item.id, place, item.notice.over) for item in told],
    )


def _store(inventory: Inventory, place: str, row: PlaceRow) -> None:
    inventory.execute(
        "INSERT OR REPLACE INTO notice_places VALUES (?, ?, ?, ?, ?)",
        (place, row.failures, row.again_at, row.reason, msgspec.json.encode(row.sent).decode()),
    )


def _pending(row: Row) -> Pending:
    name, code, about, fields, over, at = row
    return Pending(
        name,
        Notice(
            code, about, msgspec.json.decode(fields, type=dict[str, str | Sentence]), bool(over)
        ),
        at,
    )
