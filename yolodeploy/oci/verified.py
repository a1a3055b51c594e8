"""Reading a blob so that nobody gets to its end unless it is what its descriptor says."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Protocol

from yolodeploy.core.errors import Corrupt, Failed, NotFound
from yolodeploy.oci.manifests import Descriptor


class Readable(Protocol):
    """A stream to read from; fewer bytes than asked for may come, none only at its end."""

    def read(self, size: int = -1, /) -> bytes | None:
        """Some bytes, at most `size`."""
        ...


class VerifiedReader(io.RawIOBase):
    """A blob as a stream. The last bytes are given out only after size and digest were checked.

    Raises:
        NotFound: `oci.blob_missing`.
        Corrupt: `oci.blob_corrupt`, at the start for a wrong size, with the last read otherwise.
    """

    def __init__(self, path: Path, descriptor: Descriptor) -> None:
        super().__init__()
        self._path = path
        self._descriptor = descriptor
        self._hash = hashlib.sha256()
        self._left = descriptor.size
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NotFound("oci.blob_missing", digest=descriptor.digest, path=path) from error
        except OSError as error:
            raise Failed("oci.unreadable", path=path, reason=error.strerror) from error
        try:
            if os.fstat(self._fd).st_size != descriptor.size:
                raise self._corrupt()
            if self._left == 0:
                self._check()
        except Corrupt:
            self.close()
            raise

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill `buffer` with the next bytes; 0 only at the checked end."""
        view = memoryview(buffer).cast("B")[: self._left]
        if not view:
            return 0
        try:
            count = os.readv(self._fd, [view])
        except OSError as error:
            raise Failed("oci.unreadable", path=self._path, reason=error.strerror) from error
        if count == 0:
            raise self._corrupt()
        self._hash.update(view[:count])
        self._left -= count
        if self._left == 0:
            self._check()
        return count

    def close(self) -> None:
        """Close the file; again is harmless."""
        if not self.closed and hasattr(self, "_fd"):
            os.close(self._fd)
        super().close()

    def _check(self) -> None:
        longer = os.read(self._fd, 1)
        if longer or f"sha256:{self._hash.hexdigest()}" != self._descriptor.digest:
            raise self._corrupt()

    def _corrupt(self) -> Corrupt:
        return Corrupt("oci.blob_corrupt", digest=self._descriptor.digest, path=self._path)
