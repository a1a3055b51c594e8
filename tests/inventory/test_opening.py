"""What a person loses when these fail: the inventory itself, or a clear word about its state."""

from __future__ import annotations

import re
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

import yolodeploy.inventory
from yolodeploy.core.errors import Corrupt, NotFound, Refused, YolodeployError
from yolodeploy.core.messages.inventory import MESSAGES
from yolodeploy.inventory import sites
from yolodeploy.inventory.connection import SCHEMA_VERSION, open_inventory, read_inventory
from yolodeploy.inventory.faults import Busy
from yolodeploy.inventory.upkeep import check

from .parts import NOW, started


def make(path: Path) -> None:
    with open_inventory(path) as inventory:
        sites.add_site(inventory, "plant", "embedded", "/srv", at=NOW)


def all_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_nobody_else_may_read_it(path: Path) -> None:
    make(path)
    with open_inventory(path):
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_missing_one_is_named_with_a_remedy(path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        read_inventory(path)
    assert caught.value.code == "inventory.missing"
    assert "yolodeploy quickstart" in caught.value.remedy()
    assert not path.parent.exists()


def test_one_from_a_newer_version_is_left_untouched(path: Path) -> None:
    make(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    for opened in (open_inventory, read_inventory):
        with pytest.raises(Refused) as caught:
            opened(path)
        assert caught.value.code == "inventory.newer"
        assert str(SCHEMA_VERSION + 1) in caught.value.text()
    assert path.read_bytes() == before


@pytest.mark.parametrize("left", [0, 50, 5000, 0.5, 0.9])
def test_a_truncated_one_is_named_and_not_made_anew(path: Path, left: float) -> None:
    make(path)
    whole = path.read_bytes()
    cut = whole[: int(left * len(whole)) if 0 < left < 1 else int(left)]
    path.write_bytes(cut)
    for opened in (open_inventory, read_inventory):
        with pytest.raises(Corrupt) as caught:
            opened(path).rows("SELECT * FROM sites")
        assert caught.value.code == "inventory.corrupt"
        assert "inventory restore" in caught.value.remedy()
    assert [finding.kind for finding in check(path)] == ["damage"]
    assert path.read_bytes() == cut


def test_something_else_in_its_place_is_not_overwritten(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("my diary " * 1000)
    with pytest.raises(Corrupt):
        open_inventory(path)
    assert path.read_text().startswith("my diary")


def test_a_read_only_medium_is_read_and_not_written(small_disk: Path) -> None:
    path = small_disk / "inventory.db"
    make(path)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(Refused) as caught:
        open_inventory(path)
    assert caught.value.code == "inventory.read_only"
    with read_inventory(path) as inventory:
        assert [site.name for site in sites.list_sites(inventory)] == ["plant"]
    with pytest.raises(Refused):
        open_inventory(small_disk / "other.db")


def test_reading_cannot_write(path: Path) -> None:
    make(path)
    with read_inventory(path) as inventory, pytest.raises(Refused) as caught:
        sites.add_site(inventory, "depot", "embedded", "/srv", at=NOW)
    assert caught.value.code == "inventory.read_only"


def test_a_full_disk_loses_nothing_and_leaves_nothing_half_done(small_disk: Path) -> None:
    path = small_disk / "inventory.db"
    make(path)
    filler = small_disk / "filler"
    stored = 1
    with open_inventory(path) as inventory:
        with pytest.raises(YolodeployError) as caught:
            while True:
                with inventory.transaction():
                    for number in range(50):
                        name = f"s{stored + number}"
                        sites.add_site(inventory, name, "embedded", "x" * 1000, at=NOW)
                stored += 50
        assert caught.value.code == "inventory.disk_full"
        assert "image prune" in caught.value.remedy()
        assert len(sites.list_sites(inventory)) == stored
    filler.unlink(missing_ok=True)
    assert check(path) == []
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    with open_inventory(path) as inventory:
        sites.add_site(inventory, "depot", "embedded", "/srv", at=NOW)
        assert len(sites.list_sites(inventory)) == stored + 1


def test_a_full_disk_at_the_first_start_leaves_no_inventory_behind(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * (4 * 1024 * 1024 - 40_000))
    path = small_disk / "inventory.db"
    with pytest.raises(YolodeployError) as caught:
        open_inventory(path)
    assert caught.value.code == "inventory.disk_full"
    assert not path.exists()
    (small_disk / "filler").unlink()
    make(path)


def test_a_start_that_was_killed_does_not_stop_the_next(path: Path) -> None:
    path.parent.mkdir()
    for name in (".new", ".new-wal", ".lock", "-wal"):
        path.with_name(path.name + name).write_bytes(b"half")
    make(path)
    assert check(path) == []


def test_who_must_wait_too_long_is_told_and_may_try_again(path: Path) -> None:
    make(path)
    with open_inventory(path) as one, open_inventory(path) as other:
        other.execute("PRAGMA busy_timeout=20")
        with one.transaction():
            sites.set_site_hold(one, "plant", "audit", at=NOW)
            with pytest.raises(Busy) as caught:
                sites.set_site_hold(other, "plant", None, at=NOW)
        assert caught.value.code == "inventory.busy"
        assert caught.value.retryable
        assert sites.get_site(other, "plant").held == "audit"


def test_a_transaction_that_fails_leaves_nothing(path: Path) -> None:
    make(path)
    with open_inventory(path) as inventory:
        with pytest.raises(Refused), inventory.transaction():
            sites.add_site(inventory, "depot", "embedded", "/srv", at=NOW)
            with inventory.transaction():
                sites.add_site(inventory, "plant", "embedded", "/srv", at=NOW)
        assert [site.name for site in sites.list_sites(inventory)] == ["plant"]


def test_reading_loads_no_sqlite_utils(path: Path) -> None:
    # `status` would take a tenth of a second longer
    make(path)
    script = (
        "from yolodeploy.inventory import devices, latency, operations, rollouts, upkeep\n"
        "devices.list_devices(read_inventory(path)); open_inventory(path).close()\n"
        "print([name for name in ('sqlite_utils', 'click') if name in sys.modules])"
    )
    assert started(script, path).communicate(timeout=300)[0].strip() == "[]"


def test_every_error_has_its_words_and_a_remedy_in_both_languages() -> None:
    folder = Path(yolodeploy.inventory.__file__).parent
    sources = "".join(file.read_text() for file in folder.glob("*.py"))
    raised = set(re.findall(r'"inventory\.(\w+)"', sources))
    assert raised == set(MESSAGES)
    for message in MESSAGES.values():
        assert message.en
        assert re.search("[\u4e00-\u9fff]", message.zh)
        assert message.remedy
