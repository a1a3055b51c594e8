"""The images of this machine: what they are made of, who needs them, who else has their layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import NotFound, YolodeployError
from yolodeploy.core.release import Release
from yolodeploy.inventory import catalog
from yolodeploy.inventory.catalog import Layer
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.releases import list_releases
from yolodeploy.oci import our_image
from yolodeploy.oci.attachments import attached_to
from yolodeploy.oci.index import ref_of
from yolodeploy.oci.layer_store import LayerStore
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, Index, Platform, References
from yolodeploy.oci.registry.places import Places
from yolodeploy.oci.registry.platforms import shown
from yolodeploy.ops.opening import present_inventory
from yolodeploy.sites.embedded.folder import SiteFolder
from yolodeploy.sites.embedded.store import Store

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home

IMAGE, BASE, INDEX, DAMAGED = "image", "base", "index", "damaged"


class Held(NamedTuple):
    """Something in the layout that has a name, or is known to the inventory.

    `kind` is `image` (built here), `base`, `index` or `damaged`; of an index `parts` are the
    digests that it leads to. `releases` are those that need it; `built_at` is Unix seconds.
    """

    name: str
    kind: str
    digest: str
    platform: str = ""
    model: str = ""
    layers: tuple[Layer, ...] = ()
    parts: tuple[str, ...] = ()
    size_bytes: int = 0
    releases: tuple[str, ...] = ()
    built_at: float | None = None


def list_held(home: Home, inventory: Inventory) -> list[Held]:
    """Images that were built here, newest first, then bases and indexes by name.

    Raises:
        Corrupt: `oci.json_invalid`, the layout's index cannot be read.
    """
    used: dict[str, list[str]] = {}
    for row in list_releases(inventory):
        used.setdefault(row.release.spec.image, []).append(row.release.alias)
    layout = Layout(home.layout)
    built = [
        Held(
            row.name,
            IMAGE,
            row.digest,
            platform=_platform(layout, row.digest),
            model=row.model,
            layers=row.layers,
            size_bytes=row.size_bytes,
            built_at=row.built_at,
        )
        for row in catalog.list_images(inventory)
    ]
    known = {item.digest for item in built}
    entries = layout.manifests() if (layout.path / "oci-layout").is_file() else ()
    others = [
        _other(layout, entry)
        for entry in entries
        if entry.digest not in known and not attached_to(ref_of(entry))
    ]
    everything = [*built, *sorted(others, key=lambda item: item.name)]
    sizes = {item.digest: item.size_bytes for item in everything}
    return [
        item._replace(
            releases=tuple(used.get(item.digest, ())),
            size_bytes=item.size_bytes or sum(sizes.get(part, 0) for part in item.parts),
        )
        for item in everything
    ]


def held_images(home: Home) -> list[Held]:
    """The same, for one answer.

    Raises:
        NotFound: `inventory.missing`.
    """
    with present_inventory(home, dry_run=True) as inventory:
        return list_held(home, inventory)


def named(everything: Iterable[Held], name: str) -> Held:
    """The one of a name or a digest.

    Raises:
        NotFound: `inventory.unknown_image`.
    """
    for item in everything:
        if name and name in (item.name, item.digest):
            return item
    raise NotFound("inventory.unknown_image", image=name)


def needs(home: Home, inventory: Inventory, everything: Iterable[Held]) -> dict[str, list[str]]:
    """By digest of an image: the releases, sites and indexes that need it.

    A site on this machine keeps releases that the inventory may not know, as after it was lost.

    Raises:
        Unreachable: `site.unreachable`, the record of a site cannot be read.
    """
    found: dict[str, list[str]] = {}
    for row in list_releases(inventory):
        found.setdefault(row.release.spec.image, []).append(row.release.alias)
    for name, folder in site_folders(home):
        for release in _kept(name, folder):
            found.setdefault(release.spec.image, []).append(f"{name}:{release.alias}")
    for item in everything:
        for digest in item.parts:
            found.setdefault(digest, []).append(item.name or item.digest)
    return found


def where_cached(home: Home, image: Held) -> dict[str, list[str]]:
    """By layer: the repositories that had it when this machine last looked, sites and devices."""
    found: dict[str, list[str]] = {layer.digest: [] for layer in image.layers}
    places = Places(home.layout / ".registry" / "places")
    for registry in places.registries():
        for digest, repository in places.of(registry).items():
            if digest in found:
                found[digest].append(f"{registry}/{repository}")
    for name, folder in site_folders(home):
        store = LayerStore(folder.layers)
        for digest, seen in found.items():
            if store.has(digest):
                seen.append(name)
    with present_inventory(home, dry_run=True) as inventory:
        running = _devices_of(inventory, image)
    return {digest: [*seen, *running] for digest, seen in found.items()}


def site_folders(home: Home) -> Iterator[tuple[str, SiteFolder]]:
    """The embedded sites on this machine, whether or not the inventory knows them."""
    sites = home.site("")
    for path in sorted(sites.iterdir()) if sites.is_dir() else ():
        folder = SiteFolder(path)
        if folder.database.exists():
            yield path.name, folder


def _kept(name: str, folder: SiteFolder) -> list[Release]:
    with closing(Store(folder.database, name)) as store:
        return store.releases()


def _devices_of(inventory: Inventory, image: Held) -> list[str]:
    """The devices that run one of an image's releases, as they were seen last."""
    digests = {
        row.digest for row in list_releases(inventory) if row.release.spec.image == image.digest
    }
    return [
        f"{device.site}/{device.name}"
        for device in list_devices(inventory)
        if any(app.release in digests for app in device.apps)
    ]


def _other(layout: Layout, entry: Descriptor) -> Held:
    """A base, an index, or something that cannot be read."""
    found = Held(ref_of(entry), BASE, entry.digest)
    try:
        if layout.read_json(entry.digest, References).manifests is not None:
            return _index(found, layout.read_json(entry.digest, Index))
        manifest = layout.read_manifest(entry.digest)
    except YolodeployError:
        return found._replace(kind=DAMAGED)
    layers = tuple(
        Layer(our_image.kind_of(layer), layer.digest, layer.size) for layer in manifest.layers
    )
    size = sum(layer.size_bytes for layer in layers)
    return found._replace(
        layers=layers, size_bytes=size, platform=_platform(layout, entry.digest)
    )  # fmt: skip


def _index(found: Held, index: Index) -> Held:
    parts = index.manifests or ()
    return found._replace(
        kind=INDEX,
        platform=",".join(shown(part.platform) for part in parts if part.platform),
        parts=tuple(part.digest for part in parts),
    )


def _platform(layout: Layout, digest: str) -> str:
    """What an image runs on; empty where it is not in the layout, or damaged."""
    try:
        config = layout.read_config(layout.read_manifest(digest))
    except YolodeployError:
        return ""
    return shown(
        Platform(architecture=config.architecture, os=config.os, variant=config.variant)
    )  # fmt: skip
