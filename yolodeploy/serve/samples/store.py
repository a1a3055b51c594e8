"""The files of the samples: two each, as many as fit, the oldest go.

    ID.jpg (.png …)   the picture
    ID.json           what is known of it; written last, so that it is there means all is there

`ID` is a number that grows: a clock that is set back changes no order. After a kill -9 what has no
`.json`, or no picture, is removed. Only names of this form are ours; nothing else is touched.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from threading import Lock

from yolodeploy.core.errors import NotFound

SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WebP": "webp", "BMP": "bmp", "TIFF": "tiff", "GIF": "gif"}
MOST = 10_000  # samples: their list is in memory
BLOCK = 4096  # what a file takes on disk is a multiple of this
_ID = re.compile(r"[0-9]{12}", re.ASCII)
_NAME = re.compile(r"([0-9]{12})\.(json|jpg|png|webp|bmp|tiff|gif)(\.new)?", re.ASCII)


class Store:
    """The samples in one folder; written by one thread, read by any."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Nothing is read or made yet."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._sizes: dict[str, int] = {}  # id → bytes on disk, oldest first
        self._suffixes: dict[str, str] = {}
        self._last = 0
        self._opened = False
        self.bytes = 0

    def open(self) -> None:
        """Take up what is there, and remove what is half there.

        Raises:
            OSError: the folder cannot be used.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._forget()  # what was found before it failed
        found: dict[str, dict[str, int]] = {}
        for entry in os.scandir(self._folder):
            match = _NAME.fullmatch(entry.name)
            if match is None or not entry.is_file(follow_symlinks=False):
                continue
            identity, suffix, draft = match.groups()
            size = entry.stat().st_size
            if draft or not size:
                Path(entry.path).unlink(missing_ok=True)
            else:
                found.setdefault(identity, {})[suffix] = size
        for identity, files in sorted(found.items()):
            self._last = max(self._last, int(identity))
            if len(files) == 2 and "json" in files:
                suffix = next(one for one in files if one != "json")
                self._note(identity, suffix, sum(map(_on_disk, files.values())))
            else:
                for suffix in files:
                    self._file(identity, suffix).unlink(missing_ok=True)
        self._make_room(0)
        self._opened = True

    def _forget(self) -> None:
        with self._lock:
            self._sizes.clear()
            self._suffixes.clear()
            self.bytes = 0

    def next_id(self) -> str:
        """The id of the next sample; what is there is taken up first where that failed before.

        Raises:
            OSError: the folder cannot be used.
        """
        if not self._opened:  # the ids that are there are not known
            self.open()
        return f"{self._last + 1:012}"

    def add(self, suffix: str, picture: bytes, beside: bytes) -> bool:
        """Keep a picture and what is known of it under `next_id`; False when it is too large.

        Raises:
            OSError: it could not be written (a full disk); nothing of it is left.
        """
        identity = self.next_id()
        needed = _on_disk(len(picture)) + _on_disk(len(beside))
        if needed > self._most_bytes:
            return False
        self._make_room(needed)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._write(identity, suffix, picture)
            self._write(identity, "json", beside)
        except OSError:
            self._file(identity, suffix).unlink(missing_ok=True)
            raise
        self._last = int(identity)
        self._note(identity, suffix, needed)
        return True

    @property
    def count(self) -> int:
        """How many are kept."""
        return len(self._sizes)

    def ids(self, before: str, most: int) -> list[str]:
        """The latest ids, latest first; those before one of them where it is named."""
        with self._lock:
            known = list(self._sizes)
        if before:
            known = [one for one in known if one < before]
        return known[::-1][:most]

    def picture(self, identity: str) -> tuple[bytes, str]:
        """A picture and its suffix.

        Raises:
            NotFound: `sample.unknown`.
        """
        suffix = self._known(identity)
        return self._read(identity, suffix), suffix

    def beside(self, identity: str) -> bytes:
        """What is known of it, as JSON.

        Raises:
            NotFound: `sample.unknown`.
        """
        self._known(identity)
        return self._read(identity, "json")

    def _known(self, identity: str) -> str:
        suffix = self._suffixes.get(identity) if _ID.fullmatch(identity) else None
        if suffix is None:
            raise NotFound("sample.unknown", id=identity)
        return suffix

    def _read(self, identity: str, suffix: str) -> bytes:
        try:
            return self._file(identity, suffix).read_bytes()
        except OSError as error:  # it went meanwhile
            raise NotFound("sample.unknown", id=identity) from error

    def _write(self, identity: str, suffix: str, content: bytes) -> None:
        path = self._file(identity, suffix)
        draft = path.with_name(f"{path.name}.new")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _note(self, identity: str, suffix: str, size: int) -> None:
        with self._lock:
            self._sizes[identity] = size
            self._suffixes[identity] = suffix
            self.bytes += size

    def _make_room(self, needed: int) -> None:
        """Remove the oldest until `needed` bytes, and one sample, are free."""
        while self._sizes and (self.bytes + needed > self._most_bytes or len(self._sizes) >= MOST):
            with self._lock:
                identity = next(iter(self._sizes))
                self.bytes -= self._sizes.pop(identity)
                suffix = self._suffixes.pop(identity)
            # what is half removed has no `.json`, and goes at the next start
            self._file(identity, "json").unlink(missing_ok=True)
            self._file(identity, suffix).unlink(missing_ok=True)

    def _file(self, identity: str, suffix: str) -> Path:
        return self._folder / f"{identity}.{suffix}"


def _on_disk(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
