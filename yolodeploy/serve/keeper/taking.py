"""Engines that come in pieces: offered by digest, and named when all of one is there.

What is there of one that is on its way outlives this process: it lies on the volume.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from yolodeploy.core.engines import MOST_OTHERS_BYTES, EngineFile, KeeperTold, KeptEngine, Offer
from yolodeploy.serve.engine_cache import COMING, MANIFEST, EngineCache, digest_of_file, replace
from yolodeploy.serve.versions import software


class NotOffered(Exception):
    """Nobody who may has offered such a file."""


class OtherOffset(Exception):
    """The piece does not begin where the file ends."""


class OtherContent(Exception):
    """All of it is there, and it is not what was offered: it begins again."""


class Taking:
    """One volume, and what may come to it."""

    def __init__(self, root: Path, offer: Offer) -> None:
        self._cache = EngineCache(root)
        self._offer = {engine.key: engine for engine in offer.engines}
        self._models = frozenset(offer.models)
        self._lock = threading.Lock()
        self._software = software()

    def begin(self) -> None:
        """Make room: what nobody needs goes, and what nobody brings any more.

        Raises:
            OSError: the volume cannot be written.
        """
        self._cache.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._cache.prune(self._models, MOST_OTHERS_BYTES)
        for path in self._cache.root.glob(f"*{COMING}"):
            if path.name.removesuffix(COMING) not in self._offer:
                shutil.rmtree(path, ignore_errors=True)

    def told(self) -> KeeperTold:
        """What is there; an offered engine counts when its files are what they should be."""
        kept = tuple(
            engine
            for engine in self._cache.kept()
            if engine.key not in self._offer or self._cache.whole(engine.key)
        )
        coming = {f"{key}/{file.name}": _size(path) for key, file, path in self._coming()}
        return KeeperTold(software=self._software, kept=kept, coming=coming)

    def take(self, key: str, name: str, offset: int, piece: bytes) -> int:
        """Add a piece to a file; how much of it is there then.

        Raises:
            NotOffered, OtherOffset, OtherContent: see there.
            OSError: the volume is full, or cannot be written.
        """
        engine = self._offer.get(key)
        file = next((file for file in engine.files if file.name == name), None) if engine else None
        if engine is None or file is None or offset + len(piece) > file.size_bytes:
            raise NotOffered
        with self._lock:
            return self._taken(engine, file, offset, piece)

    def _taken(self, engine: KeptEngine, file: EngineFile, offset: int, piece: bytes) -> int:
        folder = self._cache.root / f"{engine.key}{COMING}"
        if not folder.is_dir() and self._cache.whole(engine.key):
            return file.size_bytes  # the answer to the last piece was lost on its way
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / file.name
        if offset != _size(path):
            raise OtherOffset
        _add(path, offset, piece)
        there = offset + len(piece)
        if there == file.size_bytes:
            if digest_of_file(path) != file.digest:
                path.unlink()
                raise OtherContent
            self._finish(engine, folder)
        return there

    def _finish(self, engine: KeptEngine, folder: Path) -> None:
        """Give an engine its name, if all of it is there."""
        if any(_size(folder / file.name) != file.size_bytes for file in engine.files):
            return
        told = msgspec.structs.replace(engine, used_at=round(time.time(), 3))
        replace(folder / MANIFEST, msgspec.json.encode(told))
        with self._cache.turn(engine.key) as place:
            if self._cache.swept(engine.key) is not None:  # a server built it meanwhile
                shutil.rmtree(folder)
                return
            place.rmdir()
            folder.rename(place)

    def _coming(self) -> Iterator[tuple[str, EngineFile, Path]]:
        for key, engine in self._offer.items():
            for file in engine.files:
                path = self._cache.root / f"{key}{COMING}" / file.name
                if path.exists():
                    yield key, file, path


def _add(path: Path, offset: int, piece: bytes) -> None:
    """All of a piece, or nothing of it."""
    with path.open("ab", buffering=0) as stream:
        try:
            while piece:
                piece = piece[stream.write(piece) :]
        except OSError:
            stream.truncate(offset)
            raise


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
