"""A base that was built, as an image of the layout: its layers named for what they are."""

from __future__ import annotations

from typing import NamedTuple

from yolodeploy.images.bases.saved_image import SavedImage, SavedLayer
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.blobs import Blob
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, ImageConfig, Manifest

_RUNTIME_FOLDER = "/opt/runtime"  # what the last stage of every Dockerfile of ours copies
_TITLE = "org.opencontainers.image"


class BaseLayer(NamedTuple):
    """One layer. `size_bytes` as stored and sent, `plain_bytes` on a device's disk (0: unknown)."""

    kind: str
    digest: str
    size_bytes: int
    plain_bytes: int
    reused: bool


class BuiltBase(NamedTuple):
    """A base in the layout; `root` is what it was built on, `root_digest` what that was."""

    name: str
    digest: str
    platform: str
    root: str
    root_digest: str
    layers: tuple[BaseLayer, ...]

    @property
    def size_bytes(self) -> int:
        """All layers together."""
        return sum(layer.size_bytes for layer in self.layers)


def named_base(
    layout: Layout, saved: SavedImage, name: str, *,
    recipe: str, root: str, root_digest: str, compression: Compression,
) -> BuiltBase:  # fmt: skip
    """Write the manifest, and let `name` mean it.

    Raises:
        UsageError: `oci.ref_invalid`.
        Failed: `oci.*` of the storage.
    """
    kinds = kinds_of(saved.config)
    config = layout.add_blob((saved.config_bytes,), media_types.CONFIG)
    pairs = list(zip(saved.layers, kinds, strict=True))
    manifest = Manifest(
        media_type=media_types.MANIFEST,
        config=config,
        layers=tuple(_described(layer, kind, compression) for layer, kind in pairs),
        annotations={
            f"{_TITLE}.title": f"yolodeploy runtime, {recipe}",
            f"{_TITLE}.base.digest": root_digest,
        },
    )
    found = layout.add_json(manifest, media_types.MANIFEST)
    layout.set_ref(found, name)
    platform = f"{saved.config.os}/{saved.config.architecture}"
    shown = tuple(_shown(layer, kind) for layer, kind in pairs)
    return BuiltBase(name, found.digest, platform, root, root_digest, shown)


def kinds_of(config: ImageConfig) -> tuple[str, ...]:
    """What each layer is, lowest first, by the step that made it."""
    made = [step.created_by for step in config.history or () if not step.empty_layer]
    if len(made) != len(config.rootfs.diff_ids):
        return (our_image.BASE,) * len(config.rootfs.diff_ids)
    return tuple(our_image.RUNTIME if _RUNTIME_FOLDER in by else our_image.BASE for by in made)


def _described(layer: SavedLayer, kind: str, compression: Compression) -> Descriptor:
    annotations = {our_image.LAYER_KIND: kind}
    if layer.plain_bytes and compression is not Compression.NONE:  # it is we who compressed it
        annotations[our_image.COMPRESSOR] = compression.compressor
    blob: Blob = layer.blob
    return Descriptor(
        media_type=layer.media_type, digest=blob.digest, size=blob.size, annotations=annotations
    )


def _shown(layer: SavedLayer, kind: str) -> BaseLayer:
    return BaseLayer(kind, layer.blob.digest, layer.blob.size, layer.plain_bytes, layer.blob.reused)
