"""Actions on the images of this machine: one name for several, taking away what nobody needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Refused
from yolodeploy.images.multi_arch import make_index
from yolodeploy.inventory import catalog
from yolodeploy.oci.attachments import attached_to
from yolodeploy.oci.index import ref_of
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.prune import alone, prune_alone
from yolodeploy.ops.held_images import IMAGE, INDEX, Held, held_images, list_held, named, needs
from yolodeploy.ops.opening import changing, present_inventory

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home


def index_images(home: Home, name: str, images: Sequence[str], *, dry_run: bool = False) -> Held:
    """Let one name mean whichever of some images suits a machine.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_image`.
        Refused: `image.name_taken`, an image or a base has the name.
        Everything of `images.multi_arch.make_index`.
    """
    everything = held_images(home)
    for item in everything:
        if item.name == name and item.kind != INDEX:
            raise Refused("image.name_taken", name=name, kind=item.kind)
    parts = [named(everything, image) for image in dict.fromkeys(images)]
    digests = [item.digest for item in parts]
    made = make_index(Layout(home.layout), name, digests, dry_run=dry_run)
    parts.sort(key=lambda item: item.platform)
    return Held(
        name,
        INDEX,
        made.digest,
        platform=",".join(item.platform for item in parts),
        parts=tuple(item.digest for item in parts),
        size_bytes=sum(item.size_bytes for item in parts),
    )


def remove_image(home: Home, name: str, *, dry_run: bool = False) -> Held:
    """Take a base, an image or an index out of the layout; `image prune` frees what it took.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_image`.
        Refused: `image.in_use`, a release, a site or an index needs it; `oci.busy`.
        Unreachable: `site.unreachable`.
    """
    with (
        present_inventory(home, dry_run=dry_run) as inventory,
        changing(inventory, dry_run=dry_run),
    ):
        everything = list_held(home, inventory)
        found = named(everything, name)
        if users := needs(home, inventory, everything).get(found.digest):
            raise Refused("image.in_use", image=found.name, users=", ".join(users))
        if not dry_run:
            _forget(inventory, (found,))
            layout = Layout(home.layout)
            layout.forget(_gone(layout, (found,)))
    return found


def prune_images(home: Home, *, dry_run: bool = False) -> tuple[list[Held], int]:
    """Remove the images that no release, site or index needs; returns them and the bytes freed.

    A base stays while it has a name. Nothing is removed when something that needs images cannot be
    read: an index, a manifest, the record of a site on this machine.

    Raises:
        NotFound: `inventory.missing`.
        Refused: `oci.busy`.
        Corrupt: `oci.blob_corrupt`, `oci.json_invalid`.
        Unreachable: `site.unreachable`.
    """
    layout = Layout(home.layout)
    there = (layout.path / "oci-layout").is_file() and not dry_run
    # builds are kept away, and in one transaction: a release that is made meanwhile finds its
    # image, or learns that it is gone
    with (
        alone(layout) if there else nullcontext(),
        present_inventory(home, dry_run=dry_run) as inventory,
        changing(inventory, dry_run=dry_run),
    ):
        everything = list_held(home, inventory)
        needed = needs(home, inventory, everything)
        unneeded = [
            item
            for item in everything
            if item.digest not in needed and (item.kind == IMAGE or not item.name)
        ]
        if dry_run:
            return unneeded, 0
        _forget(inventory, unneeded)
        gone = _gone(layout, unneeded) if there else None
        freed = prune_alone(layout, needed, gone=gone, fresh_s=0.0) if gone else 0
    return unneeded, freed


def _forget(inventory: Inventory, images: Iterable[Held]) -> None:
    for item in images:
        if item.kind == IMAGE:
            catalog.remove_image(inventory, item.digest)


def _gone(layout: Layout, images: Iterable[Held]) -> Callable[[Descriptor], bool]:
    """Which entries of the layout's index go with some images: theirs, and what is about them.

    A base that has other names keeps those.
    """
    names = {item.name for item in images if item.kind != IMAGE and item.name}
    digests = {item.digest for item in images if item.kind == IMAGE or not item.name}

    def by_itself(entry: Descriptor) -> bool:
        named = ref_of(entry)
        return named in names if named and entry.digest not in digests else entry.digest in digests

    left = {entry.digest for entry in layout.manifests() if not by_itself(entry)}

    def gone(entry: Descriptor) -> bool:
        about = attached_to(ref_of(entry))
        return by_itself(entry) or (bool(about) and about not in left)

    return gone
