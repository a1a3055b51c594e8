"""Latency from report to answer: if these fail, figures are counted twice, lost, or misplaced."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from yolodeploy.core.errors import NotFound, UsageError
from yolodeploy.core.site import Epoch
from yolodeploy.core.sketch import Sketch, merge_stages
from yolodeploy.inventory import retention, sites
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.ingest import ingest
from yolodeploy.inventory.latency import LatencyRow, latency
from yolodeploy.inventory.rollups import DAY_S, HOUR_S, ROLLUPS
from yolodeploy.inventory.windows import slots_of

from .parts import NOW, digest, epoch, report, stages

START = NOW - NOW % HOUR_S  # a full hour


def counts(inventory: Inventory, start: float, end: float, *groups: str) -> dict[str, int]:
    """Requests by group, after a check that sketches and requests tell the same."""
    answer = latency(inventory, start, end, group_by=groups)
    for row in answer.rows:
        assert row.stages["total"].count == row.requests - row.failures
    return {"/".join(row.group): row.requests for row in answer.rows}


class Collecting(RuleBasedStateMachine):
    """A server that serves, dies and starts again, and a collector that is replaced at any time.

    The server keeps its counts in a file now and then, so a death may take its last ones back.
    """

    @initialize()
    def begin(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.inventory = open_inventory(Path(self._folder.name) / "inventory.db")
        sites.add_site(self.inventory, "plant", "embedded", "/srv", at=NOW)
        self.epochs: list[list[float]] = [[]]
        self.saved: list[float] = []
        self.seen: list[int] = [0]
        self.at = START

    @rule(values=st.lists(st.floats(1, 1e7), min_size=1, max_size=5))
    def serve(self, values: list[float]) -> None:
        self.epochs[-1] += values

    @rule()
    def save(self) -> None:
        self.saved = list(self.epochs[-1])

    @rule()
    def die_and_start(self) -> None:
        self.epochs[-1] = self.saved
        self.epochs.append([])
        self.saved = []
        self.seen.append(0)

    @rule(kept=st.integers(1, 3), pause_s=st.floats(0, 1000))
    def collect(self, kept: int, pause_s: float) -> None:
        self.at += pause_s
        numbered = list(enumerate(self.epochs, 1))[-kept:]
        ingest(
            self.inventory,
            "plant",
            [report(*(epoch(number, *values) for number, values in numbered))],
            at=self.at,
        )
        for number, values in numbered:
            self.seen[number - 1] = max(self.seen[number - 1], len(values))

    @rule()
    def replace_the_collector(self) -> None:
        path = self.inventory.path
        self.inventory.close()
        self.inventory = open_inventory(path)

    @rule()
    def interrupt(self) -> None:
        with pytest.raises(ZeroDivisionError), self.inventory.transaction():
            ingest(self.inventory, "plant", [report(epoch(1, 1.0, 2.0, 3.0))], at=self.at)
            _ = 1 / 0

    @invariant()
    def everything_counts_once(self) -> None:
        expected = sum(self.seen)
        for groups in (("app",), ("device",)):
            found = counts(self.inventory, START, self.at + 60, *groups)
            assert sum(found.values()) == expected

    def teardown(self) -> None:
        self.inventory.close()
        self._folder.cleanup()


TestCollecting = Collecting.TestCase
TestCollecting.settings = settings(max_examples=15, stateful_step_count=25)


@given(
    st.integers(0, 10_000), st.integers(1, 10_000), st.integers(0, 300)
)  # seconds, seconds, minutes
def test_a_window_is_covered_once_and_widened_only_to_hours(
    start: int, length: int, since: int
) -> None:
    pieces = slots_of(START + start, START + start + length, int(START // 60) + since)
    covered = sorted(piece.seconds for piece in pieces)
    assert covered[0][0] <= START + start
    assert covered[-1][1] >= START + start + length
    for (_, end), (begin, _) in pairwise(covered):
        assert end == begin
    for piece in pieces:
        assert piece.hours or piece.first >= int(START // 60) + since
    if since == 0:
        assert START + start - covered[0][0] < 60


@pytest.fixture
def fleet(inventory: Inventory) -> Inventory:
    """Two sites; plant has two devices, and one of them runs two releases."""
    for name in ("plant", "depot"):
        sites.add_site(inventory, name, "embedded", "/srv", at=NOW)
    there = [
        report(epoch(1, 10.0, 20.0), device="d1", instance="d1-0"),
        report(epoch(1, 30.0), device="d1", instance="d1-1", release="e"),
        report(epoch(1, *[1000.0] * 3, failures=1), device="d2", instance="d2-0"),
    ]
    ingest(inventory, "plant", there, at=START + 30)
    ingest(inventory, "depot", [report(epoch(1, 50.0), device="d1")], at=START + 90)
    return inventory


def test_figures_add_up_in_every_grouping(fleet: Inventory) -> None:
    def found(*groups: str) -> dict[str, int]:
        return counts(fleet, START, START + 600, *groups)

    c, e = digest("c"), digest("e")
    assert found("app") == {"brake-disc": 8}
    assert found("release") == {c: 7, e: 1}
    assert found("site") == {"plant": 7, "depot": 1}
    assert found("site", "device") == {"plant/d1": 3, "plant/d2": 4, "depot/d1": 1}
    assert found("device", "release") == {f"d1/{c}": 3, f"d1/{e}": 1, f"d2/{c}": 4}
    assert found("source") == {"http": 8}
    assert found() == {"": 8}


def test_filters_leave_out_what_was_not_asked_for(fleet: Inventory) -> None:
    where = {"site": "plant", "device": "d1"}
    for end in (START + 600, START + 2 * HOUR_S):  # by minutes, and by hours
        answer = latency(fleet, START, end, group_by=["release"], where=where)
        assert [(row.group[0], row.requests) for row in answer.rows] == [
            (digest("c"), 2), (digest("e"), 1),
        ]  # fmt: skip
    assert latency(fleet, START, START + 60, where={"site": "elsewhere"}).rows == ()
    assert latency(fleet, START + 60, START + 120).rows[0].requests == 1


def test_failures_are_counted_apart(fleet: Inventory) -> None:
    [row] = latency(fleet, START, START + 60, group_by=["device"], where={"device": "d2"}).rows
    assert (row.requests, row.failures) == (4, 1)
    assert row.stages["total"].quantile(0.99) == pytest.approx(1000, rel=0.02)


def test_hours_and_minutes_give_the_same_answer(fleet: Inventory) -> None:
    def pooled(rows: tuple[LatencyRow, ...]) -> Sketch:
        return merge_stages({}, rows[0].stages)["total"]

    by_minutes = latency(fleet, START, START + 3599, group_by=["app"])
    by_hours = latency(fleet, START, START + 3600, group_by=["app"])
    assert pooled(by_minutes.rows).counts == pooled(by_hours.rows).counts


def test_a_group_that_does_not_exist_is_named(fleet: Inventory) -> None:
    for groups, where in ((["colour"], {}), ([], {"colour": "red"})):
        with pytest.raises(UsageError) as caught:
            latency(fleet, START, NOW, group_by=groups, where=where)
        assert caught.value.fields["group"] == "colour"


def test_reports_of_a_site_that_was_removed_leave_nothing(inventory: Inventory) -> None:
    with pytest.raises(NotFound):
        ingest(inventory, "gone", [report(epoch(1, 5.0))], at=NOW)
    assert inventory.row("SELECT count(*) FROM latency_series") == (0,)


def test_a_server_that_dies_at_every_start_leaves_no_series(fleet: Inventory) -> None:
    before = fleet.row("SELECT count(*) FROM latency_series")
    dead = Epoch(number=9, source="http", requests=0, failures=0, stages={})
    assert ingest(fleet, "plant", [report(dead)], at=NOW).grown == 0
    assert fleet.row("SELECT count(*) FROM latency_series") == before


def test_an_older_reading_is_told_and_left_out(fleet: Inventory) -> None:
    assert ingest(fleet, "plant", [report(epoch(1, 10.0))], at=NOW) == (0, 1, ())
    assert ingest(fleet, "plant", [report(epoch(1, 10.0, 20.0))], at=NOW) == (0, 0, ())
    assert ingest(fleet, "plant", [report(epoch(1, 10.0, 20.0, 9.0))], at=NOW) == (1, 0, ())


def test_what_is_kept_long_enough_goes_and_the_rest_answers(fleet: Inventory) -> None:
    gone = retention.prune(fleet, at=START + 3 * HOUR_S)
    assert gone == 4  # the minutes of four series
    # the edge of a device window is widened to its hour, and the answer says so
    answer = latency(fleet, START + 60, START + 120, group_by=["site"])
    assert (answer.start, answer.end) == (START, START + HOUR_S)
    assert {row.group: row.requests for row in answer.rows} == {("depot",): 1, ("plant",): 7}
    # the fleet's minutes are still there
    assert latency(fleet, START + 60, START + 120).rows[0].requests == 1
    retention.prune(fleet, at=START + 20 * DAY_S)
    assert latency(fleet, START, START + DAY_S, group_by=["site"]).rows == ()
    assert counts(fleet, START, START + DAY_S, "app") == {"brake-disc": 8}
    retention.prune(fleet, at=START + 500 * DAY_S)
    tables = [rollup.table for rollup in ROLLUPS] + ["latency_series", "latency_streams"]
    for table in tables:
        assert fleet.row(f"SELECT count(*) FROM {table}") == (0,)


def test_pruning_forgets_no_reading_that_may_come_again(inventory: Inventory) -> None:
    sites.add_site(inventory, "plant", "embedded", "/srv", at=NOW)
    old, new = epoch(1, 1.0, 2.0), epoch(2, 3.0)
    ingest(inventory, "plant", [report(old, new)], at=START)
    # still reported after two months, and away for a year after that: counted once
    for days in (20, 40, 60, 60 + 365):
        at = START + days * DAY_S
        retention.prune(inventory, at=at)
        assert ingest(inventory, "plant", [report(old, new)], at=at).grown == 0
    # the server has dropped its first epoch: so do we, a month later
    ingest(inventory, "plant", [report(epoch(2, 3.0, 4.0))], at=START + 500 * DAY_S)
    retention.prune(inventory, at=START + 501 * DAY_S)
    assert inventory.rows("SELECT epoch FROM latency_series") == [(2,)]


def test_what_is_reported_is_not_changed_by_taking_it_in(inventory: Inventory) -> None:
    sites.add_site(inventory, "plant", "embedded", "/srv", at=NOW)
    reported = report(epoch(1, 5.0, 6.0))
    ingest(inventory, "plant", [reported, reported], at=NOW)
    assert reported.epochs[0].stages == stages(5.0, 6.0)
