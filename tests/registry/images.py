"""Images in layouts, small and large."""

from __future__ import annotations

import os
from pathlib import Path

from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, ImageConfig, Index, Manifest, Platform, RootFs


def image(layout: Layout, name: str, *contents: bytes, architecture: str = "amd64") -> Descriptor:
    """An image with one layer for each content."""
    layers = tuple(
        layout.add_blob(
            layer_chunks([LayerFile(f"part-{number}", content)]),
            media_types.LAYER_TAR,
            {our_image.LAYER_KIND: our_image.MODEL if number else our_image.BASE},
        )
        for number, content in enumerate(contents)
    )
    rootfs = RootFs(diff_ids=tuple(layer.digest for layer in layers))
    config = layout.add_json(
        ImageConfig(architecture=architecture, os="linux", rootfs=rootfs), media_types.CONFIG
    )
    manifest = Manifest(media_type=media_types.MANIFEST, config=config, layers=layers)
    found = layout.add_json(manifest, media_types.MANIFEST)
    layout.set_ref(found, name)
    return found


def random_image(layout: Layout, name: str, size: int) -> Descriptor:
    """An image of one layer that does not compress, of about `size` bytes."""
    return image(layout, name, os.urandom(size))


def index(layout: Layout, name: str, **images: Descriptor) -> Descriptor:
    """An index of images by architecture."""
    manifests = tuple(
        Descriptor(
            media_type=one.media_type,
            digest=one.digest,
            size=one.size,
            platform=Platform(architecture=architecture, os="linux"),
        )
        for architecture, one in images.items()
    )
    found = layout.add_json(
        Index(media_type=media_types.INDEX, manifests=manifests), media_types.INDEX
    )
    layout.set_ref(found, name)
    return found


def layer_of(layout: Layout, found: Descriptor) -> Descriptor:
    """The topmost layer of an image."""
    return layout.read_manifest(found.digest).layers[-1]


def new_layout(folder: Path) -> Layout:
    """An empty layout."""
    return Layout(folder).create()
