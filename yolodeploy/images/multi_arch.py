"""One name for the images of several platforms: an OCI index in the layout."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from itertools import pairwise

from yolodeploy.core.errors import NotFound, Refused, UsageError
from yolodeploy.core.names import checked_name
from yolodeploy.oci import media_types
from yolodeploy.oci.index import checked_ref
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, Index, Platform, canonical
from yolodeploy.oci.registry.platforms import chosen, shown, suits


def make_index(
    layout: Layout, name: str, digests: Sequence[str], *, dry_run: bool = False
) -> Descriptor:
    """Let `name` mean whichever of some images suits a machine; each keeps its own name.

    The order in which they are given makes no difference to the digest.

    Raises:
        UsageError: `name.invalid`, `oci.ref_invalid`, `oci.is_index`; `image.platform_twice`.
        NotFound: `oci.blob_missing`.
        Corrupt: `oci.blob_corrupt`, `oci.json_invalid`.
        Refused: `oci.busy`.
    """
    checked_name("image", checked_ref(name).partition(":")[0])
    parts = [_described(layout, digest) for digest in digests]
    platforms = sorted(shown(part.platform) for part in parts if part.platform)
    for one, other in pairwise(platforms):
        if one == other:
            raise UsageError("image.platform_twice", platform=one)
    parts.sort(key=lambda part: shown(part.platform) if part.platform else "")
    index = canonical(Index(media_type=media_types.INDEX, manifests=tuple(parts)))
    with nullcontext() if dry_run else layout.in_use():
        store = layout.blobs.measure if dry_run else layout.blobs.add
        blob = store((index,))
        made = Descriptor(media_type=media_types.INDEX, digest=blob.digest, size=blob.size)
        if not dry_run:
            layout.set_ref(made, name)
    return made


def image_for(layout: Layout, digest: str, wanted: Platform | None) -> str:
    """The image that an index has for a platform; an image itself, when it suits.

    Without `wanted` an image is taken as it is; of an index of several nobody guesses.

    Raises:
        NotFound: `registry.no_platform`, `oci.blob_missing`.
        Refused: `image.which_platform`, an index of several and none was named.
    """
    if not layout.blobs.has(digest):
        return digest
    try:
        manifest = layout.read_manifest(digest)
    except UsageError as error:
        if error.code != "oci.is_index":
            raise
        return _of_index(layout, digest, wanted)
    if wanted is not None:
        config = layout.read_config(manifest)
        offered = Platform(architecture=config.architecture, os=config.os, variant=config.variant)
        if not suits(offered, wanted):
            raise NotFound(
                "registry.no_platform", reference=digest, platform=shown(wanted),
                offered=shown(offered),
            )  # fmt: skip
    return digest


def _of_index(layout: Layout, digest: str, wanted: Platform | None) -> str:
    manifests = layout.read_json(digest, Index).manifests or ()
    if wanted is None:
        if len(manifests) == 1:
            return manifests[0].digest
        offered = ", ".join(shown(item.platform) for item in manifests if item.platform)
        raise Refused("image.which_platform", digest=digest, offered=offered)
    return chosen(manifests, wanted, digest).digest


def _described(layout: Layout, digest: str) -> Descriptor:
    manifest = layout.read_manifest(digest)
    config = layout.read_config(manifest)
    return Descriptor(
        media_type=manifest.media_type or media_types.MANIFEST,
        digest=digest,
        size=layout.blobs.path(digest).stat().st_size,
        platform=Platform(
            architecture=config.architecture, os=config.os, variant=config.variant
        ),
    )  # fmt: skip
