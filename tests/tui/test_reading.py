"""The reader: one snapshot of a real inventory file."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.releases import get_release
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.home import Home
from yolodeploy.tui import recent
from yolodeploy.tui.reading import Reader
from yolodeploy.tui.state.fleet import Status
from yolodeploy.tui.state.snapshot import Wanted

from . import fleet


def test_without_an_inventory_it_says_so_and_makes_none(tmp_path: Path) -> None:
    snapshot = Reader(Home(tmp_path)).read(Wanted(), fleet.NOW)
    assert snapshot.missing
    assert snapshot.problem is None
    assert not (tmp_path / "inventory.db").exists()


def test_a_snapshot_has_the_whole_fleet(home: Home) -> None:
    snapshot = Reader(home).read(Wanted(), fleet.NOW)
    statuses = {row.device: row.status for row in snapshot.fleet}
    assert statuses == {
        "east-1": Status.READY,
        "east-2": Status.READY,
        "east-3": Status.HELD,
        "west-1": Status.TRIAL,
        "west-2": Status.NOT_READY,
        "west-3": Status.NEW,
        "yard-1": Status.OFFLINE,
        "yard-2": Status.OFFLINE,
    }
    assert snapshot.seen_at == fleet.NOW - 2
    assert [item.state for item in snapshot.rollouts] == [RolloutState.RUNNING, RolloutState.FAILED]
    assert snapshot.events[0].at == max(event.at for event in snapshot.events)


def test_the_first_picture_does_without_latency(home: Home) -> None:
    reader = Reader(home)
    early = reader.read(Wanted(), fleet.NOW, with_latency=False)
    assert all(row.recent is None for row in early.fleet)
    later = reader.read(Wanted(), fleet.NOW)
    assert {row.device for row in later.fleet if row.recent} == {
        "east-1", "east-2", "east-3", "west-1",
    }  # fmt: skip


def test_what_is_open_is_read_in_full(home: Home) -> None:
    wanted = Wanted(device=("plant-west", "west-1"), rollout="r-2")
    snapshot = Reader(home).read(wanted, fleet.NOW)
    assert snapshot.device is not None
    (app,) = snapshot.device.apps
    assert [(m.release, m.requests) for m in app.measured] == [
        ("brake-disc@2", 240),
        ("brake-disc@1", 360),
    ]
    assert [event.code for event in snapshot.device.events] == ["instance.started"]
    assert snapshot.rollout is not None
    assert [site.site for site in snapshot.rollout.sites] == ["plant-east", "plant-west", "yard"]


def test_what_was_removed_while_it_was_open_is_gone(home: Home) -> None:
    wanted = Wanted(device=("plant-west", "nobody"), rollout="r-99")
    snapshot = Reader(home).read(wanted, fleet.NOW)
    assert (snapshot.device, snapshot.rollout) == (None, None)


def test_a_minute_that_is_over_is_read_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(home)
    reader.read(Wanted(), fleet.NOW)
    asked: list[int] = []
    read = recent._read
    monkeypatch.setattr(
        recent, "_read", lambda inventory, minute: asked.append(minute) or read(inventory, minute)
    )
    reader.read(Wanted(), fleet.NOW)
    assert asked == [int(fleet.NOW // 60)]


def test_the_present_minute_grows(home: Home) -> None:
    reader = Reader(home)
    before = reader.read(Wanted(), fleet.NOW).fleet[0].recent
    with open_inventory(home.inventory) as inventory:
        new = get_release(inventory, "brake-disc@2")
        slow = fleet.stages(Random(1), 5000, slower=4.0)
        fleet.report(inventory, "plant-east", "east-1", new, fleet.NOW, 50, slow)
    after = reader.read(Wanted(), fleet.NOW).fleet[0].recent
    assert before is not None
    assert after is not None
    assert after.p95_ms > 2 * before.p95_ms
    assert after.trend[:-1] == before.trend[:-1]


def test_ten_minutes_later_nothing_is_left_of_it(home: Home) -> None:
    reader = Reader(home)
    reader.read(Wanted(), fleet.NOW)
    assert all(row.recent is None for row in reader.read(Wanted(), fleet.NOW + 600).fleet)


def test_a_large_fleet_is_read_minute_by_minute(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "ROWS_A_READING", 1)
    reader = Reader(home)
    filled = []
    for _ in range(12):
        row = reader.read(Wanted(), fleet.NOW).fleet[0]
        assert row.recent is not None
        filled.append(sum(value is not None for value in row.recent.trend))
    assert filled[:3] == [2, 3, 4]
    assert filled[-1] == 10


def test_a_damaged_file_is_told_and_the_last_picture_stays(home: Home) -> None:
    reader = Reader(home)
    before = reader.read(Wanted(), fleet.NOW)
    for ending in ("", "-wal", "-shm"):
        home.inventory.with_name(home.inventory.name + ending).unlink(missing_ok=True)
    home.inventory.write_bytes(b"not a database" * 400)
    after = reader.read(Wanted(), fleet.NOW)
    assert after.problem is not None
    assert after.problem.code == "inventory.corrupt"
    assert after.fleet == before.fleet
