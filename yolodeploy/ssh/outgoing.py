"""Files on their way to a device, as pieces: what is sent, and what will be acknowledged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Failed

PIECE = 256 << 10  # bytes; at 8 kB/s, the slowest link that is taken for one, 32 s


class Outgoing(NamedTuple):
    """One file: its name there, the file here, its bytes, and how many of them are there."""

    name: str
    path: Path
    size: int
    there: int

    @property
    def begins_at(self) -> int:
        """Where to go on: at the piece that is not whole. A file that is too long begins again."""
        return 0 if self.there > self.size else self.there // PIECE * PIECE


def pieces(files: Sequence[Outgoing]) -> Iterator[int]:
    """The bytes of each piece, in the order in which they are sent."""
    for file in files:
        for at in range(file.begins_at, file.size, PIECE):
            yield min(PIECE, file.size - at)


def content(files: Sequence[Outgoing], most: int) -> Iterator[bytes]:
    """What is sent, at most `most` bytes at a time.

    Raises:
        Failed: `ssh.unreadable`, a file cannot be read, or has become shorter.
    """
    for file in files:
        left = file.size - file.begins_at
        try:
            with file.path.open("rb", buffering=0) as stream:
                stream.seek(file.begins_at)
                while left:
                    some = stream.read(min(most, left))
                    if not some:
                        raise Failed("ssh.unreadable", path=file.path, reason="it is too short")
                    left -= len(some)
                    yield some
        except OSError as error:
            raise Failed("ssh.unreadable", path=file.path, reason=error.strerror) from error
