"""Taking in what servers have measured: from growing counts to roll-ups.

Servers report everything they have counted since their start. What is new is the difference to
the last reading, which is stored in the same transaction as what was derived from it: whoever dies
in between, nothing is lost and nothing counts twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.sketch import decode_stages, difference, encode_stages
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.faults import explained
from yolodeploy.inventory.rollups import (
    DAY_S,
    DEVICE_HOURS,
    FLEET_HOURS,
    FLEET_MINUTES,
    MINUTES,
    Measured,
    grow,
)
from yolodeploy.inventory.sites import site_id

if TYPE_CHECKING:
    from yolodeploy.core.site import Epoch, StageReport


class Ingested(NamedTuple):
    """What a batch brought: readings with something new, and readings older than one known.

    `shrunk` are the instances (device, name) whose present counts went back: they are broken, for
    another collector's reading is at most as old as one round.
    """

    grown: int
    older: int
    shrunk: tuple[tuple[str, str], ...] = ()


OVERTAKEN_S = 60.0
"""So long after a reading, an older one has not just been overtaken by another collector's."""


class _Last(NamedTuple):
    """The last reading of a series."""

    series: int
    requests: int
    failures: int
    stages: bytes
    read_at: float


_LAST = """
    SELECT latency_streams.id, latency_series.id, requests, failures, stages, read_at
    FROM latency_streams LEFT JOIN latency_series
        ON latency_series.stream_id = latency_streams.id AND instance = ? AND epoch = ?
    WHERE site_id = ? AND device = ? AND fleet_id = ?
"""

_NEW_SERIES = """
    INSERT INTO latency_series (id, stream_id, instance, epoch, read_at, requests, failures, stages)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

_READ = """
    UPDATE latency_series SET read_at = ?, requests = ?, failures = ?, stages = ? WHERE id = ?
"""


def ingest(
    inventory: Inventory, site: str, reports: Iterable[StageReport], *, at: float
) -> Ingested:
    """Take in the reports of one site, in one transaction, at `at` on the collector's clock.

    What a site measured while it was away counts in the minute in which it was read.

    Raises:
        NotFound: `inventory.unknown_site`.
    """
    with inventory.transaction(), explained(inventory.path):
        batch = _Batch(inventory, site_id(inventory, site), at)
        for report in reports:
            present = max((epoch.number for epoch in report.epochs), default=0)
            for epoch in report.epochs:
                batch.take(report, epoch, is_present=epoch.number == present)
        batch.store_fleets()
    return Ingested(batch.grown, batch.older, tuple(sorted(batch.shrunk)))


class _Batch:
    """One transaction's worth of readings; fleets are added up here and written once."""

    def __init__(self, inventory: Inventory, site: int, at: float) -> None:
        self._inventory = inventory
        self._run = inventory.connection.execute
        self._site = site
        self._at = at
        self._fleet_ids: dict[tuple[str, str, str], int] = {}
        self._fleets: dict[int, Measured] = {}
        self.grown = 0
        self.older = 0
        self.shrunk: set[tuple[str, str]] = set()

    def take(self, report: StageReport, epoch: Epoch, *, is_present: bool) -> None:
        """Take one reading; `is_present`: of the life that the server has now."""
        if not epoch.requests and not epoch.failures and not epoch.stages:
            return  # a server that dies at every start must not leave a series each time
        fleet = self._fleet(report.app, report.release, epoch.source)
        stream, last = self._last(report, epoch, fleet)
        stages = encode_stages(epoch.stages)
        if last is not None and last[1:4] == (epoch.requests, epoch.failures, stages):
            self._seen(last)
            return
        more = _news(epoch, last)
        if more is None:
            self.older += 1
            # a life that a kill -9 ended may have saved less than was read of it
            if is_present and last and self._at - last.read_at > OVERTAKEN_S:
                self.shrunk.add((report.device, report.instance))
            return
        series = self._store(report, epoch, stages, stream, last)
        self._add(series, stream, fleet, more)

    def store_fleets(self) -> None:
        """Write what the batch added to whole fleets."""
        for fleet, more in self._fleets.items():
            grow(self._inventory, FLEET_MINUTES, fleet, self._at, more)
            grow(self._inventory, FLEET_HOURS, fleet, self._at, more)

    def _add(self, series: int, stream: int, fleet: int, more: Measured) -> None:
        grow(self._inventory, MINUTES, series, self._at, more)
        grow(self._inventory, DEVICE_HOURS, stream, self._at, more)
        known = self._fleets.get(fleet) or Measured(0, 0, {})
        self._fleets[fleet] = known.plus(more)
        self.grown += 1

    def _last(self, report: StageReport, epoch: Epoch, fleet: int) -> tuple[int, _Last | None]:
        row = self._run(
            _LAST, (report.instance, epoch.number, self._site, report.device, fleet)
        ).fetchone()
        if row is None:
            return self._new_stream(report.device, fleet), None
        return row[0], None if row[1] is None else _Last._make(row[1:])

    def _seen(self, last: _Last) -> None:
        # once a day is enough to tell series that are still reported from those that are not
        if self._at - last.read_at > DAY_S:
            self._run("UPDATE latency_series SET read_at = ? WHERE id = ?", (self._at, last.series))

    def _store(
        self, report: StageReport, epoch: Epoch, stages: bytes, stream: int, last: _Last | None
    ) -> int:
        read = (self._at, epoch.requests, epoch.failures, stages)
        if last is not None:
            self._run(_READ, (*read, last.series))
            return last.series
        series = self._new_id("latency_series")
        self._run(_NEW_SERIES, (series, stream, report.instance, epoch.number, *read))
        return series

    def _new_stream(self, device: str, fleet: int) -> int:
        stream = self._new_id("latency_streams")
        sql = "INSERT INTO latency_streams (id, site_id, device, fleet_id) VALUES (?, ?, ?, ?)"
        self._run(sql, (stream, self._site, device, fleet))
        return stream

    def _new_id(self, owners: str) -> int:
        """One that no owner ever had: rows of roll-ups outlive theirs."""
        self._run("UPDATE latency_ids SET last = last + 1 WHERE owners = ?", (owners,))
        select = "SELECT last FROM latency_ids WHERE owners = ?"
        return int(self._run(select, (owners,)).fetchone()[0])

    def _fleet(self, app: str, release: str, source: str) -> int:
        name = (app, release, source)
        known = self._fleet_ids.get(name)
        if known is None:
            insert = "INSERT OR IGNORE INTO latency_fleets (app, release, source) VALUES (?, ?, ?)"
            select = "SELECT id FROM latency_fleets WHERE app = ? AND release = ? AND source = ?"
            self._run(insert, name)
            known = self._fleet_ids[name] = int(self._run(select, name).fetchone()[0])
        return known


def _news(epoch: Epoch, last: _Last | None) -> Measured | None:
    """What a reading adds to the last one; None when it is an older one."""
    if last is None:
        return Measured(epoch.requests, epoch.failures, epoch.stages)
    if epoch.requests < last.requests or epoch.failures < last.failures:
        return None
    stages = difference(epoch.stages, decode_stages(last.stages))
    if stages is None:
        return None
    return Measured(epoch.requests - last.requests, epoch.failures - last.failures, stages)
