"""Asking for latency: sketches per stage, grouped and filtered, over a window of time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from yolodeploy.core.errors import UsageError
from yolodeploy.core.sketch import Stages, decode_stages
from yolodeploy.inventory.connection import Inventory, Row
from yolodeploy.inventory.faults import explained
from yolodeploy.inventory.rollups import (
    DAY_S,
    DEVICE_DAYS,
    DEVICE_HOURS,
    FLEET_HOURS,
    FLEET_MINUTES,
    HOUR_S,
    MINUTE_S,
    MINUTES,
    OWNER_MASK,
    Measured,
    Rollup,
    slot_key,
)
from yolodeploy.inventory.windows import Slots, slots_of

_FLEET_COLUMNS = {"app": "app", "release": "release", "source": "source"}
_DEVICE_COLUMNS = {"site": "sites.name", "device": "latency_streams.device", **_FLEET_COLUMNS}

TIMES = {"minute": MINUTE_S, "hour": HOUR_S, "day": DAY_S}
"""What an answer can be grouped by over time: seconds of each, in UTC."""

_FLEETS = "FROM latency_fleets"
_STREAMS = """
    FROM latency_streams JOIN latency_fleets ON latency_fleets.id = fleet_id
    JOIN sites ON sites.id = site_id
"""
_SERIES = f"{_STREAMS} JOIN latency_series ON latency_series.stream_id = latency_streams.id"

Group = tuple[str, ...]


class LatencyRow(NamedTuple):
    """One group: its values in the order of `group_by`, counts, and a sketch for each stage.

    A time is the beginning of its slot, as `2026-11-26T04:00:00Z`.
    """

    group: Group
    requests: int
    failures: int
    stages: Stages


class Latency(NamedTuple):
    """An answer and the window that it is about (Unix seconds).

    The window is wider than what was asked for where minutes or hours are not kept that long,
    never narrower; there a time is that of the hour or day. Rows are in the order of their groups.
    """

    start: float
    end: float
    rows: tuple[LatencyRow, ...]


class _Level(NamedTuple):
    """Which roll-ups answer a question, and where the names of their owners are."""

    minutes: Rollup
    hours: Rollup
    days: Rollup | None
    minute_owner: str
    minute_tables: str
    hour_owner: str
    hour_tables: str
    columns: Mapping[str, str]

    def rollup(self, length_s: int) -> Rollup:
        """The one whose slots have this length."""
        if length_s == MINUTE_S:
            return self.minutes
        return self.days if length_s == DAY_S and self.days else self.hours


_FLEET = _Level(
    FLEET_MINUTES, FLEET_HOURS, None, "latency_fleets.id", _FLEETS, "latency_fleets.id", _FLEETS,
    _FLEET_COLUMNS,
)  # fmt: skip
_DEVICE = _Level(
    MINUTES, DEVICE_HOURS, DEVICE_DAYS, "latency_series.id", _SERIES, "latency_streams.id",
    _STREAMS, _DEVICE_COLUMNS,
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

    `group_by` is any of site, device, app, release (a digest), source and one of `TIMES`, the keys
    of `where` any of the first five. Questions about neither sites nor devices are answered from
    the fleet's roll-ups.

    Raises:
        UsageError: `inventory.latency_group`.
    """
    where = where or {}
    named = [name for name in group_by if name not in TIMES]
    times = [name for name in group_by if name in TIMES]
    asked = {*named, *where}
    for name in [*(asked - _DEVICE_COLUMNS.keys()), *times[1:]]:
        raise UsageError("inventory.latency_group", group=name)
    level = _FLEET if asked <= _FLEET_COLUMNS.keys() else _DEVICE
    groups: dict[Group, Measured] = {}
    with inventory.snapshot(), explained(inventory.path):
        pieces = slots_of(
            start,
            end,
            _kept_since(inventory, level.minutes),
            _kept_since(inventory, level.hours) if level.days else 0,
            by_minute=times == ["minute"],
        )
        for piece in pieces:
            owners = _owners(inventory, level, piece, named, where)
            narrow = not where.keys().isdisjoint({"site", "device"})
            for slot, row in _rows(inventory, level, piece, owners, narrow):
                _add(groups, owners, _in_time(group_by, slot * piece.length_s), row)
    edges = [edge for piece in pieces for edge in piece.seconds] or [start, end]
    rows = tuple(LatencyRow(group, *groups[group]) for group in sorted(groups))
    return Latency(min(edges), max(edges), rows)


def _in_time(group_by: Sequence[str], at: int) -> tuple[int, str] | None:
    """Where in a group the time stands, and what it is for rows that begin at `at`."""
    for place, name in enumerate(group_by):
        if name in TIMES:
            begins = time.gmtime(at - at % TIMES[name])
            return place, time.strftime("%Y-%m-%dT%H:%M:%SZ", begins)
    return None


def _add(
    groups: dict[Group, Measured],
    owners: Mapping[int, Group],
    timed: tuple[int, str] | None,
    row: Row,
) -> None:
    key, requests, failures, stages = row
    group = owners.get(key & OWNER_MASK)
    if group is None:
        return
    if timed is not None:
        group = (*group[: timed[0]], timed[1], *group[timed[0] :])
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
    by_minute = piece.length_s == MINUTE_S
    owner = level.minute_owner if by_minute else level.hour_owner
    tables = level.minute_tables if by_minute else level.hour_tables
    columns = ", ".join((owner, *(level.columns[name] for name in group_by)))
    tests = " AND ".join(f"{level.columns[name]} = ?" for name in where) or "1"
    sql = f"SELECT {columns} {tables} WHERE {tests}"
    return {row[0]: row[1:] for row in inventory.rows(sql, tuple(where.values()))}


def _rows(
    inventory: Inventory, level: _Level, piece: Slots, owners: Mapping[int, Group], narrow: bool
) -> Iterator[tuple[int, Row]]:
    """The roll-up's rows in some slots: those of `owners` where they are few, or all."""
    rollup = level.rollup(piece.length_s)
    if narrow:
        test = "key IN (SELECT ?1 | value FROM json_each(?3)) AND key < ?2"
    else:
        test = "key >= ?1 AND key < ?2 AND ?3"
    sql = f"SELECT key, requests, failures, stages FROM {rollup.table} WHERE {test}"  # noqa: S608
    few = json.dumps(list(owners)) if narrow else 1
    # slot by slot: a day of ten thousand devices does not fit into memory at once
    for slot in range(piece.first, piece.end):
        keys = (slot_key(slot, 0), slot_key(slot + 1, 0))
        for row in inventory.rows(sql, (*keys, few)):
            yield slot, row
