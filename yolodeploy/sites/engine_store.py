"""Engines on this machine, on their way from one site to others: for its owner alone.

KEY/…engine, …profile, engine.json   one that is whole (`Stored`)
KEY.coming/                          what is there of one that is being fetched
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.engines import PIECE, EngineFile, KeptEngine, checked, is_key, surplus
from yolodeploy.core.errors import Corrupt, Failed

MOST_BYTES = 4 << 30
"""About forty engines of a medium detector."""

_MANIFEST = "engine.json"
_COMING = ".coming"

Read = Callable[[str, int], bytes]
"""A piece of a file, by its name, from an offset on."""


class Stored(msgspec.Struct, frozen=True):
    """An engine that is whole, and the site that it came from."""

    engine: KeptEngine
    source: str


class EngineStore:
    """One folder; processes may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def stored(self) -> list[Stored]:
        """All that are whole by their manifests, the last that came first."""
        try:
            paths = [path for path in self._root.iterdir() if is_key(path.name)]
        except OSError:
            return []
        found = [one for path in paths if (one := _told(path)) is not None]
        return sorted(found, key=lambda one: -one.engine.used_at)

    def fetch(self, engine: KeptEngine, source: str, read: Read) -> None:
        """Bring an engine here, if it is not here yet; one that was cut off goes on.

        Raises:
            Corrupt: `kubernetes.engine_differs`, it is not what its source said.
            Failed: `kubernetes.engine_store`, the disk.
            Everything of `read`.
        """
        try:
            with self._turn(engine.key) as coming:
                place = self._root / engine.key
                if _told(place) is not None and self._is_whole(engine):
                    return
                shutil.rmtree(place, ignore_errors=True)
                for file in engine.files:
                    _fetch(coming / file.name, file, source, read)
                _write(coming / _MANIFEST, msgspec.json.encode(_as_of_now(engine, source)))
                coming.rename(place)
                self._prune(engine.key)
        except OSError as error:
            path, reason = self._root, error.strerror
            raise Failed("kubernetes.engine_store", path=path, reason=reason) from error

    def read(self, key: str, name: str, offset: int) -> bytes:
        """A piece of one that is here.

        Raises:
            Failed: `kubernetes.engine_store`.
        """
        path = self._root / key / name
        try:
            with path.open("rb") as stream:
                stream.seek(offset)
                return stream.read(PIECE)
        except OSError as error:
            reason = error.strerror
            raise Failed("kubernetes.engine_store", path=path, reason=reason) from error

    @contextmanager
    def _turn(self, key: str) -> Iterator[Path]:
        """The folder of one that comes, for this thread alone: others wait, and find it whole."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._root / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            coming = self._root / f"{key}{_COMING}"
            coming.mkdir(mode=0o700, exist_ok=True)
            yield coming
        finally:
            with suppress(OSError):
                (self._root / f"{key}{_COMING}").rmdir()  # where it was of no use
            os.close(lock)

    def _is_whole(self, engine: KeptEngine) -> bool:
        place = self._root / engine.key
        with suppress(OSError):
            return all(_digest(place / file.name) == file.digest for file in engine.files)
        return False

    def _prune(self, newest: str) -> None:
        """Keep to the bound; what came first goes first."""
        stored = self.stored()
        models = {one.engine.built_for.model for one in stored if one.engine.key == newest}
        for key in surplus([one.engine for one in stored], models, MOST_BYTES):
            shutil.rmtree(self._root / key, ignore_errors=True)


def _told(folder: Path) -> Stored | None:
    try:
        one = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Stored)
    except (OSError, msgspec.DecodeError):
        return None
    return one if one.engine.key == folder.name and checked((one.engine,)) else None


def _as_of_now(engine: KeptEngine, source: str) -> Stored:
    """What it is here; its source's clock orders nothing of this machine's."""
    return Stored(msgspec.structs.replace(engine, used_at=round(time.time(), 3)), source)


def _write(path: Path, content: bytes) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "wb") as stream:
        stream.write(content)


def _fetch(path: Path, file: EngineFile, source: str, read: Read) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "ab") as stream:
        there = stream.tell()
        while there < file.size_bytes:
            piece = read(file.name, there)[: file.size_bytes - there]
            if not piece:
                break  # it is shorter there than it was said to be
            stream.write(piece)
            there += len(piece)
        stream.flush()
        os.fsync(stream.fileno())
    if there != file.size_bytes or _digest(path) != file.digest:
        path.unlink()
        raise Corrupt("kubernetes.engine_differs", site=source, file=file.name)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


known(Stored)
