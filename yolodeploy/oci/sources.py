"""Reading files that others may change, cut short or replace by something that is no file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO

# one buffer a file, whatever its size; a build takes the same time with 64 KiB and with 4 MiB
CHUNK = 1 << 20


class NotRegularError(OSError):
    """The path names a folder, a pipe or a device."""


@contextmanager
def open_regular(path: Path) -> Iterator[FileIO]:
    """Open a regular file to read; a pipe does not hang it.

    Raises:
        OSError: It cannot be opened; `NotRegularError` when it is no regular file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise NotRegularError(f"{path} is not a regular file")
        yield file


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file, `CHUNK` bytes at a time."""
    while chunk := file.read(CHUNK):
        yield chunk
