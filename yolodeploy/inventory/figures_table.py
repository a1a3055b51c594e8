"""Latency as one flat table for other programs: a row for each slot, device, release and stage.

| column | |
|---|---|
| `at` | when the slot begins, Unix seconds; in Parquet a UTC timestamp |
| `seconds` | its length: 3600, and 86400 for hours that have become days |
| `site`, `device`, `app` | |
| `release` | its alias; the digest where the inventory does not know it |
| `source` | `http`, `shadow`, `camera:NAME` |
| `requests`, `failures` | of the slot: the same in the rows of all its stages |
| `stage` | `queue` … `total` |
| `count`, `sum_us` | how many times were measured, and their exact sum in µs |
| `p50_us`, `p95_us`, `p99_us` | quantiles, off by 1.75 % at most |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yolodeploy.core.sketch import decode_stages
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.faults import explained
from yolodeploy.inventory.rollups import DEVICE_DAYS, DEVICE_HOURS, OWNER_MASK

NAME = "latency_figures"

COLUMNS = {
    "at": "TIMESTAMP", "seconds": "INTEGER", "site": "TEXT", "device": "TEXT", "app": "TEXT",
    "release": "TEXT", "source": "TEXT", "requests": "INTEGER", "failures": "INTEGER",
    "stage": "TEXT", "count": "INTEGER", "sum_us": "REAL", "p50_us": "REAL", "p95_us": "REAL",
    "p99_us": "REAL",
}  # fmt: skip
"""The columns and what is in them, as SQLite calls it."""

_SHARES = (0.5, 0.95, 0.99)

_OWNERS = """
    SELECT latency_streams.id, sites.name, latency_streams.device, latency_fleets.app,
        CASE WHEN releases.number IS NULL THEN latency_fleets.release
            ELSE releases.app || '@' || releases.number END,
        latency_fleets.source
    FROM latency_streams JOIN latency_fleets ON latency_fleets.id = fleet_id
    JOIN sites ON sites.id = site_id
    LEFT JOIN releases ON releases.digest = latency_fleets.release
"""


def rows(inventory: Inventory) -> Iterator[dict[str, Any]]:
    """The rows, oldest first: days, then the hours that have not become any yet."""
    owners = {row[0]: row[1:] for row in inventory.rows(_OWNERS)}
    with explained(inventory.path):
        for rollup in (DEVICE_DAYS, DEVICE_HOURS):
            sql = f"SELECT key, requests, failures, stages FROM {rollup.table}"  # noqa: S608
            for key, requests, failures, blob in inventory.connection.execute(sql):
                owner = owners.get(key & OWNER_MASK)
                if owner is None:
                    continue  # of a site that was removed
                slot = ((key >> 32) * rollup.slot_s, rollup.slot_s, *owner, requests, failures)
                for stage, sketch in sorted(decode_stages(blob).items()):
                    quantiles = (sketch.quantile(share) for share in _SHARES)
                    values = (*slot, stage, sketch.count, sketch.sum_us, *quantiles)
                    yield dict(zip(COLUMNS, values, strict=True))
