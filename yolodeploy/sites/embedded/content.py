"""What an embedded site has of an image, and bringing what it lacks.

Base and runtime layers stay where they are: this machine takes their part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.digests import short
from yolodeploy.core.errors import Failed, Refused
from yolodeploy.core.site import Prefetched
from yolodeploy.oci.layer_store import LayerStore
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.our_image import MODEL, SERVER, layers_of
from yolodeploy.sites.embedded.launch import Placed, placed_file

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.oci.manifests import Descriptor
    from yolodeploy.sites.embedded.folder import SiteFolder


def lacking(layout: Path, folder: SiteFolder, image: str) -> int:
    """Bytes of the image's server and model layers that the site has not."""
    wanted = _needed(Layout(layout), image)
    return sum(layer.size for layer in LayerStore(folder.layers).lacking(wanted))


def place(layout: Path, folder: SiteFolder, image: str) -> Prefetched:
    """Unpack what is missing, digests checked, and leave word for the agent.

    Raises:
        Refused: `site.image_incomplete`.
        Corrupt: `oci.*`.
        Failed: `oci.*` of the storage, `site.not_placed`.
    """
    source = Layout(layout)
    store = LayerStore(folder.layers)
    server, model = _needed(source, image)
    moved = sum(store.add(source, layer) for layer in (server, model))
    found = Placed(server=store.path(server.digest).name, model=store.path(model.digest).name)
    word = placed_file(folder, image)
    draft = word.with_suffix(".new")
    try:
        draft.write_bytes(msgspec.json.encode(found))
        draft.replace(word)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Failed("site.not_placed", image=short(image), reason=error.strerror) from error
    return Prefetched(moved, server.size + model.size - moved)


def _needed(layout: Layout, image: str) -> tuple[Descriptor, Descriptor]:
    manifest = layout.read_manifest(image)
    found = []
    for kind in (SERVER, MODEL):
        layers = layers_of(manifest, kind)
        if not layers:
            raise Refused("site.image_incomplete", image=short(image), kind=kind)
        found.append(layers[-1])
    return found[0], found[1]
