"""A full disk under an embedded site: if this fails, a person is told of a fault of ours, or of a
site that cannot be read, where some space is all that is lacking.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.oci.small_disk import small_disk
from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.sites.embedded import lifecycle
from yolodeploy.sites.embedded.store import Store


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of one megabyte."""
    with small_disk(tmp_path / "small", "1m") as disk:
        yield disk


def test_a_site_for_which_there_is_no_room_is_not_made(small: Path) -> None:
    fill(small / "filler")
    with pytest.raises(Failed) as told:
        lifecycle.create(small / "plant", "plant", ["plant-1"])
    assert told.value.code == "site.not_created"
    assert "YOLODEPLOY_HOME" in told.value.remedy()


def test_what_cannot_be_written_down_is_not_done_and_says_why(small: Path) -> None:
    Store.create(small / "site.db", "plant", ["plant-1"], time.time())
    with closing(Store(small / "site.db", "plant")) as store:
        store.beat(1.0)
        fill(small / "filler")
        with pytest.raises(Unreachable) as told, store.transaction() as db:
            for at in range(2000):  # some hundred kilobytes: more than SQLite has at hand
                db.execute("UPDATE site SET agent_at = ?", (at,))
                row = (at, "plant-1", "site.stopped", "x" * 500)
                db.execute("INSERT INTO events (at, device, code, detail) VALUES (?,?,?,?)", row)
        assert told.value.code == "site.disk_full"
        assert store.rows("SELECT agent_at FROM site") == [(1.0,)]
        (small / "filler").unlink()
        store.beat(2.0)
        assert store.rows("SELECT agent_at FROM site") == [(2.0,)]


def fill(filler: Path) -> None:
    """Take what is left of a disk."""
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
