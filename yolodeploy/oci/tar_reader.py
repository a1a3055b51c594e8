"""Reading tar archives from anywhere: every number bounded, nothing trusted.

Not `tarfile`: it reads a header of any declared size into memory, recurses once for each extended
header, and gateways run Python versions whose tarfile lacks later fixes (CVE-2024-6232,
CVE-2025-8194). Understood are ustar, pax and GNU long names; sparse files are not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple, NoReturn

from yolodeploy.core.errors import Corrupt, Refused
from yolodeploy.oci.sources import CHUNK
from yolodeploy.oci.verified import Readable

_BLOCK = 512


class Limits(NamedTuple):
    """What one layer may be at most. `total_bytes` counts everything after decompression."""

    entries: int = 200_000
    total_bytes: int = 16 << 30
    header_bytes: int = 1 << 20


class Kind(Enum):
    """What a member is."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARD_LINK = "hard link"
    DEVICE = "device or pipe"


class Member(NamedTuple):
    """One entry. `path` is as written; `target` is a link's; `size` is in bytes."""

    path: str
    kind: Kind
    mode: int
    size: int
    target: str


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"5": Kind.FOLDER,
    b"2": Kind.SYMLINK,
    b"1": Kind.HARD_LINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"6": Kind.DEVICE,
}
_LONG_NAMES = {b"L": "path", b"K": "linkpath"}
_SPARSE = "GNU.sparse"
_UNDERSTOOD = {"path", "linkpath", "size"}  # the rest of a pax header is times, owners, attributes


class TarReader:
    """Members one after the other; `chunks` gives the content of the present one.

    Raises, while reading:
        Corrupt: `oci.layer_malformed`.
        Refused: `oci.layer_entries`, `oci.layer_bytes`, `oci.layer_kind`.
    """

    def __init__(self, stream: Readable, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._total = 0
        self._left = 0  # bytes of the present member that were not read yet
        self._padding = 0

    def members(self) -> Iterator[Member]:
        """Every member, then the rest of the stream is read to its end."""
        extended: dict[str, str] = {}
        for _ in range(self._limits.entries):
            block = self._next_header()
            if block is None:
                self._drain()
                return
            kind = block[156:157]
            if kind in _LONG_NAMES:
                extended[_LONG_NAMES[kind]] = _text(self._header_content(block))
            elif kind == b"x":
                extended |= _records(self._header_content(block))
            elif kind == b"g":
                _check_global(_records(self._header_content(block)))
            else:
                yield self._member(block, extended)
                extended = {}
        raise Refused("oci.layer_entries", limit=self._limits.entries)

    def chunks(self) -> Iterator[bytes]:
        """The content of the present member."""
        while self._left:
            yield self._some()

    def _member(self, block: bytes, extended: dict[str, str]) -> Member:
        prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
        name = _text(block[:100])
        path = extended.get("path") or (f"{prefix}/{name}" if prefix else name)
        kind = _KINDS.get(block[156:157])
        if kind is None or _SPARSE in extended:
            raise Refused("oci.layer_kind", member=path)
        size = _decimal(extended["size"]) if "size" in extended else _number(block[124:136])
        if kind is not Kind.FILE:
            size = 0
        elif path.endswith("/"):
            kind = Kind.FOLDER  # archives from before 1988
        self._left, self._padding = size, -size % _BLOCK
        target = extended.get("linkpath") or _text(block[157:257])
        return Member(path, kind, _number(block[100:108]) & 0o7777, size, target)

    def _next_header(self) -> bytes | None:
        for _ in self.chunks():
            pass
        self._exactly(self._padding)
        self._padding = 0
        block = self._read(_BLOCK)
        if not block:
            return None
        block += self._exactly(_BLOCK - len(block))
        if block == bytes(_BLOCK):
            return None
        unsummed = block[:148] + b" " * 8 + block[156:]
        if sum(unsummed) != _number(block[148:156]):
            _malformed("checksum")
        return block

    def _header_content(self, block: bytes) -> bytes:
        size = _number(block[124:136])
        if size > self._limits.header_bytes:
            raise Refused("oci.layer_bytes", limit=self._limits.header_bytes)
        content = self._exactly(size)
        self._padding = -size % _BLOCK
        return content

    def _some(self) -> bytes:
        chunk = self._read(min(self._left, CHUNK))
        if not chunk:
            _malformed("cut short")
        self._left -= len(chunk)
        return chunk

    def _exactly(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            part = self._read(size)
            if not part:
                _malformed("cut short")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _drain(self) -> None:
        # a verified stream gives its verdict only at its end
        while self._read(CHUNK):
            pass

    def _read(self, size: int) -> bytes:
        chunk = self._stream.read(size) or b""
        self._total += len(chunk)
        if self._total > self._limits.total_bytes:
            raise Refused("oci.layer_bytes", limit=self._limits.total_bytes)
        return chunk


def _malformed(reason: str) -> NoReturn:
    raise Corrupt("oci.layer_malformed", reason=reason)


def _text(field: bytes) -> str:
    return os.fsdecode(field.split(b"\0", 1)[0])


def _number(field: bytes) -> int:
    """An octal number, or a positive one in base 256 as GNU writes large sizes."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.split(b"\0", 1)[0].strip()
    if digits.strip(b"01234567"):
        _malformed("number")
    return int(digits or b"0", 8)


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 20):
        _malformed("size")
    return int(text)


def _records(content: bytes) -> dict[str, str]:
    """The records of a pax header that matter: `LENGTH KEY=VALUE` and a line break each."""
    found: dict[str, str] = {}
    position = 0
    while position < len(content):
        space = content.find(b" ", position, position + 20)
        length = content[position:space] if space > position else b""
        if not length.isdigit():
            _malformed("pax header")
        end = position + int(length)
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if end > len(content) or content[end - 1 : end] != b"\n" or not equals:
            _malformed("pax header")
        name = os.fsdecode(key)
        if name.startswith(_SPARSE):
            found[_SPARSE] = ""
        elif name in _UNDERSTOOD:
            found[name] = os.fsdecode(value)
        position = end
    return found


def _check_global(records: dict[str, str]) -> None:
    # comments are common there (git archive), a name or a size for all members is an attack
    if records:
        _malformed("global pax header")
