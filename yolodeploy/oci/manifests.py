"""Descriptors, manifests, indexes and image configurations with the names of OCI 1.1.

The encoding is canonical (sorted keys, no spaces, defaults left out), so that equal values have
equal digests on every machine.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.oci.media_types import INDEX, oci_name

REF_NAME = "org.opencontainers.image.ref.name"
CLUSTER_NAME = "io.containerd.image.name"  # by which containerd's own import names an image

# `\Z`, for `$` would let a line break through; only sha256 is stored, so no other path can be named
Digest = Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
Size = Annotated[int, msgspec.Meta(ge=0)]


class Platform(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a manifest in an index runs on."""

    architecture: str
    os: str
    variant: str = ""


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What names a blob: its media type, digest and size in bytes."""

    media_type: str
    digest: Digest
    size: Size
    annotations: dict[str, str] = {}
    platform: Platform | None = None
    artifact_type: str = ""


class Kind(msgspec.Struct, frozen=True, rename="camel"):
    """What tells an index from one image, of a document of which nothing else is known yet."""

    media_type: str = ""
    manifests: tuple[msgspec.Raw, ...] | None = None

    def is_index(self, described: str = "") -> bool:
        """Whether it names images; `described` is the media type of one that leaves it out."""
        name = oci_name(self.media_type or described)
        return self.manifests is not None or name == INDEX


class Manifest(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename="camel",
    tag_field="schemaVersion",
    tag=2,
):
    """One image: its configuration and its layers, lowest first. Old tools leave the type out.

    What is about another image (`subject`), such as a list of its parts, is a manifest too.
    """

    media_type: str = ""
    artifact_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: dict[str, str] = {}


class Index(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename="camel",
    tag_field="schemaVersion",
    tag=2,
):
    """Manifests by platform or by name; `index.json` is one."""

    manifests: tuple[Descriptor, ...] | None  # Go writes an empty list as null
    media_type: str = ""
    annotations: dict[str, str] = {}


class References(msgspec.Struct, frozen=True, rename="camel"):
    """The blobs that a manifest or an index of whatever kind refers to."""

    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] | None = None
    manifests: tuple[Descriptor, ...] | None = None

    def all(self) -> tuple[Descriptor, ...]:
        """In the order in which they are needed."""
        config = (self.config,) if self.config else ()
        return (*(self.manifests or ()), *config, *(self.layers or ()))


class RootFs(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="layers"):
    """The digests of the uncompressed layers, lowest first."""

    diff_ids: tuple[Digest, ...]


class History(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a layer came to be; `empty_layer` marks a step that made none."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class RunConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a container of the image is started. Go writes what is not set as null."""

    user: str = msgspec.field(default="", name="User")
    env: tuple[str, ...] | None = msgspec.field(default=None, name="Env")
    entrypoint: tuple[str, ...] | None = msgspec.field(default=None, name="Entrypoint")
    cmd: tuple[str, ...] | None = msgspec.field(default=None, name="Cmd")
    working_dir: str = msgspec.field(default="", name="WorkingDir")
    exposed_ports: dict[str, object] | None = msgspec.field(default=None, name="ExposedPorts")
    volumes: dict[str, object] | None = msgspec.field(default=None, name="Volumes")
    labels: dict[str, str] | None = msgspec.field(default=None, name="Labels")
    stop_signal: str = msgspec.field(default="", name="StopSignal")


class ImageConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the manifest's configuration blob holds."""

    architecture: str
    os: str
    rootfs: RootFs
    config: RunConfig | None = None
    created: str = ""
    author: str = ""
    variant: str = ""
    history: tuple[History, ...] | None = None


def canonical(value: msgspec.Struct) -> bytes:
    """The one encoding of a value: JSON with sorted keys and no spaces."""
    return msgspec.json.encode(value, order="sorted")


known(Index, Manifest, ImageConfig, References)
