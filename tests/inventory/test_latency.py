"""Latency from report to answer: if these fail, figures are counted twice, lost, or misplaced."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from yolodeploy.core.errors import NotFound, UsageError
from yolodeploy.core.site import Epoch
from yolodeploy.core.sketch import LARGEST_BUCKET, Sketch, encode_stages, merge_stages
from yolodeploy.inventory import retention, sites
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.ingest import ingest
from yolodeploy.inventory.latency import LatencyRow, latency
from yolodeploy.inventory.rollups import DAY_S, DEVICE_HOURS, HOUR_S, ROLLUPS
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
    start=st.integers(0, 300_000),  # seconds
    length=st.integers(1, 300_000),
    since=st.integers(0, 5000),  # minutes
    moved=st.integers(0, 80),  # hours that have become days
    by_minute=st.booleans(),
)
def test_a_window_is_covered_once_and_widened_only_to_what_is_kept(
    start: int, length: int, since: int, moved: int, by_minute: bool
) -> None:
    minutes = int(START // 60) + max(since, moved * 60)
    hours = int(START // HOUR_S) + moved if moved else 0
    window = START + start, START + start + length
    pieces = slots_of(*window, minutes, hours, by_minute=by_minute)
    covered = sorted(piece.seconds for piece in pieces)
    assert covered[0][0] <= window[0]
    assert covered[-1][1] >= window[1]
    for (_, end), (begin, _) in pairwise(covered):
        assert end == begin
    for piece in pieces:
        kept = {60: minutes, HOUR_S: hours, DAY_S: 0}[piece.length_s]
        assert piece.first >= kept
        if by_minute:
            assert piece.length_s == 60 or piece.seconds[0] < (minutes + 60) * 60
    if since == moved == 0:
        assert window[0] - covered[0][0] < 60


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


def pruned(inventory: Inventory, at: float) -> int:
    """Prune; how many rows went, which is what was said before."""
    told = retention.outdated(inventory, at=at)
    assert retention.prune(inventory, at=at) == told
    return told


def test_what_is_kept_long_enough_goes_and_the_rest_answers(fleet: Inventory) -> None:
    gone = pruned(fleet, START + 3 * HOUR_S)
    assert gone == 4  # the minutes of four series
    # the edge of a device window is widened to its hour, and the answer says so
    answer = latency(fleet, START + 60, START + 120, group_by=["site"])
    assert (answer.start, answer.end) == (START, START + HOUR_S)
    assert {row.group: row.requests for row in answer.rows} == {("depot",): 1, ("plant",): 7}
    # the fleet's minutes are still there
    assert latency(fleet, START + 60, START + 120).rows[0].requests == 1
    pruned(fleet, START + 20 * DAY_S)
    # hours of devices have become days
    answer = latency(fleet, START + 60, START + 120, group_by=["site", "day"])
    assert (answer.start, answer.end) == (START - START % DAY_S, START + HOUR_S)
    day = "2027-01-15T00:00:00Z"
    assert {row.group: row.requests for row in answer.rows} == {
        ("depot", day): 1,
        ("plant", day): 7,
    }
    assert fleet.row("SELECT count(*) FROM latency_device_hours") == (0,)
    assert counts(fleet, START, START + DAY_S, "app") == {"brake-disc": 8}
    pruned(fleet, START + 500 * DAY_S)
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
        pruned(inventory, at)
        assert ingest(inventory, "plant", [report(old, new)], at=at).grown == 0
    # the server has dropped its first epoch: so do we, a month later
    ingest(inventory, "plant", [report(epoch(2, 3.0, 4.0))], at=START + 500 * DAY_S)
    pruned(inventory, START + 501 * DAY_S)
    assert inventory.rows("SELECT epoch FROM latency_series") == [(2,)]


def test_a_day_that_is_half_moved_answers_in_whole(inventory: Inventory) -> None:
    """Whoever dies between two hours of pruning, no hour counts twice or not at all."""
    sites.add_site(inventory, "plant", "embedded", "/srv", at=NOW)
    midnight = START - START % DAY_S
    for hour in range(48):
        values = [float(hour + 1)] * (hour + 1)
        ingest(inventory, "plant", [report(epoch(hour + 1, *values))], at=midnight + hour * HOUR_S)
    keep = DEVICE_HOURS.keep_s
    for moved in (5, 5, 24, 30):
        retention.prune(inventory, at=midnight + moved * HOUR_S + keep)
        found = latency(inventory, midnight, midnight + 2 * DAY_S, group_by=["device", "day"])
        assert [row.requests for row in found.rows] == [sum(range(25)), sum(range(25, 49))]
        kept = latency(inventory, midnight + 40 * HOUR_S, midnight + 41 * HOUR_S, group_by=["site"])
        assert [row.requests for row in kept.rows] == [41]
        # what was asked for in hours comes in hours as far as they are kept
        hours = latency(inventory, midnight, midnight + 2 * DAY_S, group_by=["site", "hour"]).rows
        assert len(hours) == 48 - moved + -(-moved // 24)
        assert sum(row.requests for row in hours) == sum(range(49))


def test_figures_can_be_had_over_time(fleet: Inventory) -> None:
    def found(*groups: str) -> dict[tuple[str, ...], int]:
        rows = latency(fleet, START, START + 7200, group_by=groups).rows
        return {row.group: row.requests for row in rows}

    first, second = "2027-01-15T08:00:00Z", "2027-01-15T08:01:00Z"
    assert found("minute") == {(first,): 7, (second,): 1}
    assert found("site", "minute") == {("plant", first): 7, ("depot", second): 1}
    assert found("hour", "device") == {(first, "d1"): 4, (first, "d2"): 4}
    assert found("day") == {("2027-01-15T00:00:00Z",): 8}
    with pytest.raises(UsageError):
        latency(fleet, START, NOW, group_by=["minute", "hour"])


def test_a_new_site_does_not_inherit_the_figures_of_a_removed_one(fleet: Inventory) -> None:
    """SQLite gives the id of the last row again."""
    sites.remove_site(fleet, "depot")
    sites.add_site(fleet, "wharf", "embedded", "/srv", at=NOW)
    ingest(fleet, "wharf", [report(epoch(1, 50.0), device="d1")], at=START + 90)
    for end in (START + 600, START + HOUR_S):  # by minutes, and by hours
        assert counts(fleet, START, end, "site") == {"plant": 7, "wharf": 1}


def test_what_is_reported_is_not_changed_by_taking_it_in(inventory: Inventory) -> None:
    sites.add_site(inventory, "plant", "embedded", "/srv", at=NOW)
    reported = report(epoch(1, 5.0, 6.0))
    ingest(inventory, "plant", [reported, reported], at=NOW)
    assert reported.epochs[0].stages == stages(5.0, 6.0)


# what docs/measuring.md promises: of a row at the spread of real latencies, and of any row
BYTES_A_ROW = 1_300
MOST_BYTES_A_ROW = 31_000
HOURS = 36


def test_what_a_device_takes_on_disk_is_what_the_docs_say(tmp_path: Path) -> None:
    """Written as a collector writes it, at the spread of real latencies, and measured as a file."""
    devices = 8
    rng = Random(1)
    medians = {"queue": 120.0, "decode": 5500.0, "preprocess": 1350.0, "inference": 27_000.0,
               "postprocess": 650.0, "total": 35_000.0}  # fmt: skip
    total = {name: merge_stages({}, {}) for name in map(str, range(devices))}
    requests = 0
    with open_inventory(tmp_path / "inventory.db") as inventory:
        sites.add_site(inventory, "plant", "embedded", "/srv", at=START)
        for hour in range(HOURS):
            requests += 200
            for stages_of in total.values():
                more = {stage: Sketch(0.0, {}) for stage in medians}
                for stage, median in medians.items():
                    for _ in range(200):
                        more[stage].record(rng.lognormvariate(0, 0.12) * median)
                merge_stages(stages_of, more)
            with inventory.transaction():
                for device, stages_of in total.items():
                    told = Epoch(
                        number=1, source="http", requests=requests, failures=0, stages=stages_of
                    )
                    made = report(told, device=f"d{device}", instance=f"i{device}")
                    ingest(inventory, "plant", [made], at=START + hour * HOUR_S)
            retention.prune(inventory, at=START + hour * HOUR_S)
        sizes = dict(inventory.rows("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
    assert sizes["latency_device_hours"] / (devices * HOURS) <= BYTES_A_ROW
    worst = Sketch(1e15, dict.fromkeys(range(LARGEST_BUCKET + 1), 1 << 31))
    assert len(encode_stages(dict.fromkeys(medians, worst))) <= MOST_BYTES_A_ROW
    # minutes: of two hours and no more, however long it goes on
    assert inventory_rows(tmp_path / "inventory.db", "latency_minutes") <= devices * 3
    said = (Path(__file__).parents[2] / "docs" / "measuring.md").read_text("utf-8")
    assert f"{BYTES_A_ROW:,} bytes" in said
    assert f"{MOST_BYTES_A_ROW:,} bytes" in said


def inventory_rows(path: Path, table: str) -> int:
    with open_inventory(path) as inventory:
        found = inventory.row(f"SELECT count(*) FROM {table}")
        assert found is not None
        return int(found[0])
