"""Keeping the file safe: backup, check, restore, compaction."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Corrupt, NotFound, Refused
from yolodeploy.inventory.connection import (
    SCHEMA_VERSION,
    Inventory,
    checked_version,
    connect,
    read_inventory,
)
from yolodeploy.inventory.faults import Busy, explained, made_at, of_sqlite


class Finding(NamedTuple):
    """Something wrong with a file. `kind`: damage, reference (to a row that is gone) or schema."""

    kind: str
    detail: str


def backup(path: Path, file: Path, *, dry_run: bool = False) -> int:
    """Copy the inventory at `path` to a new `file` (mode 0600); its size in bytes.

    Others may read and write meanwhile; the copy is of one moment. A dry run tells the size of
    what would be copied.

    Raises:
        NotFound: `inventory.missing`.
        Refused: `inventory.exists`; `inventory.newer`.
        Failed: `inventory.not_made`; `inventory.disk_full`, nothing is left of the copy then.
    """
    from yolodeploy.inventory.migrations import sync

    part = file.with_name(file.name + ".part")
    with read_inventory(path) as source, made_at(file):
        if file.exists():
            raise Refused("inventory.exists", path=file)
        demand_place(file.parent)
        if dry_run:
            return _pages_bytes(source)
        try:
            _copy(source.connection, part, "DELETE")
            part.rename(file)
        finally:
            part.unlink(missing_ok=True)
        sync(file.parent)
        return file.stat().st_size


def check(path: Path) -> list[Finding]:
    """What is wrong with the file; an empty list when nothing is.

    Raises:
        NotFound: `inventory.missing`.
        Refused: `inventory.newer`.
    """
    try:
        with read_inventory(path) as inventory:
            damage = inventory.rows("PRAGMA integrity_check(100)")
            if damage != [("ok",)]:
                return [Finding("damage", str(row[0])) for row in damage]
            dangling = inventory.rows("PRAGMA foreign_key_check")
            return [Finding("reference", f"{row[0]} row {row[1]}: {row[2]}") for row in dangling]
    except Corrupt as error:
        return [Finding("damage", str(error.fields.get("reason") or error.text()))]


def restore(file: Path, path: Path, *, dry_run: bool = False) -> Path | None:
    """Put the backup `file` in the place of the inventory at `path`.

    The replaced inventory is kept beside it, and where that is gets returned (None: there was
    none). Whoever opens `path` meanwhile sees the old one or the new one and nothing in between.
    Whether another process has it open is only known when it is locked, which a dry run does not.

    Raises:
        NotFound: `inventory.not_one`, there is no such file.
        Corrupt: `inventory.not_one`, the backup is damaged or something else.
        Refused: `inventory.newer`; `inventory.in_use`, another process has the inventory open.
        Failed: `inventory.disk_full`; the old inventory is in place then.
    """
    from yolodeploy.inventory.migrations import alone, remove_logs, sync

    if dry_run:
        with _sound(file):
            return _free_name(_aside(path)) if path.exists() else None
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(path.name + ".restoring")
    with explained(path), alone(path):
        try:
            with _sound(file) as source:
                _copy(source, new, "WAL")
            with _set_aside(path) as kept:
                remove_logs(path)
                new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        sync(path.parent)
    return kept


def vacuum(inventory: Inventory) -> int:
    """Give pages that pruning freed back to the disk; how many bytes the file shrank.

    It needs as much free space as the file has rows, and nobody can write meanwhile.
    """
    before = inventory.path.stat().st_size
    inventory.execute("VACUUM")
    inventory.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before - inventory.path.stat().st_size


def demand_place(folder: Path) -> None:
    """Whether files can be made in a folder.

    Raises:
        OSError: No, and why.
    """
    if not folder.is_dir():
        number = errno.ENOTDIR if folder.exists() else errno.ENOENT
        raise OSError(number, os.strerror(number), str(folder))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def _pages_bytes(inventory: Inventory) -> int:
    [pages], [size] = (inventory.rows(f"PRAGMA {name}")[0] for name in ("page_count", "page_size"))
    return int(pages) * int(size)


def _copy(source: sqlite3.Connection, file: Path, journal_mode: str) -> None:
    from yolodeploy.inventory.migrations import connect_new, sync

    with closing(connect_new(file)) as target:
        source.backup(target)
        # a backup may lie on a medium where the files that WAL needs cannot be made
        target.execute(f"PRAGMA journal_mode={journal_mode}")
    sync(file)


@contextmanager
def _sound(file: Path) -> Iterator[sqlite3.Connection]:
    """A backup that can take an inventory's place, opened for reading."""
    if not file.is_file():
        raise NotFound("inventory.not_one", path=file, reason="there is no such file")
    try:
        with closing(connect(file, "ro")) as source:
            version = checked_version(source, file)
            damage = source.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if version <= SCHEMA_VERSION and damage == "ok":
                yield source
                return
    except (sqlite3.DatabaseError, Corrupt) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            raise
        damage = str(error)
    raise Corrupt("inventory.not_one", path=file, reason=damage)


@contextmanager
def _set_aside(path: Path) -> Iterator[Path | None]:
    """Give the file a second name to be kept under, and lock it until it has been replaced."""
    if not path.exists():
        yield None
        return
    kept = _free_name(_aside(path))
    log, kept_log = (each.with_name(each.name + "-wal") for each in (path, kept))
    if log.exists():  # a damaged file's log may hold what the file lacks, and SQLite removes it
        shutil.copyfile(log, kept_log)
    try:
        connection = _locked(path)
    except BaseException:
        kept_log.unlink(missing_ok=True)
        raise
    try:
        os.link(path, kept)
        if connection is not None:  # the log is part of the file by now
            kept_log.unlink(missing_ok=True)
        yield kept
    finally:
        if connection is not None:
            connection.close()


def _locked(path: Path) -> sqlite3.Connection | None:
    """The only connection to a file, or None for a damaged one, which nobody can be using."""
    try:
        connection = connect(path, "rw")
    except sqlite3.DatabaseError as error:
        if _is_damage(error):
            return None
        raise
    try:
        connection.execute("PRAGMA busy_timeout=1000")
        # leaving WAL succeeds for the only connection, and removes the log, so that nothing of
        # the old file is left under a name that the new one will use
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        alone = connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    except sqlite3.DatabaseError as error:
        connection.close()
        if _is_damage(error):
            return None
        if isinstance(of_sqlite(error, path), Busy):
            raise Refused("inventory.in_use", path=path) from None
        raise
    if not alone:
        connection.close()
        raise Refused("inventory.in_use", path=path)
    return connection


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".before-restore")


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return path if not path.exists() else next(name for name in names if not name.exists())
