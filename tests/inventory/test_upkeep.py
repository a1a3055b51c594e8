"""Backups: if these fail, a person finds out when the backup is all that is left."""

from __future__ import annotations

import csv
import io
import json
import random
import stat
import sys
from pathlib import Path

import pytest

from yolodeploy.core.errors import Corrupt, NotFound, Refused, UsageError, YolodeployError
from yolodeploy.inventory import events, figures_table, releases, sites, upkeep
from yolodeploy.inventory.connection import Inventory, open_inventory, read_inventory
from yolodeploy.inventory.export import export, export_lines, tables
from yolodeploy.inventory.ingest import ingest

from .parts import NOW, epoch, report, spec, started


@pytest.fixture
def filled(path: Path) -> Path:
    with open_inventory(path) as inventory:
        fill(inventory)
    return path


def fill(inventory: Inventory) -> None:
    sites.add_site(inventory, "plant", "embedded", "/srv", at=NOW, labels={"line": "4"})
    releases.add_release(inventory, spec(), at=NOW)
    events.add_event(inventory, "plant", "site.back", at=NOW, detail='裂纹, "quoted"\n2nd line')
    ingest(inventory, "plant", [report(epoch(1, 10.0, 20.0))], at=NOW)


def names(path: Path) -> list[str]:
    with read_inventory(path) as inventory:
        return [site.name for site in sites.list_sites(inventory)]


