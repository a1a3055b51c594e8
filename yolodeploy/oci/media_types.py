"""Media types as data: what a blob is, and how a layer is compressed.

OCI image specification 1.1, media-types.md; Docker's image manifest version 2, schema 2.
"""

from __future__ import annotations

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = f"{LAYER_TAR}+gzip"
LAYER_ZSTD = f"{LAYER_TAR}+zstd"
EMPTY = "application/vnd.oci.empty.v1+json"  # the configuration of what has none: `{}`
CYCLONEDX = "application/vnd.cyclonedx+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"

# Docker's names for the same bytes, which a base image may carry
OCI_NAME = {
    "application/vnd.docker.distribution.manifest.list.v2+json": INDEX,
    "application/vnd.docker.distribution.manifest.v2+json": MANIFEST,
    "application/vnd.docker.container.image.v1+json": CONFIG,
    "application/vnd.docker.image.rootfs.diff.tar": LAYER_TAR,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": LAYER_GZIP,
    "application/vnd.docker.image.rootfs.diff.tar.zstd": LAYER_ZSTD,
}

COMPRESSION = {LAYER_TAR: "", LAYER_GZIP: "gzip", LAYER_ZSTD: "zstd"}


def oci_name(media_type: str) -> str:
    """The OCI media type of the same bytes; `media_type` itself where there is none."""
    return OCI_NAME.get(media_type, media_type)
