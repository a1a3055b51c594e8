"""The files of an image as a container would see them, read out of its layers without unpacking.

One pass over each layer, lowest first; a file of a higher layer, or a whiteout there, hides what is
below. Devices, which bases have and no unpacked layer may have, are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from yolodeploy.core.errors import Corrupt, Refused
from yolodeploy.oci.compression import decompressed, readable
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.tar_reader import Kind, Limits, Member, TarReader
from yolodeploy.oci.unpack import inside

# a CUDA base has 30,000 files and 7 GB in one layer; 500,000 paths take about 75 MB
LIMITS = Limits(entries=500_000, total_bytes=64 << 30)
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"  # OCI image specification 1.1, layer.md

T = TypeVar("T")


class Seen(NamedTuple, Generic[T]):
    """What was taken from a file, and the layer that the file is in."""

    layer: Descriptor
    value: T


class _Layer(Generic[T]):
    """What one layer adds and hides."""

    def __init__(self) -> None:
        self.files: dict[str, Seen[T]] = {}
        self.folders: set[str] = set()
        self.hidden: set[str] = set()  # and whatever is below
        self.emptied: set[str] = set()  # folders that show nothing of lower layers

    def is_whiteout(self, path: str) -> bool:
        """Whether a file is none, but says what of lower layers is gone; it is noted then."""
        folder, _, name = path.rpartition("/")
        if name == _OPAQUE:
            self.emptied.add(folder)
        elif name.startswith(_WHITEOUT):
            gone = name.removeprefix(_WHITEOUT)
            self.hidden.add(f"{folder}/{gone}" if folder else gone)
        return name.startswith(_WHITEOUT)

    def note(self, path: str, kind: Kind) -> None:
        """What is here takes the place of what had the path; a folder only that of a file."""
        (self.folders if kind is Kind.FOLDER else self.hidden).add(path)

    def hides(self, path: str) -> bool:
        """Whether a file of a lower layer is not seen any more."""
        if path in self.hidden or path in self.folders:
            return True
        return any(up in self.hidden or up in self.emptied for up in _parents(path))


def visible(
    layout: Layout,
    layers: Iterable[Descriptor],
    wanted: Callable[[str], int],
    taken: Callable[[str, bytes], T],
    *,
    limits: Limits = LIMITS,
) -> dict[str, Seen[T]]:
    """What `taken` makes of each file that is seen, by path.

    `wanted` says how many bytes of a file are read, 0 for those that do not matter: memory is what
    `taken` keeps, and one file.

    Raises:
        NotFound: `oci.blob_missing`.
        Corrupt: `oci.blob_corrupt`, `oci.layer_malformed`.
        Refused: `oci.layer_path`, `oci.layer_kind`, `oci.layer_entries`, `oci.layer_bytes`,
            `oci.layer_media_type`.
    """
    found: dict[str, Seen[T]] = {}
    for layer in layers:
        upper = _read(layout, layer, wanted, taken, limits)
        found = {path: seen for path, seen in found.items() if not upper.hides(path)}
        found |= upper.files
    return found


def _read(
    layout: Layout,
    layer: Descriptor,
    wanted: Callable[[str], int],
    taken: Callable[[str, bytes], T],
    limits: Limits,
) -> _Layer[T]:
    found: _Layer[T] = _Layer()
    with layout.open_blob(layer) as stream:
        try:
            with readable():
                reader = TarReader(decompressed(stream, layer.media_type), limits)
                for member in reader.members():
                    path = inside(member.path)
                    if found.is_whiteout(path):
                        continue
                    found.note(path, member.kind)
                    size = wanted(path) if member.kind is Kind.FILE else 0
                    if size:
                        content = _beginning(reader.chunks(), size)
                        found.files[path] = Seen(layer, taken(path, content))
                    elif linked := found.files.get(_linked(member)):
                        found.files[path] = linked
        except (Corrupt, Refused):
            layout.blobs.check(layer)  # a damaged blob explains a strange archive
            raise
    return found


def _linked(member: Member) -> str:
    """The path that a hard link is another name of; of anything else none."""
    return member.target.removeprefix("./") if member.kind is Kind.HARD_LINK else ""


def _beginning(chunks: Iterator[bytes], size: int) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk[: size - len(content)]
        if len(content) >= size:
            break
    return bytes(content)


def _parents(path: str) -> Iterator[str]:
    """The folders above a path, the root (empty) last."""
    while path:
        path = path.rpartition("/")[0]
        yield path
