"""What is thrown away, and when. Without this the file would grow for ever."""

from __future__ import annotations

from yolodeploy.core.sketch import decode_stages
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.rollups import (
    DAY_S,
    DEVICE_DAYS,
    DEVICE_HOURS,
    HOUR_S,
    MINUTES,
    OWNER_MASK,
    ROLLUPS,
    Measured,
    Rollup,
    grow,
    slot_key,
)

EVENTS_KEEP_S = 90 * DAY_S
"""Fleet events and ended operations: a quarter, which is how far back people ask."""

REPLACED_SERIES_KEEP_S = 30 * DAY_S
"""Last readings that a later epoch of the same instance replaced, and that nobody reports."""

SERIES_KEEP_S = 400 * DAY_S
"""Last readings of silent instances: a site that is away for less counts nothing twice."""

_REPLACED = """
    DELETE FROM latency_series WHERE id IN (
        SELECT old.id FROM latency_series AS old WHERE old.read_at < ? AND EXISTS (
            SELECT 1 FROM latency_series AS new WHERE new.stream_id = old.stream_id
                AND new.instance = old.instance AND new.epoch > old.epoch AND new.read_at >= ?
        ) LIMIT 1000
    )
"""

_SILENT = """
    DELETE FROM latency_series WHERE id IN (
        SELECT id FROM latency_series WHERE read_at < ? LIMIT 1000
    )
"""

_STREAMS = """
    DELETE FROM latency_streams WHERE id NOT IN (SELECT stream_id FROM latency_series)
"""

_EVENTS = "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < ? LIMIT 1000)"

_OPERATIONS = """
    DELETE FROM operations WHERE id IN (SELECT id FROM operations WHERE ended_at < ? LIMIT 20)
"""


def prune(inventory: Inventory, *, at: float) -> int:
    """Delete what has been kept long enough by `at` (Unix seconds); how many rows that were.

    In small transactions, so that other commands wait for one of them at most.
    """
    gone = sum(_prune_rollup(inventory, rollup, at) for rollup in ROLLUPS)
    replaced = at - REPLACED_SERIES_KEEP_S
    gone += _until_done(inventory, _REPLACED, replaced, replaced)
    gone += _until_done(inventory, _SILENT, at - SERIES_KEEP_S)
    gone += inventory.execute(_STREAMS).rowcount
    gone += _until_done(inventory, _EVENTS, at - EVENTS_KEEP_S)
    return gone + _until_done(inventory, _OPERATIONS, at - EVENTS_KEEP_S)


def prune_when_due(inventory: Inventory, *, at: float) -> int:
    """Prune about once an hour: when the shortest roll-up holds an hour more than it should."""
    oldest = _oldest(inventory, MINUTES)
    due = oldest is not None and oldest * MINUTES.slot_s < at - MINUTES.keep_s - HOUR_S
    return prune(inventory, at=at) if due else 0


def _prune_rollup(inventory: Inventory, rollup: Rollup, at: float) -> int:
    """Whole slots only, oldest first: a slot that is there at all is complete."""
    since = int((at - rollup.keep_s) // rollup.slot_s)
    gone = 0
    while (oldest := _oldest(inventory, rollup)) is not None and oldest < since:
        with inventory.transaction():
            inventory.execute(
                "INSERT INTO latency_kept VALUES (?1, ?2) ON CONFLICT (rollup) DO UPDATE "
                "SET since = max(since, ?2)",
                (rollup.table, oldest + 1),
            )
            if rollup is DEVICE_HOURS:
                _into_days(inventory, oldest)
            gone += inventory.execute(
                f"DELETE FROM {rollup.table} WHERE key < ?",  # noqa: S608 the table is ours
                (slot_key(oldest + 1, 0),),
            ).rowcount
    return gone


def _into_days(inventory: Inventory, hour: int) -> None:
    """Add an hour of every device to its day, in the transaction that deletes the hour."""
    rows = inventory.rows(
        f"SELECT key, requests, failures, stages FROM {DEVICE_HOURS.table} "  # noqa: S608
        "WHERE key < ?",
        (slot_key(hour + 1, 0),),
    )
    for key, requests, failures, stages in rows:
        more = Measured(requests, failures, decode_stages(stages))
        grow(inventory, DEVICE_DAYS, key & OWNER_MASK, hour * HOUR_S, more)


def _oldest(inventory: Inventory, rollup: Rollup) -> int | None:
    row = inventory.row(f"SELECT min(key) >> 32 FROM {rollup.table}")  # noqa: S608
    return row[0] if row else None


def _until_done(inventory: Inventory, sql: str, *values: object) -> int:
    gone = 0
    while rows := inventory.execute(sql, values).rowcount:
        gone += rows
    return gone
