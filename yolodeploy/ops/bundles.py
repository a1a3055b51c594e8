"""Actions on bundles: made here, carried on a stick, checked and applied where no network is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Corrupt, UsageError
from yolodeploy.oci.bundle import applying, creating
from yolodeploy.oci.bundle.applying import kind_of
from yolodeploy.oci.bundle.contents import LOWER, Content, image_contents
from yolodeploy.oci.bundle.manifest import MANIFEST, PLAYBOOKS, WHEELS, Entry, blob_path
from yolodeploy.oci.bundle.reading import Bundle, open_bundle
from yolodeploy.oci.bundle.verifying import Damage, damage
from yolodeploy.oci.index import ref_of
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.transfers import TELL_S, Fate, Part
from yolodeploy.ops.bundle_files import Files, file_contents
from yolodeploy.ops.journalled import journalled
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


class Applied(NamedTuple):
    """A bundle that was applied, or would be. `folder` has its files, if it carries any."""

    digest: str
    images: tuple[tuple[str, str], ...]
    folder: Path | None
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
    contents = contents._replace(files=(*contents.files, *file_contents(files)))
    planned = creating.plan(path, contents, part_bytes)
    parts = (*map(_part, contents.files), *map(_absent, contents.absent))
    made = Made(planned.digest, planned.frame.size, planned.parts, parts)
    if dry_run:
        return made
    arguments = {"path": str(path), "images": list(images), "bundle": planned.digest}
    with journalled(home.create(), "bundle-create", arguments) as told:
        watchers = (Journal(told), watcher or Watcher())
        for each in watchers:
            each.planned(str(path), _grouped(parts))
        with layout.in_use() if named else nullcontext():
            created = creating.create(planned, _Counter(watchers))
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
        return damage(path, _Counter((listener,)))
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
        files = [_entry_part(entry) for entry in bundle.manifest.entries if entry.is_file]
        names = tuple((ref_of(image), image.digest) for image in images)
        return Shown(bundle.digest, bundle.frame.size, names, (*parts, *files))


def apply_bundle(
    home: Home, path: Path, *, dry_run: bool = False, watcher: Watcher | None = None
) -> Applied:
    """Put what a bundle carries in its place on this machine; needs no network.

    Raises:
        Everything of `open_bundle`, `applying.plan` and `applying.apply`.
    """
    path = path.expanduser().absolute()
    layout, folder = Layout(home.layout), home.bundles
    with open_bundle(path) as bundle:
        planned = applying.plan(bundle, layout, folder)
        if dry_run:
            return _applied(bundle, planned)
        arguments = {"path": str(path), "bundle": bundle.digest}
        with journalled(home.create(), "bundle-apply", arguments) as teller:
            watchers = (Journal(teller), watcher or Watcher())
            for each in watchers:
                each.planned(str(path), _grouped(planned.parts))
            done = applying.apply(bundle, planned, layout, _Counter(watchers))
            moved = sum(part.moved_bytes for part in done.parts)
            teller.say("progress.transferred", what=path, moved=moved)
        return _applied(bundle, done)


class _Counter:
    """Tells watchers how many bytes there were so far, several times a second."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers
        self._total = 0
        self._told_at = time.monotonic()

    def __call__(self, count: int) -> None:
        self._total += count
        if time.monotonic() - self._told_at >= TELL_S:
            self._told_at = time.monotonic()
            for watcher in self._watchers:
                watcher.moved(self._total)


def _named(home: Home, images: Sequence[str]) -> list[tuple[str, Descriptor]]:
    """Images by the names that they are to have; one whose name is taken goes by its digest."""
    layout = Layout(home.layout)
    found: dict[str, Descriptor] = {}
    for text in images:
        digest, name = found_image(home, text)
        described = layout.find(digest)
        if found.setdefault(name, described).digest != digest:
            found[digest] = described
    return list(found.items())


def _applied(bundle: Bundle, planned: applying.Plan) -> Applied:
    names = tuple((image.name, image.described.digest) for image in planned.images)
    folder = planned.folder if planned.files else None
    return Applied(bundle.digest, names, folder, planned.parts)


def _is_in(bundle: Bundle, blob: Descriptor) -> bool:
    return bundle.place(blob_path(blob.digest)) is not None


def _part(content: Content) -> Part:
    return _entry_part(content.entry)._replace(kind=content.kind)


def _entry_part(entry: Entry) -> Part:
    described = Descriptor(media_type="", digest=entry.digest, size=entry.size)
    return Part(entry.path, described, Fate.COPY)


def _grouped(parts: Iterable[Part]) -> tuple[Part, ...]:
    """With one part for all playbooks, and one for all wheels: nobody reads sixty lines."""
    found: dict[tuple[str, Fate], Part] = {}
    for part in parts:
        folder = part.kind.partition("/")[0]
        many = f"{folder}/" in (PLAYBOOKS, WHEELS)
        key = (folder, part.fate) if many else (part.kind + part.blob.digest, part.fate)
        size = part.size_bytes + (found[key].size_bytes if key in found else 0)
        blob = Descriptor(media_type="", digest="" if many else part.blob.digest, size=size)
        found[key] = Part(folder if many else part.kind, blob, part.fate)
    return tuple(found.values())


def _absent(blob: Descriptor) -> Part:
    return Part(kind_of(blob), blob, Fate.ABSENT)
