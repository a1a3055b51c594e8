"""What an image of a layout consists of, and which machines it runs on."""

from __future__ import annotations

from typing import NamedTuple

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, Platform
from yolodeploy.oci.registry.platforms import platform_of, shown, suits
from yolodeploy.oci.registry.transfers import Fate, Part


class Contents(NamedTuple):
    """One image: its manifest, its parts (the manifest among them), and what it is for.

    `platform` is None where nothing in it is bound to a processor: server and model alone.
    """

    image: Descriptor
    parts: tuple[Part, ...]
    platform: Platform | None

    def check_machine(self, device: str, machine: str) -> None:
        """Raises `Refused` (`send.wrong_platform`) for a machine that it does not run on."""
        if self.platform is None or suits(self.platform, platform_of(machine)):
            return
        raise Refused(
            "send.wrong_platform", device=device, machine=machine, platform=shown(self.platform)
        )


def contents(layout: Layout, digest: str) -> Contents:
    """What is in an image, all of which is there.

    Raises:
        UsageError: `oci.is_index`.
        NotFound: `oci.blob_missing`.
        Corrupt: `oci.blob_corrupt`, `oci.json_invalid`.
    """
    manifest = layout.read_manifest(digest)
    config = layout.read_config(manifest)
    image = Descriptor(
        media_type=manifest.media_type or media_types.MANIFEST,
        digest=digest,
        size=layout.blobs.path(digest).stat().st_size,
    )
    parts = {image.digest: Part("manifest", image, Fate.SEND)}
    parts[manifest.config.digest] = Part("config", manifest.config, Fate.SEND)
    for layer in manifest.layers:
        parts.setdefault(layer.digest, Part(our_image.kind_of(layer), layer, Fate.SEND))
    for part in parts.values():
        if not layout.blobs.has(part.blob.digest, part.size_bytes):
            path = layout.blobs.path(part.blob.digest)
            raise NotFound("oci.blob_missing", digest=part.blob.digest, path=path)
    bound = our_image.layers_of(manifest, our_image.BASE, our_image.RUNTIME)
    platform = Platform(architecture=config.architecture, os=config.os, variant=config.variant)
    return Contents(image, tuple(parts.values()), platform if bound else None)
