"""The schema, and how an older file gets to it. Loaded only when a file is behind or missing.

A migration is a file `schema/NNNN.sql` of statements. All pending ones run in one transaction
together with the version number, so a file has one version or the next and never half of one.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

from sqlite_utils import Database, Migrations

from yolodeploy.inventory.connection import SCHEMA_VERSION, checked_version, connect

MIGRATIONS = Migrations("yolodeploy")


def bring_up_to_date(path: Path) -> None:
    """Create the file, or migrate it; does nothing when another process was quicker.

    The folder is made with mode 0700 and the file with 0600.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(path):
        if not path.exists():
            _create(path)
            return
        with closing(connect(path, "rw")) as connection:
            if checked_version(connection, path) < SCHEMA_VERSION:
                _migrate(connection)


def _create(path: Path) -> None:
    # made under another name and renamed: whoever sees the file sees all of it, and an empty
    # file in its place can only be a damaged one
    new = path.with_name(path.name + ".new")
    with closing(connect_new(new)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        _migrate(connection)
    sync(new)
    remove_logs(path)
    new.rename(path)
    sync(path.parent)


def connect_new(path: Path) -> sqlite3.Connection:
    """A connection to an empty file (mode 0600) in the place of whatever a crash left there."""
    path.unlink(missing_ok=True)
    remove_logs(path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    return connect(path, "rw")


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN EXCLUSIVE")
    try:
        database = Database(connection, recursive_triggers=False, execute_plugins=False)
        MIGRATIONS.apply(database)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the only process that creates, migrates or replaces the file."""
    # SQLite cannot make two processes wait for each other while the file is not there yet
    lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def remove_logs(path: Path) -> None:
    """Remove the write-ahead log of a file that is gone: SQLite would play it into the next one."""
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _run(database: Database, name: str) -> None:
    # executescript would commit first, so the statements are run one by one
    statement = ""
    script = files("yolodeploy.inventory") / "schema" / name
    for line in script.read_text("utf-8").splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            database.execute(statement)
            statement = ""


@MIGRATIONS()
def m0001(database: Database) -> None:
    """The first schema."""
    _run(database, "0001.sql")


@MIGRATIONS()
def m0002(database: Database) -> None:
    """Who must have signed the images of an app."""
    _run(database, "0002.sql")


@MIGRATIONS()
def m0003(database: Database) -> None:
    """Hosts of clusters."""
    _run(database, "0003.sql")


@MIGRATIONS()
def m0004(database: Database) -> None:
    """Rollouts that wait for a time or a person."""
    _run(database, "0004.sql")


@MIGRATIONS()
def m0005(database: Database) -> None:
    """Latency of devices by day."""
    _run(database, "0005.sql")


@MIGRATIONS()
def m0006(database: Database) -> None:
    """Notices, and who collects."""
    _run(database, "0006.sql")


@MIGRATIONS()
def m0007(database: Database) -> None:
    """What was proved of a device, and a site's proxy."""
    _run(database, "0007.sql")


@MIGRATIONS()
def m0008(database: Database) -> None:
    """What clusters say of their nodes and of themselves."""
    _run(database, "0008.sql")


@MIGRATIONS()
def m0009(database: Database) -> None:
    """Code and fields of what rollouts and their steps say."""
    _run(database, "0009.sql")
