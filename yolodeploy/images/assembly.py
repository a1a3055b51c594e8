"""What an image takes from its base, and the configuration that results."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from yolodeploy.core.errors import Corrupt, NotFound, UsageError
from yolodeploy.oci import our_image
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import (
    Descriptor,
    History,
    ImageConfig,
    Manifest,
    RootFs,
    RunConfig,
)
from yolodeploy.oci.media_types import oci_name

ENTRYPOINT = ("python", "-m", "yolodeploy.serve", "--config", our_image.SERVE_CONFIG)
USER = "65532:65532"  # `nonroot` of the distroless images, which policies know


class Base(NamedTuple):
    """The layers of a base, annotated with their kinds, and its configuration."""

    layers: tuple[Descriptor, ...]
    config: ImageConfig


class OwnLayer(NamedTuple):
    """A layer of ours: as it is stored, the digest of its plain tar, and whether it was there."""

    blob: Descriptor
    diff_id: str
    reused: bool


# Server and model are Python and data: without a base an image suits any processor. The field is
# required all the same, and tools refuse to guess; amd64 on every machine keeps digests equal.
NO_BASE = Base((), ImageConfig(architecture="amd64", os="linux", rootfs=RootFs(diff_ids=())))


def read_base(layout: Layout, digest: str) -> Base:
    """A base in the layout. Its layers are not read: they are there, with the right size.

    Raises:
        UsageError: `oci.is_index`, `image.base_has_model`, `digest.invalid`.
        NotFound: `image.base_absent`, `oci.blob_missing`.
        Corrupt: `oci.blob_corrupt`, `oci.json_invalid`, `image.base_inconsistent`.
    """
    if not layout.blobs.has(digest):
        raise NotFound("image.base_absent", digest=digest, path=layout.path)
    manifest = layout.read_manifest(digest)
    config = layout.read_config(manifest)
    if our_image.layers_of(manifest, our_image.SERVER, our_image.MODEL):
        raise UsageError("image.base_has_model", digest=digest)
    if len(manifest.layers) != len(config.rootfs.diff_ids):
        raise Corrupt("image.base_inconsistent", digest=digest)
    for layer in manifest.layers:
        if not layout.blobs.has(layer.digest, layer.size):
            path = layout.blobs.path(layer.digest)
            raise NotFound("oci.blob_missing", digest=layer.digest, path=path)
    return Base(_annotated(manifest), config)


def _annotated(manifest: Manifest) -> tuple[Descriptor, ...]:
    return tuple(
        msgspec.structs.replace(
            layer,
            media_type=oci_name(layer.media_type),
            annotations={**layer.annotations, our_image.LAYER_KIND: our_image.kind_of(layer)},
        )
        for layer in manifest.layers
    )


def image_config(base: Base, ours: tuple[OwnLayer, ...], moment: str) -> ImageConfig:
    """The configuration of the image: the base's, our layers and our start."""
    below = base.config
    history = tuple(
        History(created=moment, created_by=f"yolodeploy: {our_image.kind_of(layer.blob)}")
        for layer in ours
    )
    return msgspec.structs.replace(
        below,
        created=moment,
        rootfs=RootFs(diff_ids=(*below.rootfs.diff_ids, *(layer.diff_id for layer in ours))),
        history=(*(below.history or ()), *history),
        config=_run_config(below.config or RunConfig()),
    )


def _run_config(below: RunConfig) -> RunConfig:
    return msgspec.structs.replace(
        below, user=USER, entrypoint=ENTRYPOINT, cmd=None, env=_environment(below.env or ())
    )


def _environment(below: tuple[str, ...]) -> tuple[str, ...]:
    """The base's variables; our folder comes first where it has a PYTHONPATH of its own."""
    paths = [our_image.PYTHON_PATH]
    paths += [entry.partition("=")[2] for entry in below if entry.startswith("PYTHONPATH=")]
    kept = [entry for entry in below if not entry.startswith("PYTHONPATH=")]
    return (*kept, f"PYTHONPATH={':'.join(filter(None, paths))}")
