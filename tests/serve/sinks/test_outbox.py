"""The outbox and its spool: nothing is lost within the bound, and the bound holds.

If these fail, an outage or a crash costs results that the documentation says it does not.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from yolodeploy.core.errors import Corrupt, Failed
from yolodeploy.serve.sinks.outbox import Outbox
from yolodeploy.serve.sinks.spool import Spool
from yolodeploy.serve.sinks.telling import Telling
from yolodeploy.serve.sinks.transit import MOST_FRESH, MOST_FRESH_BYTES

from ...oci.small_disk import small_disk

if TYPE_CHECKING:
    from yolodeploy.serve.sinks.held import Held

MEGABYTE = 1 << 20
# where a disk has nothing to write through, for tests that commit thousands of times
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def opened(folder: Path, megabytes: int = 16) -> Outbox:
    outbox = Outbox(Spool(folder / "sink.spool", megabytes), Telling("sink"))
    outbox.keep(everything=True)
    return outbox


def put(outbox: Outbox, *names: int, size: int = 200) -> None:
    for name in names:
        outbox.put(str(name), "line-1", f"{name:{size}}".encode())


def names(taken: list[Held]) -> list[int]:
    assert all(int(held.body) == int(held.id) for held in taken)
    return [int(held.id) for held in taken]


def drained(outbox: Outbox) -> list[int]:
    """All that it still has, in its order."""
    found: list[int] = []
    while taken := outbox.take(1000):
        found += names(taken)
        for held in taken:
            outbox.delivered(held)
    return found


def crashed(folder: Path) -> Path:
    """What the disk holds at this moment, as a process that begins after kill -9 finds it."""
    copy = Path(tempfile.mkdtemp(dir=folder.parent))
    for path in folder.iterdir():
        shutil.copy(path, copy)
    return copy


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


class AnOutbox(RuleBasedStateMachine):
    """Against a list: what was published and not settled, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY)) / "first"
        self.root = self.folder.parent
        self.outbox = opened(self.folder)
        self.next = 0
        self.unsettled: list[int] = []
        self.kept: list[int] = []
        self.flying: list[Held] = []

    def teardown(self) -> None:
        self.outbox.close()
        shutil.rmtree(self.root)

    @rule(count=st.integers(1, 20), size=st.sampled_from([10, 1000, 5000]))
    def publish(self, count: int, size: int) -> None:
        made = list(range(self.next, self.next + count))
        self.next += count
        put(self.outbox, *made, size=size)
        self.unsettled += made

    @rule(window=st.integers(1, 30))
    def take(self, window: int) -> None:
        flying = names(self.flying)
        waiting = [name for name in self.unsettled if name not in flying]
        taken = []
        # what is in the spool and what is not come apart
        while more := self.outbox.take(window):
            taken += more
        assert names(taken) == waiting[: len(taken)]
        self.flying += taken
        # all of it flies, or the window is full but for less than a quarter
        left = window - len(self.flying)
        assert len(taken) == len(waiting) or left < max(1, window // 4)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        held = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        data.draw(st.sampled_from([self.outbox.delivered, self.outbox.refused]))(held)
        self.unsettled.remove(int(held.id))
        self.outbox.delivered(held)  # a second receipt changes nothing

    @rule()
    def rewind(self) -> None:
        self.outbox.rewind()
        late, self.flying = self.flying, []
        for held in late:  # a receipt of the connection that broke
            self.outbox.delivered(held)

    @rule()
    def keep(self) -> None:
        self.outbox.keep(everything=True)
        self.kept = list(self.unsettled)

    @rule()
    def sync(self) -> None:
        self.outbox.sync()

    @rule()
    def restart(self) -> None:
        self.outbox.close()
        self.outbox = opened(self.folder)
        self.kept = list(self.unsettled)
        self.flying = []

    @rule()
    def crash(self) -> None:
        copy = crashed(self.folder)
        self.outbox.close()
        self.folder = copy
        self.outbox = opened(self.folder)
        # what was acknowledged since comes again; what was published since is lost
        self.unsettled = list(self.kept)
        self.flying = []

    @invariant()
    def counts_what_it_holds(self) -> None:
        assert self.outbox.held == len(self.unsettled)


AnOutbox.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, database=None
)
TestAnOutbox = AnOutbox.TestCase


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sizes=st.lists(st.integers(10, 120_000), min_size=1, max_size=12),
    batch=st.integers(1, 40),
    megabytes=st.sampled_from([1, 2]),
    taken=st.integers(0, 20),
)
def test_a_full_spool_has_the_newest_and_never_more_bytes_than_it_may(
    sizes: list[int], batch: int, megabytes: int, taken: int
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name)
        outbox = opened(folder, megabytes)
        flying = []
        published = total = 0
        while total < 3 * megabytes * MEGABYTE and published < 2000:
            for _ in range(batch):
                size = sizes[published % len(sizes)]
                put(outbox, published, size=size)
                published, total = published + 1, total + size
            outbox.keep(everything=True)
            if not flying:
                flying = outbox.take(taken)
            assert on_disk(folder) <= megabytes * MEGABYTE
        tally, held, _ = outbox.counted()
        assert held + tally.dropped["spool_full"] + tally.dropped["refused"] == published
        outbox.rewind()
        tally, held, _ = outbox.counted()
        assert held + tally.dropped["spool_full"] + tally.dropped["refused"] == published
        most = min(MEGABYTE, megabytes * MEGABYTE // 8)
        fitting = [n for n in range(published) if sizes[n % len(sizes)] <= most]
        found = drained(outbox)
        assert found == fitting[len(fitting) - len(found) :]
        # small messages share pages, large ones leave part of their last page empty
        kept_bytes = sum(max(sizes[n % len(sizes)], 10) for n in found)
        assert len(found) == len(fitting) or kept_bytes > 0.25 * megabytes * MEGABYTE
        while outbox.counted()[1] or outbox._transit.done:
            outbox.keep(everything=True)
            assert on_disk(folder) <= megabytes * MEGABYTE
        outbox.close()
        assert list(folder.iterdir()) == []


def test_a_bound_that_was_made_smaller_holds_when_the_spool_was_next_empty(tmp_path: Path) -> None:
    outbox = opened(tmp_path, 4)
    put(outbox, *range(3000), size=1000)
    outbox.keep(everything=True)
    assert on_disk(tmp_path) > 3 * MEGABYTE
    outbox.bound(1)
    put(outbox, *range(3000, 3100), size=1000)
    outbox.keep(everything=True)
    found = drained(outbox)
    assert found == list(range(3100 - len(found), 3100))
    assert len(found) * 1000 < MEGABYTE
    outbox.keep()
    outbox.sync()
    assert on_disk(tmp_path) < MEGABYTE
    put(outbox, *range(5000), size=1000)
    outbox.keep(everything=True)
    assert on_disk(tmp_path) <= MEGABYTE
    outbox.close()


def test_messages_of_an_earlier_life_come_first(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    put(outbox, 1, 2, 3)
    outbox.close()
    outbox = opened(tmp_path)
    put(outbox, 4, 5)
    assert drained(outbox) == [1, 2, 3, 4, 5]
    outbox.close()


def test_an_acknowledged_message_is_never_written(tmp_path: Path) -> None:
    """An SD card that takes every message wears out in a year."""
    outbox = opened(tmp_path)
    before = outbox._spool.file_bytes
    for frame in range(1000):
        put(outbox, frame, size=1000)
        assert drained(outbox) == [frame]
        outbox.keep(everything=True)
    assert outbox._spool.file_bytes == before
    outbox.close()


@pytest.mark.parametrize("damage", ["zeros", "garbage", "cut", "text", "other"])
def test_a_damaged_spool_is_set_aside_and_what_is_in_memory_goes_on(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = opened(tmp_path)
    put(outbox, *range(2000), size=1000)
    outbox.close()
    path = tmp_path / "sink.spool"
    content = bytearray(path.read_bytes())
    if damage == "zeros":
        content[4096:] = bytes(len(content) - 4096)
    elif damage == "garbage":
        content[4096:] = random.Random(1).randbytes(len(content) - 4096)
    elif damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "text":
        content[:] = b"no database at all"
    path.write_bytes(content)
    if damage == "other":
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE total (something TEXT)")
        other.close()
    outbox = opened(tmp_path)
    put(outbox, 5000, 5001)
    found = drained(outbox)
    # the whole of it, or what could be read of it first
    assert found[-2:] == [5000, 5001]
    assert (tmp_path / "sink.spool.damaged").exists()
    assert caplog.text.count("sink.spool_damaged") == 1
    outbox._keep_again_s = 0.0
    put(outbox, 6000)
    outbox.keep(everything=True)
    outbox.close()
    outbox = opened(tmp_path)
    assert drained(outbox) == [6000]
    outbox.close()


def test_a_second_damaged_spool_takes_the_place_of_the_first(tmp_path: Path) -> None:
    for _ in range(3):
        (tmp_path / "sink.spool").write_bytes(b"no database at all, and that for some time" * 100)
        outbox = opened(tmp_path)
        outbox.close()
    assert [path.name for path in tmp_path.iterdir()] == ["sink.spool.damaged"]


def test_a_full_disk_costs_the_oldest_of_what_memory_holds_and_heals(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with small_disk(tmp_path / "disk", "2m") as disk:
        outbox = opened(disk, 64)
        put(outbox, *range(500), size=1000)
        outbox.keep(everything=True)
        (disk / "other").write_bytes(bytes(disk_free(disk)))
        put(outbox, *range(500, 3000), size=1000)
        outbox.keep(everything=True)
        assert caplog.text.count("sink.spool_disk") == 1
        # in memory, all of them
        assert outbox.held == 3000
        put(outbox, *range(3000, 3000 + MOST_FRESH), size=1000)
        tally, held, _ = outbox.counted()
        assert tally.dropped["disk"] == 3000 + MOST_FRESH - held
        assert held <= 500 + MOST_FRESH_BYTES // 1000
        (disk / "other").unlink()
        outbox.keep(everything=True)
        found = drained(outbox)
        assert found[:500] == list(range(500))
        assert found[500:] == list(range(3000 + MOST_FRESH - len(found) + 500, 3000 + MOST_FRESH))
        outbox.keep(everything=True)
        assert "is written again" in caplog.text
        outbox.close()


def rows_of(outbox: Outbox) -> int:
    connection = outbox._spool._connection
    assert connection is not None
    return int(connection.execute("SELECT count(*) FROM message").fetchone()[0])


def test_a_write_that_the_disk_does_not_take_counts_nothing(tmp_path: Path) -> None:
    """Or the spool would be thought empty, and removed with what is in it."""
    with small_disk(tmp_path / "disk", "2m") as disk:
        outbox = opened(disk, 64)
        put(outbox, *range(500), size=1000)
        outbox.keep(everything=True)
        flying = outbox.take(500)
        (disk / "other").write_bytes(bytes(disk_free(disk)))
        for held in flying:
            outbox.delivered(held)
        outbox.keep(everything=True)  # fails in the COMMIT: all of it fits into SQLite's memory
        assert rows_of(outbox) == outbox._spool.messages == 500
        (disk / "other").unlink()
        outbox.close()


class FailingSpool(Spool):
    """A double: no disk can be had here that fails but for the write itself."""

    fails = False

    def _measure(self) -> None:
        self._fail()
        super()._measure()

    def _hold_to_bound(self, connection: sqlite3.Connection) -> None:
        self._fail()
        super()._hold_to_bound(connection)

    def _fail(self) -> None:
        if self.fails:
            raise Failed("sink.spool_disk", path=self.path, reason="disk I/O error")


def test_what_was_committed_is_not_written_again(tmp_path: Path) -> None:
    """Its number would be there twice, and the whole spool be set aside as damaged."""
    spool = FailingSpool(tmp_path / "sink.spool", 1)
    outbox = Outbox(spool, Telling("sink"))
    outbox.open()
    spool.fails = True
    put(outbox, 1, 2)
    outbox.keep(everything=True)
    spool.fails = False
    put(outbox, 3)
    outbox.keep(everything=True)
    assert outbox.counted()[0].dropped["disk"] == 0
    assert drained(outbox) == [1, 2, 3]
    outbox.close()
    assert not (tmp_path / "sink.spool.damaged").exists()


def test_a_new_bound_waits_for_a_disk_that_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A change of the settings would otherwise stop half way, with sinks that nobody knows."""
    spool = FailingSpool(tmp_path / "sink.spool", 1)
    outbox = Outbox(spool, Telling("sink"))
    outbox.open()
    spool.fails = True
    outbox.bound(4)
    put(outbox, *range(2000), size=1000)
    outbox.keep(everything=True)
    assert outbox.held == 2000
    assert caplog.text.count("sink.spool_disk") == 1
    spool.fails = False
    outbox.keep(everything=True)
    assert drained(outbox) == list(range(2000))
    outbox.close()


def disk_free(disk: Path) -> int:
    return shutil.disk_usage(disk).free


def test_a_spool_that_opens_late_gives_the_older_messages_first(tmp_path: Path) -> None:
    """Its folder could not be written at the start, and can later."""
    folder = tmp_path / "spools"
    outbox = opened(folder)
    put(outbox, 1, 2, 3)
    outbox.close()
    folder.rename(tmp_path / "away")
    folder.write_text("no folder")
    outbox = opened(folder)
    put(outbox, 4, 5)
    (first,) = outbox.take(1)
    folder.unlink()
    (tmp_path / "away").rename(folder)
    outbox.keep(everything=True)
    assert names([first]) == [4]
    assert drained(outbox) == [1, 2, 3, 5]
    outbox.rewind()
    assert drained(outbox) == [4]
    outbox.keep(everything=True)
    outbox.close()
    assert list(folder.iterdir()) == []


def test_a_message_that_no_spool_takes_is_refused_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = opened(tmp_path, 1)
    put(outbox, 1, 2, size=200_000)
    put(outbox, 3)
    assert drained(outbox) == [3]
    assert outbox.counted()[0].dropped["refused"] == 2
    assert caplog.text.count("sink.too_large") == 1
    outbox.close()


def test_a_spool_of_someone_else_stays_his(tmp_path: Path) -> None:
    """A second server with the same state folder would otherwise send everything twice."""
    first = opened(tmp_path)
    put(first, 1)
    first.keep(everything=True)
    second = opened(tmp_path)
    put(second, 2)
    second.keep(everything=True)
    assert drained(second) == [2]
    assert drained(first) == [1]
    second.close()
    first.close()


def test_a_spool_that_was_closed_stays_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or this server would keep it from the one that takes over."""
    outbox = opened(tmp_path)
    put(outbox, 1)
    idle = outbox._idle

    def closed_meanwhile() -> bool:
        monkeypatch.undo()
        found = idle()
        outbox.close()
        return found

    monkeypatch.setattr(outbox, "_idle", closed_meanwhile)
    outbox.keep(everything=True)
    assert not outbox._spool.opened
    outbox = opened(tmp_path)
    assert drained(outbox) == [1]
    outbox.close()


class UnreadableSpool(Spool):
    """A double: no disk that can be written and not read can be had here."""

    reads = 0

    def read(self, *_: object) -> list[Held]:
        self.reads += 1
        raise Failed("sink.spool_disk", path=self.path, reason="disk I/O error")


def test_a_disk_that_cannot_be_read_is_not_asked_all_the_time(tmp_path: Path) -> None:
    """A gateway whose card dies would have one core busy with it."""
    spool = UnreadableSpool(tmp_path / "sink.spool", 1)
    outbox = Outbox(spool, Telling("sink"))
    put(outbox, 1, 2)
    outbox.keep(everything=True)
    began = time.monotonic()
    for _ in range(3):
        assert outbox.take(10) == []
        assert not outbox.wait(0.05, 10, lambda: False) or time.monotonic() > began + 1
    assert spool.reads <= 1 + int(time.monotonic() - began)
    # and nothing overtakes what it holds
    put(outbox, 3)
    assert outbox.take(10) == []
    assert outbox.held == 3
    outbox.close()


def test_a_damaged_row_is_no_message(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "sink.spool", 1)
    spool.open()
    assert spool._connection is not None
    spool._connection.execute("INSERT INTO message VALUES (1, 'a', 'b', 3, 4)")
    with pytest.raises(Corrupt):
        spool.read(0, 10, 1000, ())
    spool.close()
