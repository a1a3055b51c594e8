"""Files that are small to send and large, or long, to decode; written by hand."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from PIL import Image

from .pictures import encoded, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    # tag, type (3: a 16-bit number, 4: a 32-bit one), count, value or offset
    Entry = tuple[int, int, int, int]

SHORT, LONG = 3, 4


def progressive(side: int, more_scans: int, mode: str = "L") -> bytes:
    """A JPEG whose last scan, of some 75 bytes, is there again and again."""
    content = encoded(Image.new(mode, (side, side), 128), progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * more_scans + b"\xff\xd9"


def hidden_scans(content: bytes) -> bytes:
    """The same with an end of the picture before its second scan, in a comment."""
    second = content.index(b"\xff\xda", content.index(b"\xff\xda") + 2)
    return content[:second] + b"\xff\xfe\0\x06\xff\xd9\xff\xd9" + content[second:]


def chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def png(
    width: int, height: int, more: bytes = b"", *, depth: int = 8, pixels: bytes | None = None
) -> bytes:
    """A black RGBA PNG with some chunks before its pixels."""
    head = struct.pack(">IIBBBBB", width, height, depth, 6, 0, 0, 0)
    if pixels is None:
        packer = zlib.compressobj(9)
        row = bytes(1 + width * 4 * depth // 8)
        pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    parts = (chunk(b"IHDR", head), more, chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def animated_png(pixels: bytes, frame: bytes) -> bytes:
    """A black picture of 24 × 18 and a frame more; both are rows that begin with their filter."""
    control = struct.pack(">IIIIHHBB", 24, 18, 0, 0, 0, 1, 0, 0)
    more = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", bytes(4) + control)
    made = png(24, 18, more, pixels=zlib.compress(pixels))
    second = chunk(b"fcTL", struct.pack(">I", 1) + control)
    second += chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(frame))
    return made[:-12] + second + made[-12:]


def texts(count: int, size: int, *, packed: bool = True) -> bytes:
    """Chunks of text, each of `size` bytes once it is inflated."""
    text = zlib.compress(bytes(size), 9) if packed else b"x" * size
    name, middle = (b"zTXt", b"\0\0") if packed else (b"tEXt", b"\0")
    return b"".join(chunk(name, b"%d" % number + middle + text) for number in range(count))


def tiff(entries: Sequence[Entry], content: bytes = b"", following: int = 0) -> bytes:
    """A little-endian TIFF of one directory at 8; `content` begins at 1000."""
    ordered = sorted(entries)
    directory = struct.pack("<H", len(ordered))
    for tag, kind, count, value in ordered:
        # a number of 16 bits lies in the first half of its field
        directory += struct.pack("<HHII", tag, kind, count, value)
    head = b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", following)
    return head.ljust(1000, b"\0") + content


def tiff_of(width: int, height: int, *more: Entry, packing: int = 1, bits: int = 8) -> list[Entry]:
    """The entries that every grey picture has. `packing`: 1 none, 7 JPEG, 8 deflate."""
    return [
        (256, LONG, 1, width), (257, LONG, 1, height), (258, SHORT, 1, bits),
        (259, SHORT, 1, packing), (262, SHORT, 1, 1), (277, SHORT, 1, 1), *more,
    ]  # fmt: skip


def strips(*, at: int = 1000, rows: int = 48, size: int = 64 * 48) -> list[Entry]:
    """One strip."""
    return [(273, LONG, 1, at), (278, LONG, 1, rows), (279, LONG, 1, size)]


def many_strips(count: int) -> bytes:
    """A picture one pixel wide, each row of which is a strip of its own, all at one place."""
    offsets, sizes = struct.pack("<I", 8) * count, struct.pack("<I", 1) * count
    at = [(273, LONG, count, 1000), (278, LONG, 1, 1), (279, LONG, count, 1000 + len(offsets))]
    return tiff(tiff_of(1, count, *at), offsets + sizes)


def many_pages(count: int) -> bytes:
    """The directory of a small picture, `count` times, each pointing to the next."""
    one = tiff(tiff_of(64, 48, *strips()))[8:].rstrip(b"\0")
    one = one.ljust(2 + 12 * 9, b"\0")
    pages = b"".join(
        one + struct.pack("<I", 8 + (number + 1) * (len(one) + 4)) for number in range(count)
    )
    return b"II*\0" + struct.pack("<I", 8) + pages + bytes(8000)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
        for name, content in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def animated_webp(width: int, height: int, frames: int) -> bytes:
    """Small frames on a large canvas."""
    frame = b"".join(map(_triple, (0, 0, 63, 47, 100))) + b"\0" + encoded(plain(), "WEBP")[12:]
    canvas = b"\x02\0\0\0" + _triple(width - 1) + _triple(height - 1)
    return riff((b"VP8X", canvas), (b"ANIM", bytes(6)), *[(b"ANMF", frame)] * frames)


def large_frame_webp() -> bytes:
    """A canvas of 16 × 16 on which a frame of 5,000 × 5,000 lies."""
    frame = encoded(Image.new("RGB", (5000, 5000)), "WEBP", lossless=True)[20:]
    return riff((b"VP8X", b"\0\0\0\0" + _triple(15) + _triple(15)), (b"VP8L", frame))


def run_length_bmp(side: int) -> bytes:
    """A BMP that is nothing but ends of lines."""
    head = struct.pack("<IHHI", 1098, 0, 0, 1078)
    head += struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 20, 0, 0, 256, 0)
    return b"BM" + head + bytes(1024) + b"\0\1" * 10


def with_segment(content: bytes, marker: int, segment: bytes) -> bytes:
    """A JPEG with one more segment in front."""
    return content[:2] + struct.pack(">BBH", 0xFF, marker, len(segment) + 2) + segment + content[2:]


def _triple(number: int) -> bytes:
    return struct.pack("<I", number)[:3]
