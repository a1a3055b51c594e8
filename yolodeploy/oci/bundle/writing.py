"""Writing a bundle's file or parts: aside, in order, durable as it goes, then renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from yolodeploy.core.errors import Failed, Refused
from yolodeploy.oci.bundle.volume import part_path
from yolodeploy.oci.locks import try_lock
from yolodeploy.oci.staging import is_at, sync_folder

# a stick that is pulled out loses this much, and the last percent takes no longer than the others
_SYNC = 32 << 20  # bytes

_CODES = {
    errno.ENOSPC: "bundle.disk_full",
    errno.EDQUOT: "bundle.disk_full",
    errno.EFBIG: "bundle.file_too_large",
}


class Writer:
    """A bundle on its way; to be closed. `part_bytes` 0 makes one file.

    What was written stays when it is closed before its end, for whoever goes on with it.
    """

    def __init__(self, target: Path, part_bytes: int = 0) -> None:
        self.target = target
        self._part_bytes = part_bytes
        self._size = 0
        self._unsynced = 0
        self._fd = -1
        with onto(target):
            self._lock = os.open(self._staged(1), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not (try_lock(self._lock) and is_at(self._lock, self._staged(1))):
            os.close(self._lock)
            raise Refused("bundle.busy", path=target)

    def begun(self) -> list[Path]:
        """What an earlier writer left, in order; parts of another length are worth nothing."""
        found = []
        for path in self._all_staged():
            found.append(path)
            if not self._part_bytes or path.stat().st_size != self._part_bytes:
                break
        return found

    def go_on(self, size: int) -> None:
        """Keep the first bytes of what is there, and drop the rest."""
        first, within = divmod(size, self._part_bytes) if self._part_bytes else (0, size)
        if first and not within:  # a part that is full is not followed by one that stays empty
            first, within = first - 1, self._part_bytes
        with onto(self.target):
            for path in list(self._all_staged())[first + 1 :]:
                path.unlink()
            self._fd = os.open(
                self._staged(first + 1), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
            )
            os.ftruncate(self._fd, within)
            os.lseek(self._fd, within, os.SEEK_SET)
        self._size = size

    def write(self, chunk: bytes) -> None:
        """Append to it.

        Raises:
            Failed: `bundle.disk_full`, `bundle.file_too_large`, `bundle.not_written`.
        """
        rest = memoryview(chunk)
        with onto(self.target):
            while rest:
                written = os.write(self._fd, rest[: self._room()])
                rest = rest[written:]
                self._size += written
                self._unsynced += written
            if self._unsynced >= _SYNC:
                os.fdatasync(self._fd)
                self._unsynced = 0

    def finish(self) -> None:
        """Give it its name, or its parts theirs, the first one last."""
        with onto(self.target):
            os.fsync(self._fd)
            for number, source in reversed(list(enumerate(self._all_staged(), 1))):
                source.replace(part_path(self.target, number) if self._part_bytes else self.target)
            sync_folder(self.target.parent)

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):
            for path in list(self._all_staged()):
                path.unlink()

    def close(self) -> None:
        """Close its files; again is harmless. An empty beginning is taken away."""
        with suppress(OSError):
            if self._size == 0 and self._staged(1).stat().st_size == 0:
                self._staged(1).unlink()
        for fd in {self._fd, self._lock} - {-1}:
            os.close(fd)
        self._fd = self._lock = -1

    def _room(self) -> int:
        """How many bytes the present part still takes; begins the next one where it is full."""
        if not self._part_bytes:
            return 1 << 30
        if self._size and self._size % self._part_bytes == 0:
            os.fsync(self._fd)
            if self._fd != self._lock:
                os.close(self._fd)
            path = self._staged(self._size // self._part_bytes + 1)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        return self._part_bytes - self._size % self._part_bytes

    def _staged(self, number: int) -> Path:
        return _staged(self.target, self._part_bytes, number)

    def _all_staged(self) -> Iterator[Path]:
        return staged(self.target, self._part_bytes)


def staged(target: Path, part_bytes: int = 0) -> Iterator[Path]:
    """What there is of a bundle that is being written, or was."""
    number = 1
    while (path := _staged(target, part_bytes, number)).exists():
        yield path
        number += 1
        if not part_bytes:
            return


def _staged(target: Path, part_bytes: int, number: int) -> Path:
    name = part_path(target, number).name if part_bytes else target.name
    return target.with_name(f".{name}.partial")


@contextmanager
def onto(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a bundle is written into errors.

    Raises:
        Failed: `bundle.disk_full`, `bundle.file_too_large`, or `bundle.not_written`.
    """
    try:
        yield
    except OSError as error:
        code = _CODES.get(error.errno or 0, "bundle.not_written")
        raise Failed(code, path=path, reason=error.strerror or error) from error
