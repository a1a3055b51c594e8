"""A round over sites: if these fail, one bad link hides the whole fleet's status."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from yolodeploy.core.errors import Unreachable
from yolodeploy.core.site import DeviceState, Epoch, SiteEvent, SiteState, StageReport
from yolodeploy.core.sketch import Sketch
from yolodeploy.inventory import devices, events, sites
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.latency import latency
from yolodeploy.inventory.retention import EVENTS_KEEP_S, prune
from yolodeploy.telemetry.collect import collect, collect_all
from yolodeploy.telemetry.rounds import Collector

NOW = 1_800_000_000.0
RELEASE = "sha256:" + "c" * 64
LIMIT_S = 120.0


class SiteDouble:
    """What the collector asks of a `Site`; it serves ten requests between two questions."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.error: Exception | None = None
        self.blocked = threading.Event()
        self.blocked.set()
        self.requests = 0
        self.asked = 0
        self.clock = NOW

    def observe(self) -> SiteState:
        self.asked += 1
        self.blocked.wait(LIMIT_S)
        if self.error:
            raise self.error
        device = DeviceState(name="d1", ready=True)
        return SiteState(
            site=self.name, at=self.clock, lease=None, devices=(device,), apps=(), instances=()
        )

    def sketches(self) -> Sequence[StageReport]:
        self.requests += 10
        total = Sketch(1000.0 * self.requests, {199: self.requests})
        epoch = Epoch(
            number=1, source="http", requests=self.requests, failures=0, stages={"total": total}
        )
        report = StageReport(
            site=self.name, device="d1", instance="d1-0", app="app", release=RELEASE,
            epochs=(epoch,),
        )  # fmt: skip
        return [report]

    def broken(self, reason: str) -> Sequence[StageReport]:
        """An instance that says nonsense, beside one that does not."""
        [good] = SiteDouble.sketches(self)
        bad = msgspec.structs.replace(good, instance="d1-1", epochs=(), fault=reason)
        return [bad, good]

    def watch(self, since: int) -> Sequence[SiteEvent]:
        happened = [SiteEvent(n, NOW, "d1", "instance.started", "") for n in (1, 2)]
        return [event for event in happened if event.sequence > since]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the collector has no business with {name}")


@pytest.fixture
def inventory(tmp_path: Path) -> Iterator[Inventory]:
    with open_inventory(tmp_path / "inventory.db") as opened:
        yield opened


def doubles(inventory: Inventory, count: int) -> list[SiteDouble]:
    made = [SiteDouble(f"s{number}") for number in range(count)]
    for site in made:
        sites.add_site(inventory, site.name, "embedded", "/srv", at=NOW)
    return made


def codes(inventory: Inventory) -> list[str]:
    return [event.code for event in events.query_events(inventory)]


def test_a_round_stores_status_latency_and_events_once(inventory: Inventory) -> None:
    [site] = doubles(inventory, 1)
    first = collect(site, inventory, at=NOW)
    second = collect(site, inventory, at=NOW + 15)
    assert (first.reachable, first.series, first.events) == (True, 1, 2)
    assert (second.series, second.events) == (1, 0)
    assert devices.get_device(inventory, "s0", "d1").observed_at == NOW + 15
    assert latency(inventory, NOW - 60, NOW + 60).rows[0].requests == 20


def test_what_was_thrown_away_for_its_age_is_not_told_again(inventory: Inventory) -> None:
    """A site keeps what happened there for longer, where little happens."""
    [site] = doubles(inventory, 1)
    assert collect(site, inventory, at=NOW).events == 2
    later = NOW + EVENTS_KEEP_S + 60
    site.clock = later
    prune(inventory, at=later)
    assert (codes(inventory), collect(site, inventory, at=later).events) == ([], 0)


