"""Files and folders on their way: written aside, made durable, then renamed into place.

Whatever kills the writer, the place it writes to holds the old content or the new, never half.
What a dead writer leaves is told from a live one's by the lock that every writer holds.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yolodeploy.oci.locks import try_lock
from yolodeploy.oci.storage_errors import storing

# between making a file and locking it a writer is not yet seen as alive
_GRACE_S = 60.0


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power loss."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class StagedFile:
    """One file on its way. `size` is in bytes; `digest` is that of what was written so far."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.size = 0
        self._fd = fd
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """As OCI writes it."""
        return f"sha256:{self._hash.hexdigest()}"

    def write(self, chunk: bytes) -> None:
        """Append to it.

        Raises:
            Failed: `oci.disk_full` and other `oci.*` of the storage.
        """
        self._hash.update(chunk)
        self.size += len(chunk)
        with storing(self.path.parent):
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(self._fd, rest) :]

    def commit(self, destination: Path, *, mode: int = 0o644) -> None:
        """Put it in its place, durably; whoever had the name before is replaced.

        The name itself survives a power loss after `sync_folder` of the destination's folder.
        """
        with storing(destination):
            os.fchmod(self._fd, mode)
            os.fsync(self._fd)
            self.path.replace(destination)


class Staging:
    """A folder beside the destination, on the same file system, for what is on its way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def file(self) -> Iterator[StagedFile]:
        """A file that is gone at the end unless it was committed."""
        with storing(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd, name = tempfile.mkstemp(dir=self.folder)
        path = Path(name)
        try:
            try_lock(fd)
            yield StagedFile(path, fd)
        finally:
            os.close(fd)
            path.unlink(missing_ok=True)

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """A folder that is gone at the end unless it was renamed away."""
        with storing(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = Path(tempfile.mkdtemp(dir=self.folder))
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try_lock(fd)
            yield path
        finally:
            os.close(fd)
            shutil.rmtree(path, ignore_errors=True)

    def sweep(self, grace_s: float = _GRACE_S) -> int:
        """Remove what dead writers left; returns how many things went."""
        if not self.folder.is_dir():
            return 0
        return sum(_removed_if_dead(path, grace_s) for path in self.folder.iterdir())


def _removed_if_dead(path: Path, grace_s: float) -> bool:
    try:
        if time.time() - path.lstat().st_mtime < grace_s:
            return False
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # it went to its place, or another sweep had it
    try:
        if not try_lock(fd):
            return False
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        return True
    finally:
        os.close(fd)
