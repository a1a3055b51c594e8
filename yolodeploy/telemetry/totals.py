"""What fleets have measured since a moment: counts that only grow, as Prometheus wants them.

The inventory forgets, and so sums over it shrink. Here minutes that are over are added up once, and
the last ones, which collectors may still write to, anew each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from yolodeploy.inventory.latency import Group, LatencyRow, latency
from yolodeploy.inventory.rollups import MINUTE_S, Measured

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory

SETTLED_S = 60
"""So long after its end a minute may still grow; the longest transactions take under 1 s."""

BY = ("app", "release", "source")


class Totals:
    """Counts by app, release and source since the minute of `since`. One thread at a time."""

    _until: int
    _over: dict[Group, Measured]

    def __init__(self, since: float) -> None:
        self._begin(since)

    def read(self, inventory: Inventory, now: float) -> dict[Group, Measured]:
        """All counts at `now` (Unix seconds).

        They begin anew where more than two days were slept through: those minutes are gone.
        """
        settled = int((now - SETTLED_S) // MINUTE_S) * MINUTE_S
        if settled > self._until:
            found = latency(inventory, self._until, settled, group_by=BY)
            if found.start < self._until:
                self._begin(now)
            else:
                _add(self._over, found.rows)
                self._until = settled
        counts = dict(self._over)
        _add(counts, latency(inventory, self._until, now + MINUTE_S, group_by=BY).rows)
        return counts

    def _begin(self, since: float) -> None:
        self._until = int(since // MINUTE_S) * MINUTE_S
        self._over = {}


def _add(counts: dict[Group, Measured], rows: Iterable[LatencyRow]) -> None:
    """Each sum is a new one: what was handed out before must not change."""
    for row in rows:
        total = Measured(0, 0, {})
        if known := counts.get(row.group):
            total = total.plus(known)
        counts[row.group] = total.plus(Measured(row.requests, row.failures, row.stages))
