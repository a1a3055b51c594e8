"""The fleet as metrics: if these fail, a counter goes back, or one site floods Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inventory.parts import NOW, epoch, report
from yolodeploy.inventory import devices, sites
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.ingest import ingest
from yolodeploy.telemetry import fleet
from yolodeploy.telemetry.exposition import Family, Sample, text_of
from yolodeploy.telemetry.totals import Totals

START = NOW - NOW % 3600


@pytest.fixture
def inventory(tmp_path: Path) -> Iterator[Inventory]:
    with open_inventory(tmp_path / "inventory.db") as opened:
        sites.add_site(opened, "plant", "embedded", "/srv", at=START)
        yield opened


def requests(totals: Totals, inventory: Inventory, at: float) -> int:
    return sum(counts.requests for counts in totals.read(inventory, at).values())


def test_counts_only_grow_whatever_the_inventory_forgets(inventory: Inventory) -> None:
    totals = Totals(START)
    sent = 0
    values: list[float] = []
    for minute in range(0, 300, 7):
        at = START + minute * 60 + 20
        values += [5.0] * 3
        sent += 3
        ingest(inventory, "plant", [report(epoch(1, *values))], at=at)
        # twice, and late: the present minute is not counted again
        assert requests(totals, inventory, at) == sent
        assert requests(totals, inventory, at + 30) == sent
        inventory.execute(
            "DELETE FROM latency_fleet_minutes WHERE key < ?", (int(at // 60 - 30) << 32,)
        )
    # another exporter begins with what comes from now on
    assert requests(Totals(START + 300 * 60), inventory, START + 300 * 60) == 0


def test_after_days_of_sleep_counts_begin_anew(inventory: Inventory) -> None:
    """A machine that slept for longer than minutes are kept must not count an hour twice."""
    totals = Totals(START + 600)
    ingest(inventory, "plant", [report(epoch(1, 5.0, 6.0))], at=START + 610)
    assert requests(totals, inventory, START + 620) == 2
    inventory.execute(
        "INSERT INTO latency_kept VALUES ('latency_fleet_minutes', ?)", (int(START // 60) + 7000,)
    )
    assert requests(totals, inventory, START + 7000 * 60 + 1000) == 0


def test_the_number_of_series_is_bounded_and_what_is_left_out_is_told(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "MOST_DEVICES", 2)
    monkeypatch.setattr(fleet, "MOST_FLEETS", 3)
    for number in range(5):
        devices.add_device(inventory, "plant", f"d{number}", "", at=NOW)
        inventory.execute("UPDATE devices SET ready = 1, cpu_percent = 5, memory_mb = 9")
        told = [
            epoch(1, *[5.0] * (number + 1), source=source)
            for source in ("http", f"camera:{number}")
        ]
        made = report(*told, instance=f"i{number}", release="abcde"[number])
        ingest(inventory, "plant", [made], at=START)
    text = text_of(fleet.families(inventory, Totals(START), START), openmetrics=True)
    lines = text.splitlines()
    assert sum(line.startswith("yolodeploy_fleet_device_ready{") for line in lines) == 2
    assert 'yolodeploy_fleet_left_out{what="devices"} 3' in lines
    assert 'yolodeploy_fleet_left_out{what="releases"} 7' in lines
    counted = [line for line in lines if line.startswith("yolodeploy_fleet_requests_total{")]
    assert len(counted) == 3  # the busiest; all cameras of a release are one
    assert {line.rpartition(" ")[2] for line in counted} == {"5", "4"}


def test_names_from_sites_cannot_break_a_line() -> None:
    labels = {"site": 'a"b\\c\nyolodeploy_fleet_x 1\u202e' + "x" * 500}
    text = text_of(
        [Family("yolodeploy_fleet_x", "gauge", "x", [Sample("", labels, float("nan"))])],
        openmetrics=True,
    )
    assert len(text.splitlines()) == 4
    assert '\\"' in text
    assert len(text) < 400
