"""Reading a bundle: its manifest first, then any file of it, checked to the last bit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Corrupt
from yolodeploy.oci import media_types
from yolodeploy.oci.bundle.framing import MODE, Frame, Place, checksum_line, frame
from yolodeploy.oci.bundle.manifest import (
    CHECKSUM,
    INDEX,
    LONGEST,
    MANIFEST,
    BundleManifest,
    blob_path,
    checked_manifest,
)
from yolodeploy.oci.bundle.volume import Volume
from yolodeploy.oci.index import entries
from yolodeploy.oci.layout import LONGEST_JSON
from yolodeploy.oci.manifests import Descriptor, Index, References
from yolodeploy.oci.sources import CHUNK
from yolodeploy.oci.tar_header import BLOCK, padding, tar_header

_MOST_IMAGES = 1000  # names, those of signatures included
_MOST_BLOBS = 5000  # of one image: docker stops at 127 layers, an index has some twenty platforms

T = TypeVar("T")
Counted = Callable[[int], None]


def uncounted(_count: int) -> None:
    """Nobody counts the bytes."""


class Bundle:
    """An open bundle whose manifest is sound; what follows it is checked when it is read.

    `digest` is that of the manifest, which names every other digest: who signs it signs all.
    """

    def __init__(self, volume: Volume, content: bytes, manifest: BundleManifest) -> None:
        self.volume = volume
        self.content = content
        self.manifest = manifest
        self.digest = digest_of(content)
        self.frame: Frame = frame(content, manifest.entries)
        self._by_path = {place.entry.path: place for place in self.frame.places}

    def place(self, path: str) -> Place | None:
        """Where a file is, if it is there."""
        return self._by_path.get(path)

    def images(self) -> tuple[Descriptor, ...]:
        """The images in it, with their names as annotations.

        Raises:
            Corrupt: `bundle.damaged`, `bundle.manifest_invalid`.
        """
        found = entries(self._json(self._by_path[INDEX], Index))
        if len(found) > _MOST_IMAGES:
            raise self._invalid(f"more than {_MOST_IMAGES} images")
        return found

    def reachable(self, root: Descriptor) -> tuple[Descriptor, ...]:
        """An image's blobs, its manifest first, in the order in which they are found.

        Raises:
            Corrupt: As `images`.
        """
        found = {root.digest: root}
        waiting = [root]
        for blob in waiting:
            for child in self._referred_by(blob):
                if child.digest not in found:
                    found[child.digest] = child
                    waiting.append(child)
            if len(found) > _MOST_BLOBS:
                raise self._invalid(f"more than {_MOST_BLOBS} blobs in an image")
        return tuple(found.values())

    def chunks(self, place: Place, begin: int = 0) -> Iterator[bytes]:
        """The content of a file from a byte on, unchecked.

        Raises:
            Corrupt: `bundle.cut_short`.
            Failed: `bundle.unreadable`.
        """
        offset, left = place.content_at + begin, place.entry.size - begin
        while left:
            chunk = self.volume.read_at(offset, min(left, CHUNK))
            if not chunk:
                raise self.cut_short()
            yield chunk
            offset += len(chunk)
            left -= len(chunk)

    def check(self, place: Place, counted: Counted = uncounted) -> None:
        """Read a file and what lies around it.

        Raises:
            Corrupt: `bundle.damaged`, `bundle.cut_short`.
            Failed: `bundle.unreadable`.
        """
        self.check_header(place)
        content = hashlib.sha256()
        for chunk in self.chunks(place):
            content.update(chunk)
            counted(len(chunk))
        if f"sha256:{content.hexdigest()}" != place.entry.digest:
            raise self.damaged(place, "its content")
        after = place.content_at + place.entry.size
        if self.volume.exactly_at(after, len(place.padding)) != place.padding:
            raise self.damaged(place, "what follows it")

    def check_header(self, place: Place) -> None:
        """Raises `Corrupt` (`bundle.damaged`) when a file does not begin as it should."""
        header = place.header
        if self.volume.exactly_at(place.header_at, len(header)) != header:
            raise self.damaged(place, "its header")

    def damaged(self, place: Place, part: str) -> Corrupt:
        """The error of a file that is not what the manifest says."""
        path = self.volume.path
        return Corrupt("bundle.damaged", path=path, member=place.entry.path, part=part)

    def cut_short(self) -> Corrupt:
        """The error of a bundle of which the end is missing."""
        return Corrupt("bundle.cut_short", path=self.volume.path, size=self.volume.size)

    def _referred_by(self, blob: Descriptor) -> tuple[Descriptor, ...]:
        place = self._by_path.get(blob_path(blob.digest))
        if place is None or not is_document(blob):
            return ()
        return self._json(place, References).all()

    def _json(self, place: Place, kind: type[T]) -> T:
        if place.entry.size > LONGEST_JSON:
            raise self._invalid(f"{place.entry.path} is too large")
        self.check_header(place)
        content = self.volume.exactly_at(place.content_at, place.entry.size)
        if digest_of(content) != place.entry.digest:
            raise self.damaged(place, "its content")
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._invalid(f"{place.entry.path}: {error}") from error

    def _invalid(self, reason: object) -> Corrupt:
        return Corrupt("bundle.manifest_invalid", path=self.volume.path, reason=reason)


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle by its name, or by that of its first part, and check its manifest.

    Raises:
        NotFound: `bundle.absent`.
        Corrupt: `bundle.not_bundle`, `bundle.manifest_damaged`, `bundle.manifest_invalid`.
        Failed: `bundle.unreadable`.
    """
    volume = Volume(path)
    try:
        content = _manifest_of(volume)
        try:
            manifest = checked_manifest(content)
            found = Bundle(volume, content, manifest)
        except ValueError as error:  # msgspec's are such
            raise Corrupt("bundle.manifest_invalid", path=path, reason=error) from error
        yield found
    finally:
        volume.close()


def is_document(blob: Descriptor) -> bool:
    """Whether a blob refers to others."""
    name = media_types.oci_name(blob.media_type)
    return name in (media_types.INDEX, media_types.MANIFEST)


def _manifest_of(volume: Volume) -> bytes:
    block = volume.read_at(0, BLOCK)
    size = _declared_size(block)
    if size is None:
        raise Corrupt("bundle.not_bundle", path=volume.path)
    content = volume.exactly_at(BLOCK, size)
    line = checksum_line(content)
    rest = padding(size) + tar_header(CHECKSUM, len(line), MODE, b"0") + line + padding(len(line))
    if volume.exactly_at(BLOCK + size, len(rest)) != rest:
        raise Corrupt("bundle.manifest_damaged", path=volume.path)
    return content


def _declared_size(block: bytes) -> int | None:
    """The size of the manifest by its header; None where that is none of ours, or of too much."""
    digits = block[124:135]
    if not (len(block) == BLOCK and digits.isdigit() and not digits.strip(b"01234567")):
        return None
    size = int(digits, 8)
    return size if size <= LONGEST and block == tar_header(MANIFEST, size, MODE, b"0") else None
