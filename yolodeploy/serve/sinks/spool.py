"""The spool of one sink: a SQLite file that keeps what its place has not taken, and no more.

The bound is in bytes on disk. SQLite holds the database to it (`max_page_count`) and uses freed
pages again; the write-ahead log is bounded by its checkpoints and by what one transaction may
write. A commit survives the process at once, and a power cut when the next checkpoint has
written it through (`synchronous=NORMAL`, see `sync`).
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Corrupt, Failed
from yolodeploy.serve.sinks.held import Held

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

PAGE = 4096
LOG_FRAME = PAGE + 24
# of the write-ahead log, in pages: what starts a checkpoint
MOST_LOG_PAGES = 256
LARGEST_MESSAGE = 1 << 20
# pages that a transaction writes beside its messages: the tree's inner pages, the free list
SLACK_PAGES = 12
# an empty spool that is larger than this gives its space back
WORTH_SHRINKING_PAGES = 256

_PLAIN = 0xFF  # the low byte of an extended result code (sqlite.org/rescode.html)
# an earlier release's server, on its way out
_TAKEN = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DISK = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, camera TEXT NOT NULL,
    at_ms INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS total (messages INTEGER NOT NULL);
INSERT INTO total SELECT count(*) FROM message WHERE NOT EXISTS (SELECT * FROM total);
"""


