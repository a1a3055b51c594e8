"""Reading what `docker save` writes: an archive of layers, configurations and a list of images.

Docker up to 24 writes `ID/layer.tar`, later ones `blobs/sha256/…`; both have `manifest.json`, and
it comes last. So layers are stored while they pass by, and only then is it known which they are.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import msgspec

from yolodeploy.core.errors import Corrupt
from yolodeploy.oci import media_types
from yolodeploy.oci.blobs import Blob
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.layout import LONGEST_JSON, Layout
from yolodeploy.oci.manifests import ImageConfig
from yolodeploy.oci.tar_reader import Kind, Limits, TarReader

# a CUDA runtime is 6 GB; what TensorRT brings for every GPU doubles that
_LIMITS = Limits(entries=10_000, total_bytes=64 << 30)
_MOST_TEXT = 16 << 20  # bytes of lists and configurations, which are kept until the end
_MAGIC = {b"\x1f\x8b": media_types.LAYER_GZIP, b"\x28\xb5": media_types.LAYER_ZSTD}


class SavedLayer(NamedTuple):
    """A layer in our layout. `diff_id` is the digest of its plain tar, of `plain_bytes` bytes."""

    blob: Blob
    media_type: str
    diff_id: str
    plain_bytes: int


class SavedImage(NamedTuple):
    """An image: its configuration as docker wrote it, and its layers, lowest first."""

    config_bytes: bytes
    config: ImageConfig
    layers: tuple[SavedLayer, ...]


class _Listed(msgspec.Struct, frozen=True, rename="pascal"):
    config: str
    layers: tuple[str, ...]


def read_saved(
    chunks: Iterable[bytes], layout: Layout, compression: Compression, *,
    passed: Callable[[int], None] = lambda _count: None,
) -> SavedImage:  # fmt: skip
    """Store the layers of an archive with one image. `passed` hears how many bytes have come.

    Raises:
        Corrupt: `docker.archive`, it is not what its own lists say, or `oci.layer_malformed`.
        Failed: `oci.*` of the storage.
    """
    reader = TarReader(_Stream(chunks, passed), _LIMITS)
    documents: dict[str, bytes] = {}
    layers: dict[str, SavedLayer] = {}
    links: dict[str, str] = {}
    for member in reader.members():
        path = posixpath.normpath(member.path)
        if member.kind in (Kind.SYMLINK, Kind.HARD_LINK):
            folder = posixpath.dirname(path) if member.kind is Kind.SYMLINK else ""
            links[path] = posixpath.normpath(posixpath.join(folder, member.target))
        elif member.kind is Kind.FILE:
            content = reader.chunks()
            first = next(content, b"")
            if first[:1] in (b"{", b"[", b"") and member.size <= LONGEST_JSON:
                documents[path] = b"".join(chain((first,), content))
                _check_text(documents)
            else:
                layers[path] = _stored(chain((first,), content), first, layout, compression)
    return _image(documents, layers, links)


def _check_text(documents: dict[str, bytes]) -> None:
    if sum(map(len, documents.values())) > _MOST_TEXT:
        raise Corrupt("docker.archive", reason=f"more than {_MOST_TEXT} bytes of lists")


def _stored(
    content: Iterable[bytes], first: bytes, layout: Layout, compression: Compression
) -> SavedLayer:
    """A layer as it is stored; one that docker keeps compressed stays as it is."""
    media_type = _MAGIC.get(first[:2])
    if media_type:
        blob = layout.blobs.add(content)
        return SavedLayer(blob, media_type, "", 0)
    plain = _Measured(content)
    blob = layout.blobs.add(compression.compressed(plain))
    return SavedLayer(blob, compression.media_type, plain.digest, plain.size)


def _image(
    documents: dict[str, bytes], layers: dict[str, SavedLayer], links: dict[str, str]
) -> SavedImage:
    try:
        [listed] = msgspec.json.decode(documents["manifest.json"], type=list[_Listed])
        content = documents[posixpath.normpath(listed.config)]
        config = msgspec.json.decode(content, type=ImageConfig)
        paths = [posixpath.normpath(path) for path in listed.layers]
        found = [layers[links.get(path, path)] for path in paths]
    except (KeyError, ValueError, msgspec.DecodeError) as error:
        raise Corrupt("docker.archive", reason=f"{type(error).__name__}: {error}") from error
    diff_ids = config.rootfs.diff_ids
    if len(diff_ids) != len(found):
        raise Corrupt("docker.archive", reason=f"{len(found)} layers, {len(diff_ids)} digests")
    for layer, diff_id in zip(found, diff_ids, strict=True):
        if layer.diff_id not in ("", diff_id):
            raise Corrupt("docker.archive", reason=f"a layer is {layer.diff_id}, not {diff_id}")
    named = (layer._replace(diff_id=one) for layer, one in zip(found, diff_ids, strict=True))
    return SavedImage(content, config, tuple(named))


class _Measured:
    """Chunks, counted and digested on their way."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._hash = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._hash.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


class _Stream:
    """Chunks of any size, to read from: as much as is asked for, less only at the end."""

    def __init__(self, chunks: Iterable[bytes], passed: Callable[[int], None]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self._passed = passed
        self._count = 0

    def read(self, size: int = 1 << 20, /) -> bytes:
        if not self._rest and not self._more():
            return b""
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)

    def _more(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._rest = memoryview(chunk)
                self._count += len(chunk)
                self._passed(self._count)
                return True
        return False
