"""Where uploads stand that did not end: one small file each, for the process that goes on with it.

The address of an upload is as good as a password for it: mode 0600, in a folder of mode 0700.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.oci.locks import try_lock
from yolodeploy.oci.staging import is_at
from yolodeploy.oci.storage_errors import storing

OLDEST_S = 7 * 86400.0  # registries forget an upload after a week (docker's `purge` has 168 h)
_LARGEST = 1 << 14  # bytes; an address has at most 8 kB


class _Mark(msgspec.Struct, frozen=True):
    url: str


known(_Mark)


class Mark:
    """The mark of one upload, held by this process alone. `url` is empty where there is none.

    Without a file (`fd` None) nothing is kept: another process is at the same blob.
    """

    def __init__(self, path: Path, fd: int | None) -> None:
        self._path = path
        self._fd = fd
        self.url = self._read()

    def keep(self, url: str) -> None:
        """Remember where the upload goes on: for after this process, not for after a power loss."""
        self.url = url
        if self._fd is not None:
            content = msgspec.json.encode(_Mark(url))
            with storing(self._path):
                os.ftruncate(self._fd, 0)
                os.pwrite(self._fd, content, 0)

    def clear(self) -> None:
        """The upload has ended, or there is nothing to go on with."""
        self.url = ""
        if self._fd is not None:
            with storing(self._path):
                os.ftruncate(self._fd, 0)
                self._path.unlink(missing_ok=True)

    def _read(self) -> str:
        if self._fd is None:
            return ""
        try:
            return msgspec.json.decode(os.pread(self._fd, _LARGEST, 0), type=_Mark).url
        except (msgspec.DecodeError, UnicodeDecodeError, OSError):
            return ""  # new, or cut short by a full disk


class UploadMarks:
    """The folder of the marks. Making the object touches nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def own(self, registry: str, repository: str, digest: str) -> Iterator[Mark]:
        """The mark of one blob on its way to one place."""
        name = hashlib.sha256(f"{registry}/{repository}@{digest}".encode()).hexdigest()
        path = self._folder / name
        with storing(path):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            mark = Mark(path, fd if try_lock(fd) and is_at(fd, path) else None)
            yield mark
            if not mark.url:
                mark.clear()
        finally:
            os.close(fd)

    def sweep(self) -> None:
        """Remove marks that no registry remembers any more."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            with storing(path):
                if time.time() - path.lstat().st_mtime > OLDEST_S:
                    path.unlink(missing_ok=True)
