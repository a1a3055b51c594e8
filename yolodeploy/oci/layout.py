"""An OCI image layout on disk: `oci-layout`, `index.json`, `blobs/sha256/…`.

Any tool that speaks the standard (skopeo, umoci, containerd, podman) reads it as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from yolodeploy.core.errors import Corrupt, Failed, NotFound, UsageError
from yolodeploy.oci import index as indexes
from yolodeploy.oci import media_types
from yolodeploy.oci.blobs import Blobs
from yolodeploy.oci.locks import locked
from yolodeploy.oci.manifests import Descriptor, ImageConfig, Index, Kind, Manifest, canonical
from yolodeploy.oci.sources import open_regular
from yolodeploy.oci.staging import StagedFile, Staging, sync_folder
from yolodeploy.oci.storage_errors import storing
from yolodeploy.oci.verified import VerifiedReader

LONGEST_JSON = 4 << 20  # bytes; what registries accept of a manifest, and containerd reads

_OLDEST_S = 7 * 86400.0  # of a blob that never arrived whole

VERSION = b'{"imageLayoutVersion":"1.0.0"}'
_EMPTY = Index(media_type=media_types.INDEX, manifests=())

T = TypeVar("T")


class Layout:
    """One layout. Making the object touches nothing; `create` makes the folder.

    Many commands may use it at once: blobs are named by their content and appear whole,
    `index.json` is replaced under a lock. Hold `in_use()` from the first blob to the name that
    refers to it, so that nobody prunes in between.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._staging = Staging(path / ".staging")
        self._arriving = Staging(path / ".arriving")
        self.blobs = Blobs(path / "blobs" / "sha256", self._staging)

    def create(self) -> Layout:
        """Make the folder where it lacks, and clear what dead writers left. Again is harmless.

        Raises:
            Failed: `oci.*` of the storage.
        """
        with storing(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)  # models are their owner's
            self.blobs.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.path / ".lock"):
            if not (self.path / "index.json").exists():
                self._write_index(_EMPTY)
            if not (self.path / "oci-layout").exists():
                self._replace("oci-layout", VERSION)
        self.sweep()
        return self

    def require(self) -> None:
        """Raises `NotFound` (`oci.no_layout`) where there is none."""
        if not (self.path / "oci-layout").is_file():
            raise NotFound("oci.no_layout", path=self.path)

    def sweep(self) -> None:
        """Clear what writers left that were killed, and after a week what never arrived."""
        self._staging.sweep()
        self._arriving.sweep(_OLDEST_S)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep `prune` away while blobs are added that nothing refers to yet.

        Raises:
            NotFound: `oci.no_layout`.
            Refused: `oci.busy`, a prune is still running.
        """
        self.require()
        with locked(self.path / ".in-use", shared=True):
            yield

    def add_blob(
        self,
        chunks: Iterable[bytes],
        media_type: str,
        annotations: dict[str, str] | None = None,
    ) -> Descriptor:
        """Store some content; its digest is computed on the way.

        The blob survives a power loss once a name refers to it (`set_ref`).

        Raises:
            Failed: `oci.disk_full` and other `oci.*` of the storage; nothing is left behind.
        """
        blob = self.blobs.add(chunks)
        return Descriptor(
            media_type=media_type,
            digest=blob.digest,
            size=blob.size,
            annotations=annotations or {},
        )

    @contextmanager
    def arriving(self, blob: Descriptor) -> Iterator[StagedFile]:
        """A blob on its way from elsewhere; what arrived of it outlives this process.

        `settle` puts it in its place.
        """
        with self._arriving.kept(blob.digest.removeprefix("sha256:")) as staged:
            yield staged

    def settle(self, staged: StagedFile, blob: Descriptor) -> bool:
        """Put a blob that arrived in its place; False, and nothing is left of it, when it is wrong.

        Raises:
            Failed: `oci.*` of the storage.
        """
        if (staged.digest, staged.size) != (blob.digest, blob.size):
            staged.restart()
            return False
        staged.commit(self.blobs.path(blob.digest))
        return True

    def add_json(self, value: msgspec.Struct, media_type: str) -> Descriptor:
        """Store a value in its canonical encoding; see `add_blob`."""
        return self.add_blob((canonical(value),), media_type)

    def open_blob(self, descriptor: Descriptor) -> VerifiedReader:
        """Read a blob, its size and digest checked before the last bytes are given out.

        Raises:
            NotFound: `oci.blob_missing`.
            Corrupt: `oci.blob_corrupt`.
        """
        return self.blobs.open(descriptor)

    def read_json(self, digest: str, kind: type[T]) -> T:
        """Read a JSON blob of at most 4 MB as a value of a kind.

        Raises:
            NotFound: `oci.blob_missing`.
            Corrupt: `oci.blob_corrupt`, `oci.json_too_large` or `oci.json_invalid`.
        """
        path = self.blobs.path(digest)
        try:
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise NotFound("oci.blob_missing", digest=digest, path=path) from error
        if size > LONGEST_JSON:
            raise Corrupt("oci.json_too_large", path=path, size=size, limit=LONGEST_JSON)
        with self.open_blob(Descriptor(media_type="", digest=digest, size=size)) as reader:
            return _decoded(reader.readall() or b"", kind, path)

    def read_manifest(self, digest: str) -> Manifest:
        """One image's manifest.

        Raises:
            UsageError: `oci.is_index`, the digest names images for several platforms.
            NotFound, Corrupt: As `read_json`.
        """
        if self.read_json(digest, Kind).is_index():
            raise UsageError("oci.is_index", digest=digest)
        return self.read_json(digest, Manifest)

    def read_config(self, manifest: Manifest) -> ImageConfig:
        """The configuration of an image; raises as `read_json`."""
        return self.read_json(manifest.config.digest, ImageConfig)

    def manifests(self) -> tuple[Descriptor, ...]:
        """What the index names, oldest first; the name is an annotation, see `index.ref_of`.

        Raises:
            NotFound: `oci.no_layout`.
            Corrupt: `oci.json_invalid`.
        """
        return indexes.entries(self._index())

    def find(self, name: str) -> Descriptor:
        """The manifest that a name or a digest means now.

        Raises:
            NotFound: `oci.no_image`.
        """
        for entry in self.manifests():
            if name in {indexes.ref_of(entry), entry.digest}:
                return entry
        raise NotFound("oci.no_image", name=name, path=self.path)

    def set_ref(self, manifest: Descriptor, name: str) -> None:
        """Let `name` mean a manifest; whichever had the name stays in the index without one.

        Raises:
            UsageError: `oci.ref_invalid`.
            NotFound: `oci.blob_missing`, the manifest is not in the layout.
            Refused: `oci.busy`.
        """
        indexes.checked_ref(name)
        self.require()
        if not self.blobs.has(manifest.digest, manifest.size):
            path = self.blobs.path(manifest.digest)
            raise NotFound("oci.blob_missing", digest=manifest.digest, path=path)
        with locked(self.path / ".lock"):
            before = self._index()
            after = indexes.with_ref(before, manifest, name)
            if after != before:
                with storing(self.blobs.folder):
                    sync_folder(self.blobs.folder)  # no name may outlive its blobs
                self._write_index(after)

    def remove(self, digest: str) -> None:
        """Take a manifest out of the index; `prune` then frees what only it needed.

        Raises:
            NotFound: `oci.no_image`.
            Refused: `oci.busy`.
        """
        self.require()
        with locked(self.path / ".lock"):
            before = self._index()
            after = indexes.without(before, digest)
            if after == before:
                raise NotFound("oci.no_image", name=digest, path=self.path)
            self._write_index(after)

    def forget(self, gone: Callable[[Descriptor], bool]) -> None:
        """Take every entry out of the index that is `gone`; that there is none is harmless.

        Raises:
            NotFound: `oci.no_layout`.
            Refused: `oci.busy`.
        """
        self.require()
        with locked(self.path / ".lock"):
            before = self._index()
            after = indexes.filtered(before, lambda entry: not gone(entry))
            if after != before:
                self._write_index(after)

    def _index(self) -> Index:
        path = self.path / "index.json"
        try:
            with open_regular(path) as file:
                content = file.read(LONGEST_JSON)
        except FileNotFoundError as error:
            raise NotFound("oci.no_layout", path=self.path) from error
        except OSError as error:
            raise Failed("oci.unreadable", path=path, reason=error.strerror or error) from error
        return _decoded(content, Index, path)

    def _write_index(self, index: Index) -> None:
        self._replace("index.json", canonical(index))

    def _replace(self, name: str, content: bytes) -> None:
        with self._staging.file() as staged:
            staged.write(content)
            staged.commit(self.path / name)
        with storing(self.path):
            sync_folder(self.path)


def _decoded(content: bytes, kind: type[T], path: Path) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Corrupt("oci.json_invalid", path=path, reason=error) from error
