"""Latency added up over slots of time: which roll-ups there are, and how one grows.

| roll-up | slot | one row for each | kept | why so long |
|---|---|---|---|---|
| minutes | minute | series | 2 h | watching a switch, and the edges of device windows |
| device hours | hour | device, release, source | 14 d | "what did this gateway do last week" |
| device days | UTC day | device, release, source | 400 d | a gateway against itself last summer |
| fleet minutes | minute | release, source | 2 d | a rollout of yesterday, minute by minute |
| fleet hours | hour | release, source | 400 d | this month against the same month last year |

A reading is written to four of them at once. Days are made of the hours that are too old to be kept
(`retention`): that costs the collector nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from yolodeploy.core.sketch import Stages, decode_stages, encode_stages, merge_stages
from yolodeploy.inventory.connection import Inventory

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86400

_OWNER_BITS = 32
OWNER_MASK = (1 << _OWNER_BITS) - 1


class Rollup(NamedTuple):
    """One roll-up: its table, the length of its slots and how long they are kept, in seconds."""

    table: str
    slot_s: int
    keep_s: int


MINUTES = Rollup("latency_minutes", MINUTE_S, 2 * HOUR_S)
DEVICE_HOURS = Rollup("latency_device_hours", HOUR_S, 14 * DAY_S)
DEVICE_DAYS = Rollup("latency_device_days", DAY_S, 400 * DAY_S)
FLEET_MINUTES = Rollup("latency_fleet_minutes", MINUTE_S, 2 * DAY_S)
FLEET_HOURS = Rollup("latency_fleet_hours", HOUR_S, 400 * DAY_S)
ROLLUPS = (MINUTES, DEVICE_HOURS, DEVICE_DAYS, FLEET_MINUTES, FLEET_HOURS)


class Measured(NamedTuple):
    """What was measured in some time: requests, failed ones among them, sketches by stage."""

    requests: int
    failures: int
    stages: Stages

    def plus(self, other: Measured) -> Measured:
        """Both together. Takes over and changes the stages of the first one."""
        return Measured(
            self.requests + other.requests,
            self.failures + other.failures,
            merge_stages(self.stages, other.stages),
        )


def slot_key(slot: int, owner: int) -> int:
    """The key of an owner's row in a slot; keys of one slot lie together."""
    return slot << _OWNER_BITS | owner


def grow(inventory: Inventory, rollup: Rollup, owner: int, at: float, more: Measured) -> None:
    """Add to an owner's row in the slot of `at` (Unix seconds), within a transaction."""
    run = inventory.connection.execute
    key = slot_key(int(at // rollup.slot_s), owner)
    row = run(
        f"SELECT requests, failures, stages FROM {rollup.table} WHERE key = ?",  # noqa: S608
        (key,),
    ).fetchone()
    if row is None:
        sql = "INSERT INTO {} (requests, failures, stages, key) VALUES (?, ?, ?, ?)"
        total = more
    else:
        sql = "UPDATE {} SET requests = ?, failures = ?, stages = ? WHERE key = ?"
        total = Measured(row[0], row[1], decode_stages(row[2])).plus(more)
    run(
        sql.format(rollup.table),
        (total.requests, total.failures, encode_stages(total.stages), key),
    )
