"""Built TensorRT engines on disk: a folder each, by key; those with a manifest are finished.

    KEY/…engine, …profile   as ONNX Runtime writes them, in place and not at once
    KEY/engine.json         the manifest (`KeptEngine`): written last, so that without it or against
                            it the rest counts as nothing
    KEY.coming/             one that a keeper takes in

ONNX Runtime does not start with an engine that was cut off while it was written, so what is not
finished goes before it looks. Imports nothing heavy.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.engines import (
    MOST_RELEASES,
    EngineFile,
    EngineFor,
    KeptEngine,
    checked,
    is_file,
    is_key,
    surplus,
)
from yolodeploy.core.errors import Failed

if TYPE_CHECKING:
    from yolodeploy.core.serving import ServeConfig

MANIFEST = "engine.json"
COMING = ".coming"


class EngineCache:
    """One folder of engines; processes may share it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def turn(self, key: str) -> Iterator[Path]:
        """An engine's folder, for this process alone: others wait, and find it finished.

        Raises:
            Failed: `serve.state_folder`.
        """
        folder = self.root / key
        try:
            opened = _locked(folder)
        except OSError as error:
            raise Failed("serve.state_folder", path=folder, reason=error.strerror) from error
        try:
            yield folder
        finally:
            os.close(opened)

    def kept(self) -> tuple[KeptEngine, ...]:
        """All that are finished, by their manifests; the last used first."""
        try:
            keys = sorted(path.name for path in self.root.iterdir() if is_key(path.name))
        except OSError:
            return ()
        found = [engine for key in keys if (engine := self.told(key)) is not None]
        return tuple(sorted(found, key=lambda engine: -engine.used_at))

    def told(self, key: str) -> KeptEngine | None:
        """One, by its manifest."""
        if not is_key(key):
            return None
        try:
            read = (self.root / key / MANIFEST).read_bytes()
            engine = msgspec.json.decode(read, type=KeptEngine)
        except (OSError, msgspec.DecodeError):
            return None
        return engine if engine.key == key and checked((engine,)) else None

    def whole(self, key: str) -> KeptEngine | None:
        """One whose files are what its manifest says."""
        engine = self.told(key)
        if engine is None:
            return None
        folder = self.root / key
        return engine if all(_is(folder / file.name, file) for file in engine.files) else None

    def swept(self, key: str) -> KeptEngine | None:
        """The same; what is not whole is gone afterwards. In its turn.

        Raises:
            Failed: `serve.state_folder`.
        """
        engine = self.whole(key)
        if engine is None:
            self.drop(key)
        return engine

    def drop(self, key: str) -> None:
        """Take away all that is there of an engine. In its turn.

        Raises:
            Failed: `serve.state_folder`.
        """
        folder = self.root / key
        try:
            for path in folder.iterdir():
                path.unlink()
        except OSError as error:
            raise Failed("serve.state_folder", path=folder, reason=error.strerror) from error

    def finish(self, built_for: EngineFor, release: str, build_s: float = 0.0) -> KeptEngine | None:
        """Say that an engine is finished, or was used again. In its turn.

        None where there is none whose files can be named. A disk that is full costs the manifest.
        """
        folder = self.root / built_for.key
        before = self.told(built_for.key)
        try:
            files = before.files if before else _files(folder)
            if not any(file.name.endswith(".engine") for file in files):
                return None
            engine = KeptEngine(
                built_for=built_for,
                files=files,
                build_s=round(before.build_s if before else build_s, 1),
                releases=_with(release, before),
                used_at=round(time.time(), 3),
            )
            replace(folder / MANIFEST, msgspec.json.encode(engine))
        except OSError:
            return None
        return engine if checked((engine,)) else None

    def prune(self, models: Collection[str], most_bytes: int) -> list[str]:
        """Take away what nobody needs and is in use by nobody; the keys of it."""
        gone = []
        for key in surplus(self.kept(), models, most_bytes):
            with suppress(OSError):
                shutil.rmtree(self.root / key)
                gone.append(key)
        return gone


def cache_of(config: ServeConfig) -> Path:
    """The folder of a server's engines."""
    return Path(config.engine_cache or Path(config.state_dir) / "engines")


def replace(path: Path, content: bytes) -> None:
    """A file's new content, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    draft = path.with_name(f"{path.name}.new")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def digest_of_file(path: Path) -> str:
    """The digest of a file, which may be larger than memory.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def _with(release: str, before: KeptEngine | None) -> tuple[str, ...]:
    others = [one for one in (before.releases if before else ()) if one != release]
    return (release, *others)[:MOST_RELEASES] if release else tuple(others)


def _locked(folder: Path) -> int:
    """The folder, opened and locked; made anew where another process took it away meanwhile."""
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with suppress(OSError):  # some volumes know no locks: then two may build the same
            fcntl.flock(opened, fcntl.LOCK_EX)
        with suppress(OSError):
            if folder.stat().st_ino == os.fstat(opened).st_ino:
                return opened
        os.close(opened)


def _files(folder: Path) -> tuple[EngineFile, ...]:
    paths = sorted(path for path in folder.iterdir() if path.name.endswith((".engine", ".profile")))
    if not all(is_file(path.name) for path in paths):
        return ()  # a graph of a strange name: it is kept, and goes nowhere
    return tuple(EngineFile(path.name, path.stat().st_size, digest_of_file(path)) for path in paths)


def _is(path: Path, file: EngineFile) -> bool:
    try:
        if path.is_symlink() or path.stat().st_size != file.size_bytes:
            return False
        return digest_of_file(path) == file.digest
    except OSError:
        return False
