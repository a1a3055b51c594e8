"""Opening the inventory, and the thin object that everything else here works on."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any

from yolodeploy.core.errors import Corrupt, NotFound, Refused, YolodeployError
from yolodeploy.inventory.faults import explained

SCHEMA_VERSION = 9
"""`PRAGMA user_version` of a file that this program reads and writes."""

BUSY_S = 10.0
"""How long a command waits for another one's transaction; the longest of ours take under 1 s."""

# 32 MiB and 16 MiB: what ten thousand devices touch in a round, else every page is read again
_WRITER = (
    "PRAGMA journal_mode=WAL",  # it is already, unless a restore was cut short
    "PRAGMA cache_size=-32768",
    "PRAGMA wal_autocheckpoint=4096",
    "PRAGMA journal_size_limit=67108864",
)

Row = tuple[Any, ...]
Parameters = Sequence[object] | Mapping[str, object]


class Inventory:
    """An open inventory. Threads may share it; a transaction keeps the others waiting.

    Every method raises the errors of `faults`: `inventory.busy`, `inventory.disk_full`,
    `inventory.read_only`, `inventory.corrupt`, `inventory.io`.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path
        self._lock = RLock()

    def execute(self, sql: str, parameters: Parameters = ()) -> sqlite3.Cursor:
        """Run one statement; its `rowcount` and `lastrowid` are what callers want."""
        with self._lock, explained(self.path):
            return self.connection.execute(sql, parameters)

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each of `rows`."""
        with self._lock, explained(self.path):
            self.connection.executemany(sql, rows)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a query."""
        with self._lock, explained(self.path):
            return self.connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row of a query, None where there is none."""
        with self._lock, explained(self.path):
            found: Row | None = self.connection.execute(sql, parameters).fetchone()
            return found

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several queries that see one moment, whatever other processes write meanwhile."""
        with self._lock:
            if self.connection.in_transaction:
                yield
                return
            self.execute("BEGIN")
            try:
                yield
            finally:
                self._roll_back()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Within another one it is part of that."""
        with self._lock:
            if self.connection.in_transaction:
                yield
                return
            # immediate: a transaction that reads first and writes later could not wait its turn
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self.connection.in_transaction:  # on a full disk SQLite has done it by itself
            self.connection.execute("ROLLBACK")

    @contextmanager
    def durable(self) -> Iterator[None]:
        """A transaction that is on the disk, not only in the system's cache, when it ends.

        It cannot be part of another one. With synchronous=NORMAL a power cut may take the last
        commits back, which is right for measurements and wrong for a journal.
        """
        with self._lock:
            self.execute("PRAGMA synchronous=FULL")
            try:
                with self.transaction():
                    yield
            finally:
                self.connection.execute("PRAGMA synchronous=NORMAL")

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def __enter__(self) -> Inventory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_inventory(path: Path) -> Inventory:
    """Open the inventory for reading and writing; create or migrate it where that is needed.

    Raises:
        Refused: `inventory.newer`, `inventory.read_only`.
        Corrupt: `inventory.corrupt`, also when the file has been emptied.
        Failed: `inventory.disk_full`, `inventory.busy`, `inventory.io`.
    """
    with explained(path):
        connection = _unmoved(path, _connect_to_write) if path.exists() else None
        if connection is None:
            from yolodeploy.inventory.migrations import bring_up_to_date

            bring_up_to_date(path)
            connection = _unmoved(path, _connect_to_write)
        if connection is None:
            raise Corrupt("inventory.corrupt", path=path, reason="it cannot be migrated")
        return Inventory(connection, path)


def read_inventory(path: Path) -> Inventory:
    """Open the inventory for reading only.

    Raises:
        NotFound: `inventory.missing`.
        Refused: `home.no_folder`; `inventory.newer`, or `inventory.read_only` when it must be
            migrated first.
        Corrupt: `inventory.corrupt`.
    """
    with explained(path):
        if not path.exists():
            raise missing(path)
        connection = _unmoved(path, _connect_to_read)
        if connection is None:
            open_inventory(path).close()
            connection = connect(path, "ro")
        return Inventory(connection, path)


def missing(path: Path) -> YolodeployError:
    """Why there is no inventory at `path`: none was made yet, or none can be below a plain file."""
    place = next(folder for folder in path.absolute().parents if folder.exists())
    if place.is_dir():
        return NotFound("inventory.missing", path=path)
    return Refused("home.no_folder", path=place)


def connect(path: Path, mode: str, *, immutable: bool = False) -> sqlite3.Connection:
    """A connection in `mode` (`ro`, `rw`, `rwc`) that waits for others and keeps foreign keys."""
    options = f"mode={mode}" + ("&immutable=1" if immutable else "")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,  # Inventory has a lock of its own
    )
    try:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of an open file.

    Raises:
        Refused: `inventory.newer`, a later version of yolodeploy has written it.
        Corrupt: `inventory.corrupt`: files are never left without a schema, so it was truncated.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise Refused("inventory.newer", path=path, found=version, known=SCHEMA_VERSION)
    if version == 0:
        raise Corrupt("inventory.corrupt", path=path, reason="it holds no tables")
    return version


def _unmoved(
    path: Path, opened: Callable[[Path], sqlite3.Connection | None]
) -> sqlite3.Connection | None:
    """A connection to the file that is at `path` now: a restore may have just replaced it."""
    while True:
        before = path.stat().st_ino
        connection = opened(path)
        if connection is None or path.stat().st_ino == before:
            return connection
        connection.close()


def _connect_to_write(path: Path) -> sqlite3.Connection | None:
    """A connection to a file of our version, None where it has to be migrated first."""
    if not os.access(path, os.W_OK):
        raise Refused("inventory.read_only", path=path, reason="the file is read-only")
    connection = _of_our_version(connect(path, "rw"), path)
    if connection is not None:
        for setting in _WRITER:
            connection.execute(setting)
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection | None:
    try:
        return _of_our_version(connect(path, "ro"), path)
    except sqlite3.OperationalError as error:
        if not _is_still(error, path):
            raise
        return _of_our_version(connect(path, "ro", immutable=True), path)


def _of_our_version(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection | None:
    """`connection` itself, or None, and closed, when its file is of an older version."""
    try:
        if checked_version(connection, path) == SCHEMA_VERSION:
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def _is_still(error: sqlite3.OperationalError, path: Path) -> bool:
    # On a read-only medium SQLite cannot make the shared-memory file that WAL needs. Without a
    # write-ahead log nobody is writing either, so the file may be read as it lies.
    unopened = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
    log = path.with_name(path.name + "-wal")
    return unopened and not (log.exists() and log.stat().st_size)
