"""Headers of tar archives that are the same on every machine and with every Python.

Not by `tarfile`, whose output has changed between versions (device numbers of plain files).
"""

from __future__ import annotations

import struct

from yolodeploy.core.errors import UsageError

BLOCK = 512  # bytes
END = bytes(2 * BLOCK)
LARGEST_OCTAL = 8**11 - 1  # bytes; eleven octal digits

_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s155s12x")  # POSIX.1-1988 ustar


def tar_header(path: str, size: int, mode: int, kind: bytes) -> bytes:
    """A header without owner or time. `path` is ASCII; `kind` is b"0" (file) or b"5" (folder).

    Of 8 GiB and more the size is written in base 256, as GNU, BSD, Go and Python read it.

    Raises:
        UsageError: `oci.path_invalid`, the path is too long for ustar.
    """
    prefix, name = _split(path)
    zero = b"%07o\0" % 0
    fields = (
        name, b"%07o\0" % mode, zero, zero, _size(size), b"%011o\0" % 0, b" " * 8, kind,
        b"", b"ustar\0", b"00", b"", b"", zero, zero, prefix,
    )  # fmt: skip
    block = _HEADER.pack(*fields)
    checksum = b"%06o\0 " % sum(block)
    return block[:148] + checksum + block[156:]


def long_header(path: str, size: int, mode: int) -> bytes:
    """A file's header, with a pax header before it where the path is too long for ustar's fields.

    Wheels have names such as `msgspec-0.22.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17…`.
    """
    try:
        return tar_header(path, size, mode, b"0")
    except UsageError:
        record = f" path={path}\n"
        content = f"{len(record) + 3}{record}".encode("ascii")  # of 101 to 255 characters
        extended = tar_header("pax", len(content), mode, b"x") + content + padding(len(content))
        return extended + tar_header(path[:100], size, mode, b"0")


def padding(size: int) -> bytes:
    """What follows a content of `size` bytes."""
    return bytes(-size % BLOCK)


def _size(size: int) -> bytes:
    if size <= LARGEST_OCTAL:
        return b"%011o\0" % size
    return b"\x80" + size.to_bytes(11, "big")


def _split(path: str) -> tuple[bytes, bytes]:
    """A path as ustar's prefix (155 bytes) and name (100 bytes)."""
    encoded = path.encode("ascii")
    if len(encoded) <= 100:
        return b"", encoded
    cut = encoded.find(b"/", len(encoded) - 101, len(encoded) - 1)
    if cut <= 0 or cut > 155:
        raise UsageError("oci.path_invalid", path=path)
    return encoded[:cut], encoded[cut + 1 :]
