"""Checking an image in a layout: every blob read, every finding told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from yolodeploy.core.errors import YolodeployError
from yolodeploy.oci import media_types
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, Manifest


class Finding(NamedTuple):
    """What is wrong with one blob of an image; `code` is an error's of the catalogue."""

    digest: str
    part: str
    code: str
    text: str


def verify(layout: Layout, digest: str) -> tuple[Finding, ...]:
    """What is wrong with an image, given its manifest's digest; empty when all is well."""
    try:
        manifest = layout.read_manifest(digest)
    except YolodeployError as error:
        return (Finding(digest, "manifest", error.code, error.text()),)
    return tuple(_findings(layout, manifest))


def _findings(layout: Layout, manifest: Manifest) -> Iterator[Finding]:
    yield from _content(layout, manifest.config, "config")
    for layer in manifest.layers:
        yield from _content(layout, layer, "layer")
    try:
        diff_ids = layout.read_config(manifest).rootfs.diff_ids
    except YolodeployError as error:
        yield Finding(manifest.config.digest, "config", error.code, error.text())
        return
    if not _agree(manifest.layers, diff_ids):
        text = "its layers are not those of the manifest"
        yield Finding(manifest.config.digest, "config", "oci.diff_ids", text)


def _content(layout: Layout, descriptor: Descriptor, part: str) -> Iterator[Finding]:
    try:
        layout.blobs.check(descriptor)
    except YolodeployError as error:
        yield Finding(descriptor.digest, part, error.code, error.text())


def _agree(layers: tuple[Descriptor, ...], diff_ids: tuple[str, ...]) -> bool:
    """A plain layer's diff id is its digest; those of compressed ones are not recomputed."""
    return len(layers) == len(diff_ids) and all(
        layer.digest == diff_id
        for layer, diff_id in zip(layers, diff_ids, strict=True)
        if media_types.oci_name(layer.media_type) == media_types.LAYER_TAR
    )