def test_a_backup_is_whole_private_and_taken_while_others_write(filled: Path) -> None:
    file = filled.with_name("backup.db")
    with open_inventory(filled) as inventory, inventory.transaction():
        sites.add_site(inventory, "depot", "embedded", "/srv", at=NOW)
        size = upkeep.backup(filled, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert size == file.stat().st_size
    assert upkeep.check(file) == []
    assert names(file) == ["plant"]
    assert names(filled) == ["depot", "plant"]
    assert not list(filled.parent.glob("*.part*"))


def test_a_backup_overwrites_nothing(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "thesis.odt"
    file.write_text("chapter 1")
    with pytest.raises(Refused) as caught:
        upkeep.backup(filled, file)
    assert caught.value.code == "inventory.exists"
    assert file.read_text() == "chapter 1"


def test_a_backup_onto_a_full_disk_leaves_nothing_there(filled: Path, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * (4 * 1024 * 1024 - 20_000))
    with pytest.raises(YolodeployError) as caught:
        upkeep.backup(filled, small_disk / "backup.db")
    assert caught.value.code == "inventory.disk_full"
    assert [file.name for file in small_disk.iterdir()] == ["filler"]


def test_a_restored_inventory_is_the_old_one_and_the_replaced_one_is_kept(filled: Path) -> None:
    file = filled.with_name("backup.db")
    upkeep.backup(filled, file)
    for name in ("depot", "harbour"):
        with open_inventory(filled) as inventory:
            sites.add_site(inventory, name, "embedded", "/srv", at=NOW)
        kept = upkeep.restore(file, filled)
        assert names(filled) == ["plant"]
        assert kept
        assert names(kept) == [name, "plant"]
    assert kept
    assert kept.name.endswith(".before-restore-2")
    assert stat.S_IMODE(filled.stat().st_mode) == 0o600
    with open_inventory(filled) as inventory:
        assert inventory.row("PRAGMA journal_mode") == ("wal",)
    assert upkeep.check(filled) == []


def test_a_restore_makes_an_inventory_where_there_was_none(filled: Path, tmp_path: Path) -> None:
    file = filled.with_name("backup.db")
    upkeep.backup(filled, file)
    other = tmp_path / "new laptop" / "inventory.db"
    assert upkeep.restore(file, other) is None
    assert names(other) == ["plant"]


def test_a_damaged_inventory_is_replaced_and_kept(filled: Path) -> None:
    file = filled.with_name("backup.db")
    upkeep.backup(filled, file)
    damaged = filled.read_bytes()[:9000]
    filled.write_bytes(damaged)
    filled.with_name(filled.name + "-wal").write_bytes(b"what is left of the log")
    kept = upkeep.restore(file, filled)
    assert kept
    assert kept.read_bytes() == damaged
    assert kept.with_name(kept.name + "-wal").read_bytes() == b"what is left of the log"
    assert upkeep.check(filled) == []
    assert names(filled) == ["plant"]


def test_what_is_no_backup_replaces_nothing(filled: Path, tmp_path: Path) -> None:
    good = filled.with_name("backup.db")
    upkeep.backup(filled, good)
    bad = tmp_path / "bad.db"
    before = filled.read_bytes()
    for content in (b"", b"my diary" * 1000, good.read_bytes()[:-5000]):
        bad.write_bytes(content)
        with pytest.raises(Corrupt) as caught:
            upkeep.restore(bad, filled)
        assert caught.value.code == "inventory.not_one"
        assert str(bad) in caught.value.text()
    with pytest.raises(NotFound):
        upkeep.restore(tmp_path / "missing.db", filled)
    assert filled.read_bytes() == before
    assert not list(filled.parent.glob("*restor*"))


def test_an_inventory_that_is_open_elsewhere_is_not_pulled_away(filled: Path) -> None:
    file = filled.with_name("backup.db")
    upkeep.backup(filled, file)
    script = """
with open_inventory(path) as inventory:
    print(inventory.rows("SELECT name FROM sites"), flush=True)
    sys.stdin.read()
    inventory.execute("UPDATE sites SET location = 'later'")
"""
    process = started(script, filled)
    assert process.stdout
    process.stdout.readline()
    with pytest.raises(Refused) as caught:
        upkeep.restore(file, filled)
    assert caught.value.code == "inventory.in_use"
    process.communicate("", timeout=300)
    with read_inventory(filled) as inventory:  # what it wrote afterwards is not lost
        assert sites.get_site(inventory, "plant").location == "later"
    upkeep.restore(file, filled)


def test_check_finds_damage_inside_and_rows_that_point_nowhere(filled: Path) -> None:
    with open_inventory(filled) as inventory:
        inventory.execute("PRAGMA foreign_keys=OFF")
        inventory.execute("UPDATE releases SET app = 'gone'")
    [finding] = upkeep.check(filled)
    assert finding.kind == "reference"
    assert "releases" in finding.detail
    content = bytearray(filled.read_bytes())
    content[4096 * 3 : 4096 * 30] = random.Random(1).randbytes(4096 * 27)
    filled.write_bytes(content)
    assert {finding.kind for finding in upkeep.check(filled)} == {"damage"}


def test_an_export_holds_every_table_as_json_that_others_read(filled: Path, tmp_path: Path) -> None:
    with read_inventory(filled) as inventory:
        written = export(inventory, tmp_path / "out")
        assert [file.stem for file in written] == tables(inventory)
        with pytest.raises(Refused):
            export(inventory, tmp_path / "out")
    rows = {
        file.stem: [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        for file in written
    }
    assert rows["sites"][0]["labels"] == {"line": "4"}
    assert rows["releases"][0]["spec"]["app"] == "brake-disc"
    assert rows["events"][0]["detail"] == '裂纹, "quoted"\n2nd line'
    [hour] = rows["latency_fleet_hours"]
    assert hour["slot_start"] == NOW - NOW % 3600
    assert sum(hour["stages"]["total"][1].values()) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in written} == {0o600}


def test_an_export_as_csv_has_the_columns_first(filled: Path) -> None:
    with read_inventory(filled) as inventory:
        text = "".join(export_lines(inventory, "events", "csv"))
        [row] = csv.DictReader(io.StringIO(text, newline=""))
        assert row["detail"] == '裂纹, "quoted"\n2nd line'
        empty = "".join(export_lines(inventory, "rollouts", "csv"))
        assert empty.startswith("number,app,release")
        for table, form in (("events", "xml"), ("secrets", "csv")):
            with pytest.raises(UsageError):
                export_lines(inventory, table, form)


def test_an_export_as_parquet_is_the_same_with_types(filled: Path, tmp_path: Path) -> None:
    io_of = pytest.importorskip("arro3.io", reason="yolodeploy[parquet]")
    with read_inventory(filled) as inventory:
        written = {file.stem: file for file in export(inventory, tmp_path / "out", "parquet")}
        plain = [json.loads(line) for line in export_lines(inventory, figures_table.NAME, "jsonl")]
    assert sorted(written) == sorted(json_tables(filled))
    read = io_of.read_parquet(str(written[figures_table.NAME])).read_all()
    assert read.schema.names == list(figures_table.COLUMNS)
    columns = {name: read.column(name).to_pylist() for name in read.schema.names}
    (row,) = plain
    assert (row["site"], row["stage"], row["count"], row["seconds"]) == ("plant", "total", 2, 3600)
    assert row["at"] == NOW - NOW % 3600
    assert columns["at"][0].timestamp() == row["at"]
    assert [columns[name][0] for name in ("release", "p95_us", "failures")] == [
        row["release"], row["p95_us"], row["failures"],
    ]  # fmt: skip
    events_read = io_of.read_parquet(str(written["events"])).read_all()
    assert events_read.column("detail").to_pylist() == ['裂纹, "quoted"\n2nd line']
    assert {stat.S_IMODE(file.stat().st_mode) for file in written.values()} == {0o600}


def test_without_the_extra_parquet_says_so_before_it_writes(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "arro3.io", None)
    with read_inventory(filled) as inventory, pytest.raises(UsageError) as told:
        export(inventory, tmp_path / "out", "parquet")
    assert told.value.code == "inventory.parquet_missing"
    assert not (tmp_path / "out").exists()


def json_tables(path: Path) -> list[str]:
    with read_inventory(path) as inventory:
        return tables(inventory)


def test_vacuum_gives_the_room_of_what_was_deleted_back(filled: Path) -> None:
    with open_inventory(filled) as inventory:
        with inventory.transaction():
            for _ in range(300):
                events.add_event(inventory, "plant", "noise", at=NOW, detail="x" * 2000)
        inventory.execute("DELETE FROM events WHERE code = 'noise'")
        inventory.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert upkeep.vacuum(inventory) > 300_000
    assert names(filled) == ["plant"]
