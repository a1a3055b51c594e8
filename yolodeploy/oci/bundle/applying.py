"""Putting what a bundle carries in its place: blobs into a layout, other files into a folder.

Only what lacks is read, and again is harmless: what arrived of a blob stays for the next time.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.digests import short
from yolodeploy.core.errors import Failed
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.bundle.disks import free_bytes
from yolodeploy.oci.bundle.framing import Place
from yolodeploy.oci.bundle.manifest import MANIFEST, blob_path
from yolodeploy.oci.bundle.reading import Bundle, Counted, uncounted
from yolodeploy.oci.index import checked_ref, ref_of
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.locks import locked
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.transfers import Fate, Part, to_move
from yolodeploy.oci.sources import open_regular
from yolodeploy.oci.staging import StagedFile, Staging, sync_folder
from yolodeploy.oci.storage_errors import storing

# tables of a file system, and what others write meanwhile
_SPARE = 16 << 20  # bytes


class Image(NamedTuple):
    """An image of a bundle: its name, what names it, and every blob it needs.

    It is `complete` when the bundle and the layout together have them all.
    """

    name: str
    described: Descriptor
    blobs: tuple[Descriptor, ...]
    complete: bool


class Plan(NamedTuple):
    """What applying a bundle would do. `folder` is where files that are no blobs go."""

    images: tuple[Image, ...]
    blobs: tuple[Part, ...]
    files: tuple[Part, ...]
    folder: Path

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything."""
        return (*self.blobs, *self.files)


def plan(bundle: Bundle, layout: Layout, folder: Path) -> Plan:
    """What lacks here. Nothing is written; of the bundle only its manifests are read.

    Raises:
        UsageError: `oci.ref_invalid`, a name in it is none.
        Corrupt: As `Bundle.images`.
    """
    blobs: dict[str, Part] = {}
    images = []
    for described in bundle.images():
        reached = bundle.reachable(described)
        parts = {blob.digest: _fated(bundle, layout, blob) for blob in reached}
        blobs = {**parts, **blobs}
        complete = all(part.fate is not Fate.ABSENT for part in parts.values())
        images.append(Image(checked_ref(ref_of(described)), described, reached, complete))
    own = folder / short(bundle.digest)
    fate = Fate.PRESENT if own.is_dir() else Fate.COPY
    files = tuple(
        Part(entry.path, Descriptor(media_type="", digest=entry.digest, size=entry.size), fate)
        for entry in bundle.manifest.entries
        if entry.is_file
    )
    return Plan(tuple(images), tuple(blobs.values()), files, own)


def apply(bundle: Bundle, planned: Plan, layout: Layout, counted: Counted = uncounted) -> Plan:
    """Do it; returns the plan with what moved.

    Raises:
        Corrupt: `bundle.damaged`, `bundle.cut_short`; what arrived whole before it stays.
        Failed: `bundle.no_room`, before anything is written; `bundle.unreadable`, the stick is
            gone; `oci.disk_full` and other `oci.*` of the storage.
    """
    layout.create()
    _check_room(planned, layout)
    with layout.in_use():
        blobs = tuple(_brought(bundle, layout, part, counted) for part in planned.blobs)
        for image in planned.images:
            if image.complete:
                layout.set_ref(_unnamed(image.described), image.name)
    files = _unpacked(bundle, planned, counted) if planned.files else ()
    return planned._replace(blobs=blobs, files=files)


def kind_of(blob: Descriptor) -> str:
    """What a blob of an image is: a layer's kind, `config`, `manifest` or `index`."""
    name = media_types.oci_name(blob.media_type)
    return _DOCUMENTS.get(name) or our_image.kind_of(blob)


_DOCUMENTS = {
    media_types.INDEX: "index",
    media_types.MANIFEST: "manifest",
    media_types.CONFIG: "config",
}


def _fated(bundle: Bundle, layout: Layout, blob: Descriptor) -> Part:
    if layout.blobs.has(blob.digest, blob.size):
        fate = Fate.PRESENT
    else:
        fate = Fate.COPY if bundle.place(blob_path(blob.digest)) else Fate.ABSENT
    return Part(kind_of(blob), blob, fate)


def _check_room(planned: Plan, layout: Layout) -> None:
    needed = to_move(planned.parts)
    with storing(layout.path):
        free = free_bytes(layout.path)
    if needed and free < needed + _SPARE:
        raise Failed("bundle.no_room", path=layout.path, needed=needed, free=free)


def _brought(bundle: Bundle, layout: Layout, part: Part, counted: Counted) -> Part:
    place = bundle.place(blob_path(part.blob.digest))
    if part.fate is not Fate.COPY or place is None:
        return part
    bundle.check_header(place)
    with layout.arriving(part.blob) as staged:
        begun = staged.size if staged.size <= place.entry.size else 0
        if begun != staged.size:
            staged.restart()
        _copy(bundle, place, staged, counted)
        if not layout.settle(staged, part.blob):
            # it may be what lay here that was wrong, and not the bundle
            begun = 0
            _copy(bundle, place, staged, counted)
            if not layout.settle(staged, part.blob):
                raise bundle.damaged(place, "its content")
    return part._replace(moved_bytes=part.size_bytes - begun, resumed_bytes=begun)


def _copy(bundle: Bundle, place: Place, staged: StagedFile, counted: Counted) -> None:
    for chunk in bundle.chunks(place, staged.size):
        staged.write(chunk)
        counted(len(chunk))


def _unnamed(blob: Descriptor) -> Descriptor:
    return Descriptor(
        media_type=blob.media_type, digest=blob.digest, size=blob.size, platform=blob.platform
    )


def _unpacked(bundle: Bundle, planned: Plan, counted: Counted) -> tuple[Part, ...]:
    """Its files in a folder of their own, which appears when it is complete."""
    folder = planned.folder
    staging = Staging(folder.parent / ".staging")
    with storing(folder):
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(folder.parent / ".lock"):
        if folder.is_dir():
            return tuple(part._replace(fate=Fate.PRESENT) for part in planned.files)
        partial = folder.with_name(f".{folder.name}.partial")
        staging.sweep()
        done = tuple(_file(bundle, part, partial, staging, counted) for part in planned.files)
        with storing(folder):
            (partial / MANIFEST).write_bytes(bundle.content)
            os.sync()
            partial.rename(folder)
            sync_folder(folder.parent)
    return done


def _file(bundle: Bundle, part: Part, folder: Path, staging: Staging, counted: Counted) -> Part:
    place, destination = bundle.place(part.kind), folder / part.kind
    if place is None or _is_there(destination, part.blob):
        return part._replace(resumed_bytes=part.size_bytes)
    bundle.check_header(place)
    with storing(destination):
        destination.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with staging.file() as staged:
        _copy(bundle, place, staged, counted)
        if staged.digest != part.blob.digest:
            raise bundle.damaged(place, "its content")
        staged.commit(destination)
    return part._replace(moved_bytes=part.size_bytes)


def _is_there(path: Path, blob: Descriptor) -> bool:
    try:
        with open_regular(path) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return False
    return f"sha256:{found}" == blob.digest
