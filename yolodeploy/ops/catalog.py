"""Actions on models, images, apps and releases."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import UsageError
from yolodeploy.core.gates import Gate
from yolodeploy.core.names import checked_name, nearest_name
from yolodeploy.core.release import Release, ReleaseSpec, Resources, Serving
from yolodeploy.core.text import one_line
from yolodeploy.images.build import BuiltImage, build, source_date_epoch
from yolodeploy.images.intake import model_facts
from yolodeploy.images.model_store import store_model
from yolodeploy.inventory import catalog
from yolodeploy.inventory.catalog import AppRow, ImageRow, Layer, ModelRow
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.releases import add_release, list_releases
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.prune import prune
from yolodeploy.ops.files import read_file
from yolodeploy.ops.opening import present_inventory

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

LARGEST_GATES_BYTES = 1 << 20


def add_model(home: Home, path: Path, name: str = "", *, dry_run: bool = False) -> ModelRow:
    """Take a model in: probed in a process of its own, copied, remembered.

    Raises:
        Everything of `images.intake.model_facts` and `images.model_store.store_model`.
        Refused: `inventory.model_exists`.
    """
    name = checked_name("model", name) if name else nearest_name(path.stem)
    facts = model_facts(path)
    if dry_run:
        return ModelRow(name, facts, str(path), time.time())
    place = store_model(home.create().models, path.expanduser().absolute(), facts)
    with open_inventory(home.inventory) as inventory:
        return catalog.add_model(inventory, name, facts, str(place), at=time.time())


def build_image(
    home: Home,
    model: str,
    *,
    base: str | None = None,
    name: str = "",
    compression: str = "none",
    dry_run: bool = False,
) -> BuiltImage:
    """Put server and model on a base (or on nothing) in the local layout.

    `base` is the digest or the name of an image in the layout, as `image pull` left it.

    Raises:
        NotFound: `inventory.unknown_model`, `oci.no_image`, `oci.no_layout`.
        Everything of `images.build.build`.
    """
    if base and not base.startswith("sha256:"):
        base = Layout(home.layout).find(base).digest
    with present_inventory(home, dry_run=dry_run) as inventory:
        row = catalog.get_model(inventory, model)
        built = build(
            Layout(home.layout),
            Path(row.path),
            row.facts,
            base=base,
            name=name or row.name,
            created=source_date_epoch(),
            compression=Compression(compression),
            dry_run=dry_run,
        )
        if not dry_run:
            layers = tuple(Layer(item.kind, item.digest, item.size_bytes) for item in built.layers)
            catalog.add_image(
                inventory, built.digest, built.name, built.model, layers, at=time.time()
            )
    return built


def prune_images(home: Home, *, dry_run: bool = False) -> tuple[list[ImageRow], int]:
    """Remove the images that no release uses; returns them and the bytes freed.

    Raises:
        Refused: `oci.busy`.
    """
    with present_inventory(home, dry_run=dry_run) as inventory:
        used = {row.release.spec.image for row in list_releases(inventory)}
        unused = [row for row in catalog.list_images(inventory) if row.digest not in used]
        if dry_run or not unused:
            return unused, 0
        layout = Layout(home.layout)
        named = {entry.digest for entry in layout.manifests()}
        for row in unused:
            if row.digest in named:
                layout.remove(row.digest)
        freed = prune(layout, used, fresh_s=0.0)
        for row in unused:
            catalog.remove_image(inventory, row.digest)
    return unused, freed


def create_app(
    home: Home, name: str, description: str = "", frames: str = "", *, dry_run: bool = False
) -> AppRow:
    """Remember an app, or change what is said of it.

    Raises:
        UsageError: `name.invalid`.
        NotFound: `ops.no_frames`, `ops.unreadable`.
    """
    from yolodeploy.ops.pictures import pictures_in

    checked_name("app", name)
    description = one_line(description)
    folder = str(Path(frames).expanduser().absolute()) if frames else ""
    if folder:
        pictures_in(Path(folder), most=1)
    if dry_run:
        return AppRow(name, description, folder, time.time(), 0)
    with open_inventory(home.create().inventory) as inventory:
        return catalog.add_app(inventory, name, description, folder, at=time.time())


def create_release(
    home: Home,
    app: str,
    image: str,
    *,
    serving: Serving | None = None,
    resources: Resources | None = None,
    gates: tuple[Gate, ...] | None = None,
    dry_run: bool = False,
) -> Release:
    """A release of an app from an image; the same specification again is the same release.

    Raises:
        NotFound: `inventory.unknown_app`, `inventory.unknown_image`, `inventory.unknown_model`.
    """
    with present_inventory(home, dry_run=dry_run) as inventory:
        catalog.get_app(inventory, app)
        row = catalog.get_image(inventory, image)
        model = catalog.get_model(inventory, row.model)
        spec = ReleaseSpec(
            app=app,
            image=row.digest,
            model=row.model,
            classes=model.facts.classes,
            serving=serving or Serving(),
            resources=resources or Resources(),
        )
        if gates is not None:
            spec = msgspec.structs.replace(spec, gates=gates)
        if dry_run:
            known = [item for item in list_releases(inventory, app) if item.digest == spec.digest]
            newest = max((item.release.number for item in list_releases(inventory, app)), default=0)
            return known[0].release if known else Release(newest + 1, spec)
        return add_release(inventory, spec, at=time.time())


def gates_from(path: Path) -> tuple[Gate, ...]:
    """Gates written as JSON, in the form that `release show -o json` has under `gates`.

    Raises:
        UsageError: `ops.bad_gates`, `ops.file_too_large`.
        NotFound: `ops.unreadable`.
    """
    content = read_file(path, LARGEST_GATES_BYTES)
    try:
        return msgspec.json.decode(content, type=tuple[Gate, ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError("ops.bad_gates", path=path, reason=error) from error