class Spool:
    """Not for two threads at once: its owner has a lock.

    Every method raises `Corrupt` (`sink.spool_damaged`) or `Failed` (`sink.spool_disk`,
    `sink.spool_taken`: another process has it).
    """

    def __init__(self, path: Path, megabytes: int) -> None:
        self.path = path
        self.messages = 0
        self.file_bytes = 0
        self.oldest_ns: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._dirty = False
        self._bound_holds = False
        self.bound(megabytes)

    def bound(self, megabytes: int) -> None:
        """Take a new bound; a file that is larger shrinks when it is next empty.

        SQLite is told with the next write, and so this cannot fail.
        """
        pages = (megabytes << 20) // PAGE
        self.largest = min(LARGEST_MESSAGE, (megabytes << 20) // 8)
        # of one transaction, unless it is one message
        self.batch_bytes = min(LARGEST_MESSAGE, (megabytes << 20) // 32)
        # a row that goes changes its own page and perhaps its neighbour
        self.most_done = self.largest // PAGE // 4
        self._log_pages = min(MOST_LOG_PAGES, pages // 16)
        written = self.largest // PAGE + 2 * self.most_done + SLACK_PAGES
        log = (self._log_pages + written) * LOG_FRAME
        self._most_pages = pages - -(-log // PAGE)
        self._bound_holds = False

    @property
    def opened(self) -> bool:
        """Whether the file is open."""
        return self._connection is not None

    def open(self) -> int:
        """Open the file, making it where it is missing; the highest `seq` in it, 0 when empty."""
        with self._explained():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            connection = sqlite3.connect(
                self.path, timeout=0, isolation_level=None, check_same_thread=False
            )
            try:
                highest = self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        self._connection = connection
        self._measure()
        return highest

    def _prepare(self, connection: sqlite3.Connection) -> int:
        for pragma in (
            f"page_size={PAGE}",
            "locking_mode=EXCLUSIVE",  # and so no file of shared memory beside it
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "cache_size=-1024",
            # Debian's SQLite would write zeros over every page that becomes free
            "secure_delete=OFF",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        self._hold_to_bound(connection)
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        (self.messages,) = connection.execute("SELECT messages FROM total").fetchone()
        (highest,) = connection.execute("SELECT max(seq) FROM message").fetchone()
        return highest or 0

    def _hold_to_bound(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA max_page_count={self._most_pages}").fetchall()
        connection.execute(f"PRAGMA wal_autocheckpoint={self._log_pages}").fetchall()
        self._bound_holds = True

    def write(self, new: Sequence[Held], done: Sequence[int]) -> list[int]:
        """Take `new` in and forget `done`, all or nothing; the seqs that had to make room.

        `new` has at most `batch_bytes`, or is one message of at most `largest`, and is younger
        than all that is in the file; `done` is at most `most_done` long. The log's bound counts
        on it.
        """
        with self._explained() as connection:
            if not self._bound_holds:
                self._hold_to_bound(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                evicted, messages = self._written(connection, new, done)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # SQLite may have rolled back by itself
                    connection.execute("ROLLBACK")
                raise
        self.messages = messages
        self._dirty = True
        # it is written, and would be written a second time if this failed
        with suppress(Corrupt, Failed):
            self._measure()
        return evicted

    def _written(
        self, connection: sqlite3.Connection, new: Sequence[Held], done: Sequence[int]
    ) -> tuple[list[int], int]:
        """The seqs that had to make room, and how many messages are in the file with that."""
        forgotten = connection.executemany(
            "DELETE FROM message WHERE seq = ?", ((seq,) for seq in done)
        ).rowcount
        evicted = self._make_room(connection, new) if new else []
        now_ms, now_ns = time.time_ns() // 1_000_000, time.monotonic_ns()
        connection.executemany(
            "INSERT INTO message VALUES (?, ?, ?, ?, ?)",
            (
                (one.seq, one.id, one.camera, now_ms - (now_ns - one.at_ns) // 1_000_000, one.body)
                for one in new
            ),
        )
        messages = self.messages + len(new) - len(evicted) - max(forgotten, 0)
        connection.execute("UPDATE total SET messages = ?", (messages,))
        return evicted, messages

    def _make_room(self, connection: sqlite3.Connection, new: Sequence[Held]) -> list[int]:
        needed = SLACK_PAGES + sum(_pages(one) for one in new)
        evicted: list[int] = []
        while (missing := needed - self._free_pages(connection)) > 0:
            oldest = _oldest(connection, missing * PAGE)
            if not oldest:
                break  # SQLite's own bound says the rest
            connection.executemany("DELETE FROM message WHERE seq = ?", ((seq,) for seq in oldest))
            evicted += oldest
        return evicted

    def _free_pages(self, connection: sqlite3.Connection) -> int:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        return self._most_pages - int(pages) + int(free)

    def read(self, after: int, most: int, most_bytes: int, skip: Collection[int]) -> list[Held]:
        """The oldest messages with a `seq` above `after`, but for `skip`; one at least.

        At most `most`, and no more than `most_bytes` if it is more than one.
        """
        found: list[Held] = []
        now_ms, now_ns = time.time_ns() // 1_000_000, time.monotonic_ns()
        with self._explained() as connection:
            rows = connection.execute("SELECT * FROM message WHERE seq > ? ORDER BY seq", (after,))
            for seq, name, camera, at_ms, body in rows:
                if seq in skip:
                    continue
                if not isinstance(body, bytes) or not isinstance(at_ms, int):
                    raise Corrupt("sink.spool_damaged", path=self.path, reason=f"row {seq}")
                most_bytes -= len(body)
                if found and most_bytes < 0:
                    break
                # a wall clock that was set back makes no message younger than now
                at_ns = now_ns - max(0, now_ms - at_ms) * 1_000_000
                found.append(Held(seq, name, camera, at_ns, body, stored=True))
                if len(found) == most:
                    break
            rows.close()
        return found

    def sync(self) -> None:
        """Have the disk hold all that was committed, and shrink the file when it is empty."""
        if not self._dirty:
            return
        with self._explained() as connection:
            if self.messages == 0 and self._pages(connection) > WORTH_SHRINKING_PAGES:
                connection.execute("VACUUM")
                self._hold_to_bound(connection)
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self._dirty = False
        self._measure()

    def _pages(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])

    def _measure(self) -> None:
        with self._explained() as connection:
            found = connection.execute("SELECT at_ms FROM message ORDER BY seq LIMIT 1").fetchone()
        self.oldest_ns = (
            time.monotonic_ns() - max(0, time.time_ns() - found[0] * 1_000_000) if found else None
        )
        self.file_bytes = sum(_size(path) for path in self._files())

    def close(self) -> None:
        """Write all through and close; a file that holds nothing is removed."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with self._explained():
            connection.close()
            if self.messages == 0:
                for path in self._files():
                    path.unlink(missing_ok=True)

    def set_aside(self) -> Path:
        """Put a damaged file out of the way, in the place of an earlier one; the next is new."""
        connection, self._connection = self._connection, None
        self.messages = 0
        self.oldest_ns = None
        aside = self.path.with_name(f"{self.path.name}.damaged")
        with self._explained():
            if connection is not None:
                connection.close()
            database, log = self._files()
            for path, target in ((log, f"{aside.name}-wal"), (database, aside.name)):
                path.with_name(target).unlink(missing_ok=True)
                if path.exists():
                    path.replace(path.with_name(target))
        return aside

    def _files(self) -> tuple[Path, Path]:
        return self.path, self.path.with_name(f"{self.path.name}-wal")

    @contextmanager
    def _explained(self) -> Iterator[sqlite3.Connection]:
        """The connection; what SQLite and the system raise within, as errors of ours."""
        try:
            yield self._connection  # type: ignore[misc]
        except (sqlite3.Error, OSError) as error:
            raise _explanation(error, self.path) from error


def _pages(one: Held) -> float:
    """How many pages of the file a message takes at most."""
    size = len(one.body) + len(one.id) + len(one.camera) + 24
    beyond = 0
    if size > PAGE - 35:  # it goes on in pages of its own (sqlite.org/fileformat2.html, 1.6)
        least = (PAGE - 12) * 32 // 255 - 23
        local = least + (size - least) % (PAGE - 4)
        local = local if local <= PAGE - 35 else least
        beyond = -(-(size - local) // (PAGE - 4))
        size = local
    return beyond + 1 / max(1, (PAGE - 8) // (size + 4))


def _oldest(connection: sqlite3.Connection, size: float) -> list[int]:
    """The seqs of the oldest messages that have `size` bytes together, or of all."""
    found: list[int] = []
    rows = connection.execute("SELECT seq, length(body) FROM message ORDER BY seq")
    for seq, length in rows:
        found.append(seq)
        size -= length + 40
        if size <= 0:
            break
    rows.close()
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _explanation(error: sqlite3.Error | OSError, path: Path) -> Corrupt | Failed:
    if isinstance(error, OSError):
        return Failed("sink.spool_disk", path=path, reason=error.strerror or error)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PLAIN
    if code in _TAKEN:
        return Failed("sink.spool_taken", path=path)
    if code in _DISK:
        return Failed("sink.spool_disk", path=path, reason=error)
    # a table that is not there, a number that is there twice: not what was written
    return Corrupt("sink.spool_damaged", path=path, reason=error)
