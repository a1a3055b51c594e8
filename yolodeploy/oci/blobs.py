"""The blobs of a layout: files named by the digest of their content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.digests import checked_digest
from yolodeploy.core.errors import Corrupt, NotFound
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.sources import CHUNK
from yolodeploy.oci.staging import Staging
from yolodeploy.oci.storage_errors import storing
from yolodeploy.oci.verified import VerifiedReader


class Blob(NamedTuple):
    """Some content. `size` is in bytes; `reused` tells that it was there already, and sound."""

    digest: str
    size: int
    reused: bool


class Blobs:
    """The folder `blobs/sha256` of a layout, and the folder where new ones are written."""

    def __init__(self, folder: Path, staging: Staging) -> None:
        self.folder = folder
        self._staging = staging

    def path(self, digest: str) -> Path:
        """Where a blob lies, whether or not it is there."""
        return self.folder / checked_digest(digest).removeprefix("sha256:")

    def has(self, digest: str, size: int | None = None) -> bool:
        """Whether a blob is there, of that many bytes where told. Reads none of it."""
        try:
            found = self.path(digest).stat().st_size
        except FileNotFoundError:
            return False
        return size is None or found == size

    def digests(self) -> Iterator[str]:
        """Every blob that is there."""
        for path in self.folder.iterdir():
            if len(path.name) == 64:
                yield f"sha256:{path.name}"

    def measure(self, chunks: Iterable[bytes]) -> Blob:
        """What `add` would say, without writing anything."""
        content = hashlib.sha256()
        size = 0
        for chunk in chunks:
            content.update(chunk)
            size += len(chunk)
        digest = f"sha256:{content.hexdigest()}"
        return Blob(digest, size, self._is_sound(digest, size))

    def add(self, chunks: Iterable[bytes]) -> Blob:
        """Store some content, in memory no more than a chunk of it.

        A copy that is there already is read once: a damaged one is replaced by the new content,
        so that doing the same build again mends it.

        Raises:
            Failed: `oci.disk_full` and other `oci.*` of the storage; nothing is left behind.
        """
        with self._staging.file() as staged:
            for chunk in chunks:
                staged.write(chunk)
            digest = staged.digest
            if self._is_sound(digest, staged.size):
                self._touch(digest)
                return Blob(digest, staged.size, reused=True)
            staged.commit(self.path(digest))
            return Blob(digest, staged.size, reused=False)

    def open(self, descriptor: Descriptor) -> VerifiedReader:
        """Read a blob; see `VerifiedReader` for what is raised when."""
        return VerifiedReader(self.path(descriptor.digest), descriptor)

    def check(self, descriptor: Descriptor) -> None:
        """Read a blob to its end.

        Raises:
            NotFound: `oci.blob_missing`.
            Corrupt: `oci.blob_corrupt`.
        """
        buffer = bytearray(min(CHUNK, descriptor.size + 1))
        with self.open(descriptor) as reader:
            while reader.readinto(buffer):
                pass

    def delete(self, digest: str) -> int:
        """Remove a blob; returns the bytes that went, 0 when it was not there."""
        path = self.path(digest)
        with storing(path):
            try:
                size = path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                return 0
        return size

    def _is_sound(self, digest: str, size: int) -> bool:
        if not self.has(digest, size):
            return False
        try:
            self.check(Descriptor(media_type="", digest=digest, size=size))
        except (Corrupt, NotFound):
            return False
        return True

    def _touch(self, digest: str) -> None:
        # a blob that was just asked for is as young as a new one when it comes to pruning
        with storing(self.path(digest)):
            os.utime(self.path(digest))
