"""Images that came from elsewhere, made known to the inventory with their models."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from yolodeploy.core.digests import short
from yolodeploy.core.names import nearest_name
from yolodeploy.images.model_of_image import take_out_model
from yolodeploy.inventory import catalog
from yolodeploy.inventory.catalog import Layer
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.oci import media_types
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, Manifest
from yolodeploy.oci.our_image import MODEL, MODEL_DIGEST, kind_of, layers_of

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home


def remember_images(home: Home, layout: Layout, images: Iterable[tuple[str, Descriptor]]) -> None:
    """Let the inventory know those that hold a model, as if they had been built here.

    Raises:
        Corrupt: `oci.json_invalid`; everything of `take_out_model`.
    """
    with open_inventory(home.inventory) as inventory:
        for name, described in images:
            if media_types.oci_name(described.media_type) != media_types.MANIFEST:
                continue
            manifest = layout.read_manifest(described.digest)
            model = manifest.annotations.get(MODEL_DIGEST, "")
            if not (model and layers_of(manifest, MODEL)):
                continue
            _remember_model(home, inventory, layout, manifest, name)
            layers = tuple(Layer(kind_of(one), one.digest, one.size) for one in manifest.layers)
            catalog.add_image(inventory, described.digest, name, model, layers, at=time.time())


def _remember_model(
    home: Home, inventory: Inventory, layout: Layout, manifest: Manifest, image: str
) -> None:
    known = catalog.list_models(inventory)
    if any(row.facts.digest == manifest.annotations[MODEL_DIGEST] for row in known):
        return
    facts, path = take_out_model(layout, layers_of(manifest, MODEL)[-1], home.models)
    name = nearest_name(image.rpartition("/")[2].partition(":")[0])
    if any(row.name == name for row in known):
        name = nearest_name(f"{name[:50]}-{short(facts.digest)}")
    catalog.add_model(inventory, name, facts, str(path), at=time.time())
