"""What goes into a bundle: the blobs of images, each once, and files from folders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Corrupt, Failed, NotFound
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.attachments import attached_to
from yolodeploy.oci.bundle.manifest import INDEX, LAYOUT, Entry, blob_path
from yolodeploy.oci.bundle.reading import is_document
from yolodeploy.oci.index import ref_of
from yolodeploy.oci.layers import checked_path
from yolodeploy.oci.layout import VERSION, Layout
from yolodeploy.oci.manifests import (
    CLUSTER_NAME,
    REF_NAME,
    Descriptor,
    Index,
    References,
    canonical,
)
from yolodeploy.oci.sources import CHUNK, chunks_of, open_regular
from yolodeploy.oci.verified import VerifiedReader

# what a model update needs not carry: both are built rarely, and shared by a whole fleet
LOWER = frozenset({our_image.BASE, our_image.RUNTIME})


class Content(NamedTuple):
    """A file on its way into a bundle. `kind` is a layer's, `config`, `manifest`, or its path."""

    kind: str
    entry: Entry
    source: Path | bytes

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, checked while they are read.

        Raises:
            NotFound: `oci.blob_missing`.
            Corrupt: `oci.blob_corrupt`, a blob of the layout is damaged.
            Failed: `bundle.source_changed`, a file is not what it was; `oci.unreadable`.
        """
        if isinstance(self.source, bytes):
            yield self.source
            return
        described = Descriptor(media_type="", digest=self.entry.digest, size=self.entry.size)
        try:
            with VerifiedReader(self.source, described) as reader:
                while chunk := reader.read(CHUNK):
                    yield chunk
        except (Corrupt, NotFound) as error:
            if self.entry.is_blob:
                raise
            raise Failed("bundle.source_changed", path=self.source) from error


class Named(NamedTuple):
    """An image, its name in a layout, and the one by which a cluster asks for it.

    What is only about an image (its signatures) has no `reference`: no cluster asks for it.
    """

    name: str
    reference: str
    described: Descriptor


class Contents(NamedTuple):
    """Everything that goes in, in its order, and the blobs that are left out."""

    files: tuple[Content, ...]
    absent: tuple[Descriptor, ...]


class _Found(NamedTuple):
    kind: str
    blob: Descriptor


def image_contents(
    layout: Layout,
    images: Sequence[Named],
    leave_out: frozenset[str] = frozenset(),
    *,
    sparse: bool = False,
) -> Contents:
    """The OCI layout inside: images by name, without the layers of the kinds in `leave_out`.

    With `sparse` an index may name manifests that the layout lacks: those of other platforms.

    Raises:
        NotFound: `oci.blob_missing`.
        Corrupt: `oci.blob_corrupt`, `oci.json_invalid`.
    """
    found: dict[str, _Found] = {}
    for image in images:
        for item in _reachable(layout, image.described, sparse=sparse):
            if not image.reference and item.kind in LOWER:
                item = item._replace(kind="signature")  # noqa: PLW2901 it is no layer of a base
            found.setdefault(item.blob.digest, item)
    carried = [item for item in found.values() if item.kind not in leave_out]
    absent = [item.blob for item in found.values() if item.kind in leave_out]
    blobs = [_blob(layout, item) for item in sorted(carried, key=_order)]
    return Contents(
        (
            bytes_content(LAYOUT, VERSION),
            bytes_content(INDEX, canonical(_index(images))),
            *blobs,
        ),
        tuple(Descriptor(media_type=b.media_type, digest=b.digest, size=b.size)
              for b in sorted(absent, key=lambda blob: blob.digest)),
    )  # fmt: skip


def about(layout: Layout, digest: str) -> list[Named]:
    """What lies in a layout and is about an image: its signatures."""
    return [
        Named(ref_of(entry), "", entry)
        for entry in layout.manifests()
        if attached_to(ref_of(entry)) == digest
    ]


def bytes_content(path: str, content: bytes) -> Content:
    """A file made of bytes."""
    entry = Entry(path=path, digest=digest_of(content), size=len(content))
    return Content(path, entry, content)


def file_content(path: str, source: Path, lock: str = "") -> Content:
    """A file of this machine under a path of the bundle; it is read once for its digest.

    Raises:
        UsageError: `oci.path_invalid`.
        Failed: `oci.unreadable`.
    """
    content = hashlib.sha256()
    size = 0
    try:
        with open_regular(source) as file:
            for chunk in chunks_of(file):
                content.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise Failed("oci.unreadable", path=source, reason=error.strerror or error) from error
    digest = f"sha256:{content.hexdigest()}"
    return Content(
        path, Entry(path=checked_path(path), digest=digest, size=size, lock=lock), source
    )


def folder_contents(prefix: str, folder: Path) -> list[Content]:
    """Every file of a folder, sorted by path; no caches, nothing hidden.

    Raises:
        UsageError, Failed: As `file_content`.
    """
    found = sorted(_shown(folder), key=lambda path: path.relative_to(folder).as_posix())
    return [file_content(f"{prefix}{path.relative_to(folder).as_posix()}", path) for path in found]


def _shown(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "__pycache__")) for part in parts)
        if not hidden and path.is_file():
            yield path


def _reachable(layout: Layout, image: Descriptor, *, sparse: bool) -> Iterator[_Found]:
    if not is_document(image):
        yield _Found("blob", image)
        return
    references = layout.read_json(image.digest, References)
    yield _Found("index" if references.manifests is not None else "manifest", image)
    for child in references.manifests or ():
        if not sparse or layout.blobs.has(child.digest):
            yield from _reachable(layout, child, sparse=sparse)
    if references.config:
        yield _Found("config", references.config)
    for layer in references.layers or ():
        yield _Found(our_image.kind_of(layer), layer)


def _order(item: _Found) -> tuple[int, str]:
    # small things first: who reads the beginning knows what it all is
    rank = {"index": 0, "manifest": 1, "config": 2}
    return rank.get(item.kind, 3), item.blob.digest


def _blob(layout: Layout, item: _Found) -> Content:
    digest, size = item.blob.digest, item.blob.size
    path = layout.blobs.path(digest)
    if not layout.blobs.has(digest):
        raise NotFound("oci.blob_missing", digest=digest, path=path)
    if not layout.blobs.has(digest, size):
        raise Corrupt("oci.blob_corrupt", digest=digest, path=path)
    return Content(item.kind, Entry(path=blob_path(digest), digest=digest, size=size), path)


def _index(images: Iterable[Named]) -> Index:
    named = [
        Descriptor(
            media_type=image.described.media_type,
            digest=image.described.digest,
            size=image.described.size,
            annotations=_names(image),
            platform=image.described.platform,
        )
        for image in sorted(images, key=lambda image: image.name)
    ]
    return Index(media_type=media_types.INDEX, manifests=tuple(named))


def _names(image: Named) -> dict[str, str]:
    return {REF_NAME: image.name} | ({CLUSTER_NAME: image.reference} if image.reference else {})