def test_a_site_that_falls_silent_is_a_state_and_one_event(inventory: Inventory) -> None:
    [site] = doubles(inventory, 1)
    collect(site, inventory, at=NOW)
    site.error = Unreachable("site.unreachable", site="s0", reason="no route")
    for number in range(3):
        answer = collect(site, inventory, at=NOW + number)
        assert (answer.reachable, answer.reason) == (False, "site.unreachable")
    assert sites.get_site(inventory, "s0").observed_at == NOW
    site.error = None
    assert collect(site, inventory, at=NOW + 60).reachable
    assert codes(inventory)[2:] == ["site.unreachable", "site.back"]
    # what it measured meanwhile is there
    assert latency(inventory, NOW - 60, NOW + 120).rows[0].requests == site.requests


def test_an_instance_that_says_nonsense_is_told_of_once_a_day(inventory: Inventory) -> None:
    """And hides nothing of the others."""
    [site] = doubles(inventory, 1)
    for number in range(4):
        reports = site.broken(f"reason {number}")
        site.sketches = lambda reports=reports: reports  # type: ignore[method-assign, misc]
        assert collect(site, inventory, at=NOW + 15 * number).series == 1
    told = [event for event in events.query_events(inventory) if event.code == "measured.garbage"]
    assert [(event.device, event.detail) for event in told] == [("d1", "d1-1: reason 0")]
    assert latency(inventory, NOW - 60, NOW + 60).rows[0].requests == 40
    collect(site, inventory, at=NOW + 90_000)
    assert codes(inventory).count("measured.garbage") == 2


def test_counts_that_go_back_are_told_of_and_not_subtracted(inventory: Inventory) -> None:
    [site] = doubles(inventory, 1)
    site.requests = 90
    collect(site, inventory, at=NOW)
    site.requests = 20
    # another collector may have been quicker, by seconds
    collect(site, inventory, at=NOW + 5)
    assert "measured.shrunk" not in codes(inventory)
    for number in range(3):
        collect(site, inventory, at=NOW + 100 + number)
    assert codes(inventory).count("measured.shrunk") == 1
    assert latency(inventory, NOW - 60, NOW + 120).rows[0].requests == 100


def test_slow_sites_delay_nobody(inventory: Inventory) -> None:
    made = doubles(inventory, 12)
    slow = made[:4]
    for site in slow:
        site.blocked.clear()
    collector = Collector(inventory, concurrency=4, deadline_s=1.0)
    answers = {row.site: row for row in collector.round(made, now=lambda: NOW)}
    assert {name for name, row in answers.items() if not row.reachable} == {"s0", "s1", "s2", "s3"}
    assert answers["s0"].reason == "site.late"
    assert len(answers) == 12
    # while its thread still waits, a site is not asked again: threads do not pile up
    assert len(collector.round(made, now=lambda: NOW + 15)) == 12
    assert [site.asked for site in slow] == [1, 1, 1, 1]
    for site in slow:
        site.blocked.set()
    deadline = time.monotonic() + LIMIT_S
    while any(row.reason for row in collector.round(made, now=lambda: NOW + 30)):
        assert time.monotonic() < deadline
    assert [row.reachable for row in sites.list_sites(inventory)] == [True] * 12
    # the late answers of earlier rounds were thrown away, and yet nothing of them is lost
    counted = latency(inventory, NOW - 60, NOW + 60, group_by=["site"]).rows
    assert [row.requests for row in counted] == [
        site.requests for site in sorted(made, key=lambda site: site.name)
    ]


def test_a_mistake_in_one_adapter_is_raised_after_all_sites_are_stored(
    inventory: Inventory,
) -> None:
    made = doubles(inventory, 5)
    made[1].error = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        collect_all(made, inventory, now=lambda: NOW)
    seen = [row.name for row in sites.list_sites(inventory) if row.reachable]
    assert seen == ["s0", "s2", "s3", "s4"]


def test_a_site_that_was_removed_during_the_round_is_left_out(inventory: Inventory) -> None:
    kept, gone = doubles(inventory, 2)
    sites.remove_site(inventory, gone.name)
    answers = {row.site: row for row in collect_all([kept, gone], inventory, now=lambda: NOW)}
    assert answers["s0"].reachable
    assert answers["s1"].reason == "inventory.unknown_site"
    assert [row.name for row in sites.list_sites(inventory)] == ["s0"]
