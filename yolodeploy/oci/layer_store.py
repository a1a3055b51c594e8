"""Layers unpacked once, by digest: what an embedded site has. What it lacks is what moves."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from yolodeploy.core.digests import checked_digest
from yolodeploy.core.errors import Corrupt, NotFound, Refused
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.staging import Staging
from yolodeploy.oci.storage_errors import storing
from yolodeploy.oci.tar_reader import Limits
from yolodeploy.oci.unpack import LIMITS, unpack

FRESH_S = 600.0  # as for blobs: who unpacks a layer has this long to say that it is needed


class LayerStore:
    """A folder with one folder a layer. Making the object touches nothing.

    Safe for several processes at once: a layer appears whole, and goes as a whole.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._staging = Staging(folder / ".staging")

    def has(self, digest: str) -> bool:
        """Whether a layer is here, complete."""
        return self._folder(digest).is_dir()

    def path(self, digest: str) -> Path:
        """The folder of a layer; paths in the image are relative to it.

        Raises:
            NotFound: `oci.layer_absent`.
        """
        folder = self._folder(digest)
        if not folder.is_dir():
            raise NotFound("oci.layer_absent", digest=digest, path=self.folder)
        return folder

    def lacking(self, layers: Iterable[Descriptor]) -> tuple[Descriptor, ...]:
        """The layers that are not here, each once."""
        absent = {layer.digest: layer for layer in layers if not self.has(layer.digest)}
        return tuple(absent.values())

    def add(self, layout: Layout, layer: Descriptor, *, limits: Limits = LIMITS) -> int:
        """Bring a layer from a layout, its digest checked; returns the bytes that moved.

        Raises:
            NotFound: `oci.blob_missing`.
            Corrupt: `oci.blob_corrupt`, `oci.layer_malformed`.
            Refused: `oci.layer_*`, see `unpack`.
            Failed: `oci.disk_full` and other `oci.*` of the storage.
        """
        if self.has(layer.digest):
            return 0
        self._staging.sweep()
        with layout.open_blob(layer) as stream:
            try:
                unpack(
                    stream,
                    self._folder(layer.digest),
                    media_type=layer.media_type,
                    limits=limits,
                    staging=self._staging,
                )
            except (Corrupt, Refused):
                layout.blobs.check(layer)  # a damaged blob explains a strange archive
                raise
        return layer.size

    def digests(self) -> frozenset[str]:
        """The layers that are here."""
        if not self.folder.is_dir():
            return frozenset()
        names = (path.name for path in self.folder.iterdir())
        return frozenset(f"sha256:{name}" for name in names if len(name) == 64)

    def size_bytes(self) -> int:
        """What all files of all layers take."""
        return sum(_size(self._folder(digest)) for digest in self.digests())

    def keep_only(self, digests: Iterable[str], *, fresh_s: float = FRESH_S) -> int:
        """Remove every other layer older than `fresh_s` seconds; returns the bytes freed.

        A server that has files of a removed layer open keeps them until it ends.

        Raises:
            Failed: `oci.*` of the storage.
        """
        unneeded = self.digests() - set(digests)
        self._staging.sweep()
        return sum(self._remove(self._folder(digest), fresh_s) for digest in unneeded)

    def _folder(self, digest: str) -> Path:
        return self.folder / checked_digest(digest).removeprefix("sha256:")

    def _remove(self, folder: Path, fresh_s: float) -> int:
        try:
            if time.time() - folder.stat().st_mtime < fresh_s:
                return 0
            freed = _size(folder)
        except FileNotFoundError:
            return 0
        with storing(folder), self._staging.directory() as aside:
            folder.rename(aside / "gone")  # it vanishes as a whole; the deletion may take a while
        return freed


def _size(folder: Path) -> int:
    return sum(
        (Path(parent) / name).lstat().st_size
        for parent, _, names in os.walk(folder)
        for name in names
    )
