"""A file that only grows, of whole lines, begun anew when it is large.

It is written with O_APPEND, so that a program that reads along sees whole lines, and opened anew
when somebody else has moved it away (logrotate). A line that a power cut left unfinished is cut
off before the next is written.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Failed, UsageError, YolodeployError

if TYPE_CHECKING:
    from collections.abc import Sequence

MODE = 0o640
# a power cut costs the lines since
SYNC_S = 5.0
_BLOCK = 64 << 10


class AppendedFile:
    """One file and its older ones: `path`, `path.1` (the newest of them) … `path.keep`."""

    def __init__(self, path: str, rotate_mb: int, keep: int, header: bytes = b"") -> None:
        """Check that it can be there.

        Raises:
            UsageError: `sink.folder_missing`, `sink.not_a_file`.
        """
        self._path = Path(path)
        self._most_bytes = rotate_mb << 20
        self._keep = keep
        self._header = header
        self._file = -1
        self._size = 0
        self._inode = (0, 0)
        self._unsynced = False
        self._synced_s = monotonic()
        try:
            if not self._path.parent.is_dir():
                raise UsageError("sink.folder_missing", path=self._path.parent)
            if self._path.exists() and not self._path.is_file():
                raise UsageError("sink.not_a_file", path=self._path)
        except OSError as error:
            # a name of more than 255 bytes, a folder that may not be entered
            raise UsageError("sink.not_a_file", path=self._path) from error

    def open(self) -> None:
        """Open it, and cut off what is no whole line.

        Raises:
            Failed: `sink.file`; `sink.other_header`, it is somebody else's.
        """
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            self._file = os.open(self._path, flags, MODE)
            found = os.fstat(self._file)
            if not stat.S_ISREG(found.st_mode):
                raise UsageError("sink.not_a_file", path=self._path)
            self._inode = (found.st_dev, found.st_ino)
            self._size = _whole_lines(self._file, found.st_size)
            if self._size < found.st_size:
                os.ftruncate(self._file, self._size)
            if not self._size and self._header:
                self._write(self._header)
            elif os.pread(self._file, len(self._header), 0) != self._header:
                raise Failed("sink.other_header", path=self._path)
        except OSError as error:
            self.close()
            raise self._failed(error) from error
        except YolodeployError:
            self.close()
            raise

    def append(self, pieces: Sequence[bytes]) -> int:
        """Add pieces of whole lines, as many as the file takes; how many: one at least.

        Raises:
            Failed: `sink.file`; then none was added.
        """
        try:
            if self._moved():
                self._begin()
            elif self._size > len(self._header) and not self._fitting(pieces):
                self._rotate()
                self._begin()
            count = self._fitting(pieces) or 1
            self._write(b"".join(pieces[:count]))
            if monotonic() - self._synced_s >= SYNC_S:
                self._sync()
        except OSError as error:
            raise self._failed(error) from error
        return count

    def _fitting(self, pieces: Sequence[bytes]) -> int:
        """How many of the first pieces the file may take."""
        size = self._size
        for number, piece in enumerate(pieces):
            size += len(piece)
            if size > self._most_bytes:
                return number
        return len(pieces)

    def rest(self) -> None:
        """Have the disk hold what was written, when nothing more comes.

        Raises:
            Failed: `sink.file`.
        """
        try:
            self._sync()
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Close it."""
        file, self._file = self._file, -1
        if file >= 0:
            with suppress(OSError):
                if self._unsynced:
                    os.fdatasync(file)
            os.close(file)

    def _begin(self) -> None:
        self.close()
        self.open()

    def _moved(self) -> bool:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return True
        # one that was emptied in place (copytruncate) has been moved, too
        moved = (found.st_dev, found.st_ino) != self._inode or found.st_size < self._size
        self._size = max(self._size, found.st_size)
        return moved

    def _rotate(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            older = self._older(number)
            if older.exists():
                older.replace(self._older(number + 1))
        if self._keep:
            self._path.replace(self._older(1))
        else:
            self._path.unlink()

    def _older(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _write(self, lines: bytes) -> None:
        """Write all of it or, on a full disk, nothing."""
        view = memoryview(lines)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(lines)
        self._unsynced = True

    def _sync(self) -> None:
        if self._unsynced:
            os.fdatasync(self._file)
        self._unsynced = False
        self._synced_s = monotonic()

    def _failed(self, error: OSError) -> Failed:
        return Failed("sink.file", path=self._path, reason=error.strerror or error)


def _whole_lines(file: int, size: int) -> int:
    """How many bytes of a file are whole lines."""
    end = size
    while end > 0:
        begin = max(0, end - _BLOCK)
        newline = os.pread(file, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0
