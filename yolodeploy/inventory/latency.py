"""Asking for latency: sketches per stage, grouped and filtered, over a window of time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from yolodeploy.core.errors import UsageError
from yolodeploy.core.sketch import Stages, decode_stages
from yolodeploy.inventory.connection import Inventory, Row
from yolodeploy.inventory.faults import explained
from yolodeploy.inventory.rollups import (
    DEVICE_HOURS,
    FLEET_HOURS,
    FLEET_MINUTES,
    MINUTES,
    OWNER_MASK,
    Measured,
    Rollup,
    slot_key,
)
from yolodeploy.inventory.windows import Slots, slots_of

_FLEET_COLUMNS = {"app": "app", "release": "release", "source": "source"}
_DEVICE_COLUMNS = {"site": "sites.name", "device": "latency_streams.device", **_FLEET_COLUMNS}

_FLEETS = "FROM latency_fleets"
_STREAMS = """
    FROM latency_streams JOIN latency_fleets ON latency_fleets.id = fleet_id
    JOIN sites ON sites.id = site_id
"""
_SERIES = f"{_STREAMS} JOIN latency_series ON latency_series.stream_id = latency_streams.id"

Group = tuple[str, ...]


class LatencyRow(NamedTuple):
    """One group: its values in the order of `group_by`, counts, and a sketch for each stage."""

    group: Group
    requests: int
    failures: int
    stages: Stages


class Latency(NamedTuple):
    """An answer and the window that it is about (Unix seconds).

    The window is wider than what was asked for where minutes are not kept that long, never
    narrower. Rows are in the order of their groups.
    """

    start: float
    end: float
    rows: tuple[LatencyRow, ...]


class _Level(NamedTuple):
    """Which roll-ups answer a question, and where the names of their owners are."""

    minutes: Rollup
    hours: Rollup
    minute_owner: str
    minute_tables: str
    hour_owner: str
    hour_tables: str
    columns: Mapping[str, str]


_FLEET = _Level(
    FLEET_MINUTES, FLEET_HOURS, "latency_fleets.id", _FLEETS, "latency_fleets.id", _FLEETS,
    _FLEET_COLUMNS,
)  # fmt: skip
_DEVICE = _Level(
    MINUTES, DEVICE_HOURS, "latency_series.id", _SERIES, "latency_streams.id", _STREAMS,
    _DEVICE_COLUMNS,
)  # fmt: skip


def latency(
    inventory: Inventory,
    start: float,
    end: float,
    *,
    group_by: Sequence[str] = ("app", "release"),
    where: Mapping[str, str] | None = None,
) -> Latency:
    """What was measured from `start` to `end` (Unix seconds).

    `group_by` and the keys of `where` are any of site, device, app, release (a digest) and source.
    Questions about neither sites nor devices are answered from the fleet's roll-ups.

    Raises:
        UsageError: `inventory.latency_group`.
    """
    where = where or {}
    asked = {*group_by, *where}
    for name in asked - _DEVICE_COLUMNS.keys():
        raise UsageError("inventory.latency_group", group=name)
    level = _FLEET if asked <= _FLEET_COLUMNS.keys() else _DEVICE
    groups: dict[Group, Measured] = {}
    with inventory.snapshot(), explained(inventory.path):
        pieces = slots_of(start, end, _kept_since(inventory, level.minutes))
        for piece in pieces:
            owners = _owners(inventory, level, piece, group_by, where)
            narrow = not where.keys().isdisjoint({"site", "device"})
            for row in _rows(inventory, level, piece, owners, narrow):
                _add(groups, owners, row)
    edges = [edge for piece in pieces for edge in piece.seconds] or [start, end]
    rows = tuple(LatencyRow(group, *groups[group]) for group in sorted(groups))
    return Latency(min(edges), max(edges), rows)


def _add(groups: dict[Group, Measured], owners: Mapping[int, Group], row: Row) -> None:
    key, requests, failures, stages = row
    group = owners.get(key & OWNER_MASK)
    if group is not None:
        known = groups.get(group) or Measured(0, 0, {})
        groups[group] = known.plus(Measured(requests, failures, decode_stages(stages)))


def _kept_since(inventory: Inventory, rollup: Rollup) -> int:
    row = inventory.row("SELECT since FROM latency_kept WHERE rollup = ?", (rollup.table,))
    return int(row[0]) if row else 0


def _owners(
    inventory: Inventory,
    level: _Level,
    piece: Slots,
    group_by: Sequence[str],
    where: Mapping[str, str],
) -> dict[int, Group]:
    """The group of every owner that the filters let through."""
    owner = level.hour_owner if piece.hours else level.minute_owner
    tables = level.hour_tables if piece.hours else level.minute_tables
    columns = ", ".join((owner, *(level.columns[name] for name in group_by)))
    tests = " AND ".join(f"{level.columns[name]} = ?" for name in where) or "1"
    sql = f"SELECT {columns} {tables} WHERE {tests}"
    return {row[0]: row[1:] for row in inventory.rows(sql, tuple(where.values()))}


def _rows(
    inventory: Inventory, level: _Level, piece: Slots, owners: Mapping[int, Group], narrow: bool
) -> Iterator[Row]:
    """The roll-up's rows in some slots: those of `owners` where they are few, or all."""
    rollup = level.hours if piece.hours else level.minutes
    if narrow:
        test = "key IN (SELECT ?1 | value FROM json_each(?3)) AND key < ?2"
    else:
        test = "key >= ?1 AND key < ?2 AND ?3"
    sql = f"SELECT key, requests, failures, stages FROM {rollup.table} WHERE {test}"  # noqa: S608
    few = json.dumps(list(owners)) if narrow else 1
    # slot by slot: a day of ten thousand devices does not fit into memory at once
    for slot in range(piece.first, piece.end):
        yield from inventory.rows(sql, (slot_key(slot, 0), slot_key(slot + 1, 0), few))
