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
from yolodeploy.oci.sources import CHUNK
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

    def take_up(self) -> None:
        """Go on behind what an earlier writer left in it.

        Raises:
            Failed: `oci.*` of the storage.
        """
        with storing(self.path):
            while chunk := os.pread(self._fd, CHUNK, self.size):
                self._hash.update(chunk)
                self.size += len(chunk)
            os.lseek(self._fd, self.size, os.SEEK_SET)

    def restart(self) -> None:
        """Throw away what was written."""
        with storing(self.path):
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
        self._hash = hashlib.sha256()
        self.size = 0

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
    def kept(self, name: str) -> Iterator[StagedFile]:
        """A file that stays for whoever goes on with it, unless it was committed or is empty.

        While another process has it, a file of `file`: two that bring the same are harmless.
        """
        with storing(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.folder / name
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            fd = os.open(path, flags, 0o600)
        try:
            if try_lock(fd) and is_at(fd, path):
                staged = StagedFile(path, fd)
                staged.take_up()
                try:
                    yield staged
                finally:
                    if staged.size == 0 and is_at(fd, path):
                        path.unlink(missing_ok=True)
                return
        finally:
            os.close(fd)
        with self.file() as staged:
            yield staged

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


def is_at(fd: int, path: Path) -> bool:
    """Whether an open file still is the one of that name; its last owner may have moved it away."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    here = os.fstat(fd)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


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
