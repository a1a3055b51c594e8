"""Building an image: the layers of a base, then the server, then the model. No daemon.

A build writes what the layout lacks and reads nothing of the base but its manifest and its
configuration: a model update costs the model, whatever the base weighs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from yolodeploy.core.digests import short
from yolodeploy.core.errors import UsageError
from yolodeploy.core.names import checked_name
from yolodeploy.core.release import ModelFacts
from yolodeploy.core.text import one_line
from yolodeploy.images.assembly import NO_BASE, Base, OwnLayer, image_config, read_base
from yolodeploy.images.model_layer import license_expression, model_layer
from yolodeploy.images.server_layer import server_layer
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.blobs import Blob
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.index import checked_ref
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, Manifest, canonical

_Store = Callable[[Iterable[bytes]], Blob]
_TITLE = "org.opencontainers.image"


class Origin(NamedTuple):
    """Where an image comes from, as its annotations say it.

    `source` is an address, `revision` what was taken from there, `base_name` the base's reference.
    """

    source: str = ""
    revision: str = ""
    base_name: str = ""

    def checked(self) -> Origin:
        """Itself, each a line of at most 300 characters.

        Raises:
            UsageError: `image.source_login`.
        """
        if urlsplit(self.source).username is not None:
            raise UsageError("image.source_login")
        return Origin(*map(one_line, self))


NO_ORIGIN = Origin()


class BuiltLayer(msgspec.Struct, frozen=True):
    """One layer of an image. `reused` tells that the layout had it; `size_bytes` as stored."""

    kind: str
    digest: str
    size_bytes: int
    reused: bool


class BuiltImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image in a layout. `digest` is its manifest's and names it; `model` is the model's."""

    name: str
    digest: str
    model: str
    layers: tuple[BuiltLayer, ...]

    @property
    def size_bytes(self) -> int:
        """All layers together."""
        return sum(layer.size_bytes for layer in self.layers)

    @property
    def new_bytes(self) -> int:
        """What the layout lacked."""
        return sum(layer.size_bytes for layer in self.layers if not layer.reused)


def build(
    layout: Layout,
    model_file: Path,
    facts: ModelFacts,
    *,
    base: str | None = None,
    name: str,
    created: int = 0,
    compression: Compression = Compression.NONE,
    origin: Origin = NO_ORIGIN,
    dry_run: bool = False,
) -> BuiltImage:
    """Build an image and let `name` (`brake-disc` or `brake-disc:v7`) mean it.

    `base` is the digest of a manifest in the layout; without one the image consists of the server
    and the model alone, which is all that an embedded site needs. `created` is Unix seconds
    (`source_date_epoch`): the same inputs give the same digests, with `compression` where the
    compressor is the same too. With `dry_run` they are computed and nothing is written.

    Raises:
        UsageError: `name.invalid`, `oci.ref_invalid`, `image.created_invalid`, or the base is an
            index (`oci.is_index`) or has a model already (`image.base_has_model`);
            `image.source_login`.
        NotFound: `image.base_absent`, `oci.blob_missing`.
        Corrupt: `oci.blob_corrupt`, `image.base_inconsistent`.
        Failed: `oci.source_changed`, the file is not the one that `facts` tell of; `oci.*` of the
            storage. Nothing is half done: the name means what it meant.
        Refused: `oci.busy`.
    """
    title, _, version = checked_ref(name).partition(":")
    checked_name("image", title)
    moment = _rfc3339(created)
    origin = origin.checked()
    with nullcontext() if dry_run else layout.create().in_use():
        below = read_base(layout, base) if base else NO_BASE
        store = layout.blobs.measure if dry_run else layout.blobs.add
        server = _layer(store, server_layer(), our_image.SERVER, compression)
        model = _layer(store, model_layer(model_file, facts), our_image.MODEL, compression)
        config = canonical(image_config(below, (server, model), moment))
        manifest = Manifest(
            media_type=media_types.MANIFEST,
            config=_described(store((config,)), media_types.CONFIG),
            layers=(*below.layers, server.blob, model.blob),
            annotations=_annotations(
                facts, base, origin, {"title": title, "version": version, "created": moment}
            ),
        )
        described = _described(store((canonical(manifest),)), media_types.MANIFEST)
        if not dry_run:
            layout.set_ref(described, name)
    return BuiltImage(
        name=name,
        digest=described.digest,
        model=facts.digest,
        layers=(
            *_from_base(below),
            _built(server.blob, server.reused),
            _built(model.blob, model.reused),
        ),
    )


def source_date_epoch(environment: Mapping[str, str] = os.environ) -> int:
    """The moment that images are dated with: `SOURCE_DATE_EPOCH`, or 1970.

    Raises:
        UsageError: `image.created_invalid`.
    """
    text = environment.get("SOURCE_DATE_EPOCH", "0")
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise UsageError("image.created_invalid", created=text)
    return int(text)


def _rfc3339(created: int) -> str:
    if not 0 <= created < 253402300800:  # the year 10000, which RFC 3339 cannot write
        raise UsageError("image.created_invalid", created=created)
    return f"{datetime.fromtimestamp(created, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _layer(store: _Store, chunks: Iterable[bytes], kind: str, compression: Compression) -> OwnLayer:
    annotations = {our_image.LAYER_KIND: kind}
    if compression is Compression.NONE:
        blob = store(chunks)
        layer = _described(blob, compression.media_type, annotations)
        return OwnLayer(layer, blob.digest, blob.reused)
    plain = hashlib.sha256()
    blob = store(compression.compressed(_hashed(chunks, plain.update)))
    annotations[our_image.COMPRESSOR] = compression.compressor
    layer = _described(blob, compression.media_type, annotations)
    return OwnLayer(layer, f"sha256:{plain.hexdigest()}", blob.reused)


def _hashed(chunks: Iterable[bytes], update: Callable[[bytes], object]) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk


def _described(
    blob: Blob, media_type: str, annotations: dict[str, str] | None = None
) -> Descriptor:
    return Descriptor(
        media_type=media_type,
        digest=blob.digest,
        size=blob.size,
        annotations=annotations or {},
    )


def _annotations(
    facts: ModelFacts, base: str | None, origin: Origin, texts: dict[str, str]
) -> dict[str, str]:
    texts["version"] = texts["version"] or short(facts.digest)
    texts["licenses"] = license_expression(facts)
    texts["source"], texts["revision"], texts["base.name"] = origin
    texts["base.digest"] = base or ""
    named = {f"{_TITLE}.{key}": text for key, text in texts.items() if text}
    return {**named, our_image.MODEL_DIGEST: facts.digest}


def _from_base(below: Base) -> list[BuiltLayer]:
    return [_built(layer, True) for layer in below.layers]


def _built(layer: Descriptor, reused: bool) -> BuiltLayer:
    return BuiltLayer(our_image.kind_of(layer), layer.digest, layer.size, reused)
