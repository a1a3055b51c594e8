"""Actions on bundles: made here, carried on a stick, checked and applied where no network is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.digests import short
from yolodeploy.core.errors import Corrupt, UsageError
from yolodeploy.core.names import nearest_name
from yolodeploy.oci.bundle import creating
from yolodeploy.oci.bundle.applying import kind_of
from yolodeploy.oci.bundle.contents import LOWER, Content, Named, about, image_contents
from yolodeploy.oci.bundle.manifest import MANIFEST, Entry, blob_path
from yolodeploy.oci.bundle.reading import Bundle, open_bundle
from yolodeploy.oci.bundle.verifying import Damage, damage
from yolodeploy.oci.index import ref_of
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.reference import DOCKER_HUB, Reference, parse_reference
from yolodeploy.oci.registry.transfers import Fate, Part
from yolodeploy.ops.bundle_files import Files, file_contents
from yolodeploy.ops.bundle_telling import Counter, grouped
from yolodeploy.ops.journalled import journalled
from yolodeploy.ops.settings import settings
from yolodeploy.ops.transfers import Journal, Watcher, found_image

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home


class Made(NamedTuple):
    """A bundle: what names it, its size in bytes, how many files it is in, and what it has."""

    digest: str
    size_bytes: int
    files: int
    parts: tuple[Part, ...]
    moved_bytes: int = 0
    resumed_bytes: int = 0


class Shown(NamedTuple):
    """What a bundle says of itself: images are name and digest."""

    digest: str
    size_bytes: int
    images: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]


def create_bundle(
    home: Home,
    path: Path,
    images: Sequence[str],
    files: Files,
    *,
    without_base: bool = False,
    part_bytes: int = 0,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> Made:
    """Make a bundle of images and files; the same command again goes on where it was cut off.

    Raises:
        UsageError: `bundle.nothing`; those of `file_contents`.
        NotFound: `inventory.missing`, `inventory.unknown_image`, `oci.blob_missing`.
        Everything of `creating.plan` and `creating.create`.
    """
    path = path.expanduser().absolute()
    if not (images or files.asked):
        raise UsageError("bundle.nothing", path=path)
    named = _named(home, images)
    layout = Layout(home.layout)
    contents = image_contents(layout, named, LOWER if without_base else frozenset())
    contents = contents._replace(files=(*contents.files, *file_contents(files, dry_run=dry_run)))
    planned = creating.plan(path, contents, part_bytes)
    parts = (*map(_part, contents.files), *map(_absent, contents.absent))
    made = Made(planned.digest, planned.frame.size, planned.parts, parts)
    if dry_run:
        return made
    arguments = {"path": str(path), "images": list(images), "bundle": planned.digest}
    with journalled(home.create(), "bundle-create", arguments) as told:
        watchers = (Journal(told), watcher or Watcher())
        for each in watchers:
            each.planned(str(path), grouped(parts))
        with layout.in_use() if named else nullcontext():
            created = creating.create(planned, Counter(watchers))
        told.say("progress.transferred", what=path, moved=created.moved_bytes)
    return made._replace(moved_bytes=created.moved_bytes, resumed_bytes=created.resumed_bytes)


def verify_bundle(path: Path, watcher: Watcher | None = None) -> tuple[Damage, ...]:
    """What is wrong with a bundle: every byte of it is read.

    Raises:
        NotFound: `bundle.absent`.
        Failed: `bundle.unreadable`.
    """
    path = path.expanduser().absolute()
    listener = watcher or Watcher()
    try:
        with open_bundle(path) as bundle:
            listener.reading(str(path), bundle.volume.size)
        return damage(path, Counter((listener,)))
    except Corrupt as error:
        return (Damage(MANIFEST, error),)


def show_bundle(path: Path) -> Shown:
    """What a bundle says is in it: its beginning is read, and checked, but not the rest.

    Raises:
        Everything of `open_bundle` and `Bundle.images`.
    """
    path = path.expanduser().absolute()
    with open_bundle(path) as bundle:
        images = bundle.images()
        found = {blob.digest: blob for image in images for blob in bundle.reachable(image)}
        parts = [
            Part(kind_of(blob), blob, Fate.PRESENT if _is_in(bundle, blob) else Fate.ABSENT)
            for blob in found.values()
        ]
        files = [
            _entry_part(entry)._replace(fate=Fate.PRESENT)
            for entry in bundle.manifest.entries
            if entry.is_file
        ]
        names = tuple((ref_of(image), image.digest) for image in images)
        return Shown(bundle.digest, bundle.frame.size, names, (*parts, *files))


def _named(home: Home, images: Sequence[str]) -> list[Named]:
    """Images by the names that they are to have; one whose name is taken goes by its digest."""
    layout = Layout(home.layout)
    found: dict[str, Named] = {}
    for text in images:
        digest, name = found_image(home, text)
        described = layout.find(digest)
        if name in found and found[name].described.digest != digest:
            name = digest
        found[name] = Named(name, str(_reference(name, digest)), described)
        found |= {one.name: one for one in about(layout, digest)}
    return list(found.values())


def _reference(name: str, digest: str) -> Reference:
    """What a cluster calls an image: as a push would, else as containerd reads bare names."""
    title, _, version = name.rpartition("/")[2].partition(":")
    prefix = str(settings()["registry"].value) or f"{DOCKER_HUB}/library"
    for text in (name, f"{prefix.rstrip('/')}/{title}"):
        try:
            reference = parse_reference(text)
        except UsageError:
            continue
        tag = reference.tag or (version if text != name else "") or short(digest)
        return reference._replace(tag=tag, digest="")
    return Reference(DOCKER_HUB, f"library/{nearest_name(title)}", short(digest))


def _is_in(bundle: Bundle, blob: Descriptor) -> bool:
    return bundle.place(blob_path(blob.digest)) is not None


def _part(content: Content) -> Part:
    return _entry_part(content.entry)._replace(kind=content.kind)


def _entry_part(entry: Entry) -> Part:
    described = Descriptor(media_type="", digest=entry.digest, size=entry.size)
    return Part(entry.path, described, Fate.COPY)


def _absent(blob: Descriptor) -> Part:
    return Part(kind_of(blob), blob, Fate.ABSENT)
