"""The file of a bundle, or its parts, as one run of bytes that can be read anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Corrupt, Failed, NotFound
from yolodeploy.oci.sources import open_regular

FIRST = ".001"
MOST_PARTS = 999


def part_path(target: Path, number: int) -> Path:
    """The name of a part, counted from 1: `NAME.001`; `cat NAME.*` puts them together."""
    return target.with_name(f"{target.name}.{number:03}")


def parts_of(path: Path) -> list[Path]:
    """The files that a bundle is in, given its name or that of its first part.

    Raises:
        NotFound: `bundle.absent`.
    """
    if not path.name or (path.is_file() and path.suffix != FIRST):
        return [path]  # `/` and `.` have no name that a number could follow
    whole = path.with_suffix("") if path.suffix == FIRST else path
    found = []
    for number in range(1, MOST_PARTS + 1):
        part = part_path(whole, number)
        if not part.is_file():
            break
        found.append(part)
    if not found and path.exists():
        return [path]
    if not found:
        raise NotFound("bundle.absent", path=path)
    return found


class _Part(NamedTuple):
    path: Path
    fd: int
    begins_at: int
    size: int


class Volume:
    """An open bundle; to be closed. `size` is in bytes; `parts` are its files where they are known.

    Raises:
        NotFound: `bundle.absent`.
        Failed: `bundle.unreadable`.
    """

    def __init__(self, path: Path, parts: Iterable[Path] | None = None) -> None:
        self.path = path
        self.size = 0
        self._parts: list[_Part] = []
        try:
            for part in parts_of(path) if parts is None else parts:
                self._open(part)
        except OSError as error:
            self.close()
            raise unreadable(path, error) from error

    def _open(self, path: Path) -> None:
        with open_regular(path) as file:
            fd = os.dup(file.fileno())
        size = os.fstat(fd).st_size
        # what was just written is in memory: the stick itself is to be read
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        self._parts.append(_Part(path, fd, self.size, size))
        self.size += size

    @property
    def paths(self) -> list[Path]:
        """The files that it is in."""
        return [part.path for part in self._parts]

    def read_at(self, offset: int, size: int) -> bytes:
        """Some bytes from an offset on: fewer than asked for at the end of a part, none at the end.

        Raises:
            Failed: `bundle.unreadable`, the disk gives an error.
        """
        for part in self._parts:
            if offset < part.begins_at + part.size:
                within = offset - part.begins_at
                try:
                    return os.pread(part.fd, min(size, part.size - within), within)
                except OSError as error:
                    raise unreadable(part.path, error) from error
        return b""

    def exactly_at(self, offset: int, size: int) -> bytes:
        """So many bytes from an offset on.

        Raises:
            Corrupt: `bundle.cut_short`.
            Failed: `bundle.unreadable`.
        """
        pieces = []
        while size:
            piece = self.read_at(offset, size)
            if not piece:
                raise Corrupt("bundle.cut_short", path=self.path, size=self.size)
            pieces.append(piece)
            offset += len(piece)
            size -= len(piece)
        return b"".join(pieces)

    def holds(self, offset: int, content: bytes) -> bool:
        """Whether these very bytes are there."""
        try:
            return self.exactly_at(offset, len(content)) == content
        except (Corrupt, Failed):
            return False

    def close(self) -> None:
        """Close its files; again is harmless."""
        while self._parts:
            os.close(self._parts.pop().fd)


def unreadable(path: Path, error: OSError) -> Failed:
    """The error of a bundle that the disk does not give."""
    return Failed("bundle.unreadable", path=path, reason=error.strerror or error)
