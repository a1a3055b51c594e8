"""What is thrown away, and when. Without this the file would grow for ever."""

from __future__ import annotations

from yolodeploy.core.sketch import decode_stages
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.operations import OperationRow
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
    old.read_at < ?1 AND EXISTS (
        SELECT 1 FROM latency_series AS new WHERE new.stream_id = old.stream_id
            AND new.instance = old.instance AND new.epoch > old.epoch AND new.read_at >= ?1
    )
"""

_SILENT = "old.read_at < ?1"

_STREAMS = """
    DELETE FROM latency_streams WHERE id NOT IN (SELECT stream_id FROM latency_series)
"""

_EVENTS = "old.at < ?1"

OPERATIONS_MOST = 5000
"""A rollout that waits begins one every half hour, fifty a day."""

# what a rollout was begun with is known by its first operation alone
_DONE_WITH = "old.id NOT IN (SELECT operation FROM rollouts WHERE ended_at IS NULL)"

# one whose process was killed has no end: what it said last counts
_OPERATIONS = f"""
    max(old.created_at, ifnull(old.started_at, 0), ifnull(old.heartbeat_at, 0),
        ifnull(old.ended_at, 0)) < ?1 AND {_DONE_WITH}
"""

_MANY_OPERATIONS = f"""
    DELETE FROM operations WHERE id IN (
        SELECT id FROM operations AS old WHERE ended_at IS NOT NULL AND {_DONE_WITH}
        ORDER BY created_at DESC LIMIT 20 OFFSET ?
    )
"""  # noqa: S608 the conditions are ours

# what a prune deletes, counted: of what goes for two reasons, once
_SERIES_GONE = f"({_REPLACED}) OR old.read_at < ?2"
_STREAMS_GONE = f"""
    SELECT count(*) FROM latency_streams WHERE id NOT IN (
        SELECT stream_id FROM latency_series AS old WHERE NOT ({_SERIES_GONE})
    )
"""  # noqa: S608 the conditions are ours
_OPERATIONS_GONE = f"""
    SELECT (SELECT count(*) FROM operations AS old WHERE {_OPERATIONS}) + max(0, (
        SELECT count(*) FROM operations AS old
        WHERE ended_at IS NOT NULL AND {_DONE_WITH} AND NOT ({_OPERATIONS})
    ) - ?2)
"""  # noqa: S608 as above


def prune(inventory: Inventory, *, at: float) -> int:
    """Delete what has been kept long enough by `at` (Unix seconds); how many rows that were.

    In small transactions, so that other commands wait for one of them at most.
    """
    gone = sum(_prune_rollup(inventory, rollup, at) for rollup in ROLLUPS)
    gone += _prune_old(inventory, "latency_series", _REPLACED, at - REPLACED_SERIES_KEEP_S)
    gone += _prune_old(inventory, "latency_series", _SILENT, at - SERIES_KEEP_S)
    gone += inventory.execute(_STREAMS).rowcount
    gone += _prune_old(inventory, "events", _EVENTS, at - EVENTS_KEEP_S)
    gone += _prune_old(inventory, "operations", _OPERATIONS, at - EVENTS_KEEP_S, at_once=20)
    return gone + _until_done(inventory, _MANY_OPERATIONS, OPERATIONS_MOST)


def outdated(inventory: Inventory, *, at: float) -> int:
    """How many rows `prune` would delete."""
    series = (at - REPLACED_SERIES_KEEP_S, at - SERIES_KEEP_S)
    events = at - EVENTS_KEEP_S
    gone = sum(_outdated_rollup(inventory, rollup, at) for rollup in ROLLUPS)
    gone += _count(inventory, _counting("latency_series", _SERIES_GONE), *series)
    gone += _count(inventory, _STREAMS_GONE, *series)
    gone += _count(inventory, _counting("events", _EVENTS), events)
    return gone + _count(inventory, _OPERATIONS_GONE, events, OPERATIONS_MOST)


def is_outdated(row: OperationRow, at: float) -> bool:
    """Whether an operation is so old that `prune` deletes it, unless a rollout still needs it."""
    signs = (row.created_at, row.started_at, row.heartbeat_at, row.ended_at)
    return max(sign or 0.0 for sign in signs) < at - EVENTS_KEEP_S


def prune_when_due(inventory: Inventory, *, at: float) -> int:
    """Prune about once an hour: when the shortest roll-up holds an hour more than it should."""
    oldest = _oldest(inventory, MINUTES)
    due = oldest is not None and oldest * MINUTES.slot_s < at - MINUTES.keep_s - HOUR_S
    return prune(inventory, at=at) if due else 0


def _prune_rollup(inventory: Inventory, rollup: Rollup, at: float) -> int:
    """Whole slots only, oldest first: a slot that is there at all is complete."""
    since = _kept_since(rollup, at)
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


def _outdated_rollup(inventory: Inventory, rollup: Rollup, at: float) -> int:
    first_kept = slot_key(_kept_since(rollup, at), 0)
    return _count(inventory, _counting(rollup.table, "old.key < ?1"), first_kept)


def _kept_since(rollup: Rollup, at: float) -> int:
    """The first slot that is kept."""
    return int((at - rollup.keep_s) // rollup.slot_s)


def _oldest(inventory: Inventory, rollup: Rollup) -> int | None:
    row = inventory.row(f"SELECT min(key) >> 32 FROM {rollup.table}")  # noqa: S608
    return row[0] if row else None


def _prune_old(
    inventory: Inventory, table: str, where: str, before: float, at_once: int = 1000
) -> int:
    sql = (
        f"DELETE FROM {table} WHERE id IN "  # noqa: S608 table and condition are ours
        f"(SELECT id FROM {table} AS old WHERE {where} LIMIT {at_once})"
    )
    return _until_done(inventory, sql, before)


def _counting(table: str, where: str) -> str:
    return f"SELECT count(*) FROM {table} AS old WHERE {where}"  # noqa: S608 as above


def _count(inventory: Inventory, sql: str, *values: object) -> int:
    row = inventory.row(sql, values)
    return int(row[0]) if row else 0


def _until_done(inventory: Inventory, sql: str, *values: object) -> int:
    gone = 0
    while rows := inventory.execute(sql, values).rowcount:
        gone += rows
    return gone
