"""What SQLite and the file system say of the inventory, as errors a person can act on.

This is the only place where their codes are read.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from yolodeploy.core.errors import Corrupt, Failed, Refused, YolodeployError

# the low byte of an extended result code is the plain one (sqlite.org/rescode.html)
_PLAIN = 0xFF
_TOO_LITTLE_BYTES = 1 << 20
_CLOSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN)
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Busy(Failed):
    """Another process is writing (`inventory.busy`); trying again will help."""

    retryable = True


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite or the system raises within into errors of ours, about `path`."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a broken rule of the schema is the caller's matter
    except sqlite3.Error as error:
        known = of_sqlite(error, path)
        if known is None:
            raise
        raise known from error
    except msgspec.DecodeError as error:
        raise Corrupt("inventory.corrupt", path=path, reason=error) from error
    except OSError as error:
        raise of_system(error, path) from error


@contextmanager
def made_at(place: Path) -> Iterator[None]:
    """As `explained`; what keeps a copy or an export from being made blames its place.

    It is no fault of the inventory, which may lie on a disk that is sound.
    """
    with explained(place):
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PLAIN not in _CLOSED:
                raise
            raise Failed("inventory.not_made", path=place, reason=error) from error
        except OSError as error:
            if error.errno in _FULL:
                raise
            reason = error.strerror or error
            raise Failed("inventory.not_made", path=place, reason=reason) from error


def of_sqlite(error: sqlite3.Error, path: Path) -> YolodeployError | None:
    """Our error for one of SQLite's; None for a mistake in our own SQL."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PLAIN
    said = {"path": path, "reason": error}
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL):
        return Busy("inventory.busy", **said)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return Failed("inventory.disk_full", **said)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Corrupt("inventory.corrupt", **said)
    if code in _CLOSED:
        return Refused("inventory.read_only", **said)
    if code == sqlite3.SQLITE_IOERR:
        return Failed("inventory.io", **said)
    return None


def of_system(error: OSError, path: Path) -> YolodeployError:
    """Our error for one of the operating system's."""
    said = {"path": path, "reason": error.strerror or error}
    if error.errno in _FULL:
        return Failed("inventory.disk_full", **said)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Refused("inventory.read_only", **said)
    return Failed("inventory.io", **said)


def _is_full(path: Path) -> bool:
    # a full disk shows as an I/O error where SQLite grows its shared-memory file
    try:
        return shutil.disk_usage(path.parent).free < _TOO_LITTLE_BYTES
    except OSError:
        return False
