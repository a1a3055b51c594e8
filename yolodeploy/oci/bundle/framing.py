"""Where everything lies in a bundle. Pure: the manifest decides every byte that is no content.

So there is nothing to parse, and a bit that flipped in a header or in padding is found like one in
a file.
"""

from __future__ import annotations

from typing import NamedTuple

from yolodeploy.core.digests import digest_of
from yolodeploy.oci.bundle.manifest import CHECKSUM, MANIFEST, Entry
from yolodeploy.oci.tar_header import END, long_header, padding, tar_header

MODE = 0o644


class Place(NamedTuple):
    """Where an entry is; offsets in bytes from the beginning of the bundle."""

    entry: Entry
    header_at: int

    @property
    def header(self) -> bytes:
        """What comes before its content."""
        return long_header(self.entry.path, self.entry.size, MODE)

    @property
    def padding(self) -> bytes:
        """What follows its content."""
        return padding(self.entry.size)

    @property
    def content_at(self) -> int:
        """Its first byte."""
        return self.header_at + len(self.header)

    @property
    def end_at(self) -> int:
        """Behind its padding."""
        return self.content_at + self.entry.size + len(self.padding)


class Frame(NamedTuple):
    """A whole bundle: what it begins with, its entries, its size in bytes."""

    head: bytes
    places: tuple[Place, ...]
    size: int

    @property
    def end_at(self) -> int:
        """Where the end mark begins."""
        return self.size - len(END)


def frame(manifest: bytes, entries: tuple[Entry, ...]) -> Frame:
    """The frame of a bundle with this manifest, whose paths were checked."""
    checksum = checksum_line(manifest)
    head = b"".join(
        tar_header(path, len(content), MODE, b"0") + content + padding(len(content))
        for path, content in ((MANIFEST, manifest), (CHECKSUM, checksum))
    )
    places = []
    offset = len(head)
    for entry in entries:
        places.append(Place(entry, offset))
        offset = places[-1].end_at
    return Frame(head, tuple(places), offset + len(END))


def checksum_line(manifest: bytes) -> bytes:
    """The line that `sha256sum -c` reads: a damaged manifest must not name others as damaged."""
    return f"{digest_of(manifest).removeprefix('sha256:')}  {MANIFEST}\n".encode()
