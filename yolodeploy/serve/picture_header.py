"""The size of a picture, read from its first bytes without decoding it.

A file of 100 bytes may say that it is 30,000 × 30,000; a decoder believes it and allocates 2.7 GB.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from yolodeploy.core.errors import Failed

LARGEST_PICTURE = 50_000_000  # pixels: 150 MB once decoded

# markers that carry the size: SOF0-SOF15 without DHT, JPG and DAC (ITU T.81, table B.1)
JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_SEQUENTIAL = frozenset({0xC0, 0xC1})  # all components in one scan, as cameras write it
JPEG_SCAN = 0xDA
JPEG_END = 0xD9
# within a scan 0xFF is followed by zero (a byte of it) or by a restart's number
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
JPEG_APP1 = 0xE1  # EXIF, or XMP, which is nothing to us
# an EXIF entry (tag 0x0112, a SHORT, one of it) that says "as it lies"
_UPRIGHT_LITTLE = b"\x12\x01\x03\x00\x01\x00\x00\x00\x01\x00"
_UPRIGHT_BIG = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x01"
JPEG_MOST_SEGMENTS = 10_000  # 32 MB of empty ones would take seconds
TIFF_WIDTH, TIFF_HEIGHT = 256, 257
TIFF_MOST_ENTRIES = 512


class Header(NamedTuple):
    """A picture's format and its size in pixels.

    `plain_jpeg`: a JPEG of one or three channels that no EXIF orientation turns. `scans`: how
    often all of the picture is gone over.
    """

    kind: str
    width: int
    height: int
    plain_jpeg: bool = False
    scans: int = 1


def header_of(body: bytes) -> Header:
    """What the first bytes say of a JPEG, PNG, WebP, BMP, TIFF or GIF.

    Raises:
        Failed: `serve.not_a_picture` for everything else, `serve.picture_broken` for a header
            that is cut short or tells no size.
    """
    kind = _kind(body)
    try:
        header = _jpeg(body) if kind == "JPEG" else Header(kind, *_SIZES[kind](body))
    except (IndexError, ValueError, struct.error) as error:
        raise Failed("serve.picture_broken", kind=kind) from error
    if header.width < 1 or header.height < 1:
        raise Failed("serve.picture_broken", kind=kind)
    return header


def _kind(body: bytes) -> str:
    if body.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "WebP"
    if body.startswith(b"BM"):
        return "BMP"
    if body.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    raise Failed("serve.not_a_picture")


def _jpeg(body: bytes) -> Header:
    frame = None
    sequential = turned = False
    position = 2
    for _ in range(JPEG_MOST_SEGMENTS):
        position = body.index(0xFF, position) + 1
        marker = body[position]
        if marker == 0xFF:  # padding
            continue
        position += 1
        if marker == JPEG_SCAN and frame is not None:
            height, width, channels = frame
            at_once = sequential and body[position + 2] == channels
            scans = 1 if at_once else _jpeg_scans(body, position)
            return Header("JPEG", width, height, not turned and channels in {1, 3}, scans)
        if marker == JPEG_SCAN:
            break
        if marker in JPEG_SIZES and frame is None:
            frame = _numbers(">HHB", body, position + 3)
            sequential = marker in JPEG_SEQUENTIAL
        if marker == JPEG_APP1:
            turned = turned or _may_be_turned(body, position)
        if marker != 0x01 and not 0xD0 <= marker <= 0xD8:  # these have no content
            position += _numbers(">H", body, position)[0]
    raise ValueError("no frame before the first scan")


def _jpeg_scans(body: bytes, position: int) -> int:
    """How many scans there are from the first one on, whose marker ends at `position`."""
    scans = 1
    for _ in range(JPEG_MOST_SEGMENTS):
        position += _numbers(">H", body, position)[0]
        found = _JPEG_MARKER.search(body, position)
        if found is None or found[1][0] == JPEG_END:
            return scans
        scans += found[1][0] == JPEG_SCAN
        position = found.end()
    raise ValueError("too many segments")


def _may_be_turned(body: bytes, position: int) -> bool:
    """Whether an APP1 segment holds an EXIF orientation; what is odd may."""
    length = _numbers(">H", body, position)[0]
    content = body[position + 2 : position + length]
    if not content.startswith(b"Exif\0\0"):
        return False  # XMP
    return _UPRIGHT_LITTLE not in content and _UPRIGHT_BIG not in content


def _png(body: bytes) -> tuple[int, int]:
    width, height = _numbers(">II", body, 16)
    return width, height


def _webp(body: bytes) -> tuple[int, int]:
    """The three kinds of https://developers.google.com/speed/webp/docs/riff_container."""
    if body[12:16] == b"VP8X":
        low_w, high_w, low_h, high_h = _numbers("<HBHB", body, 24)
        return (low_w | high_w << 16) + 1, (low_h | high_h << 16) + 1
    if body[12:16] == b"VP8L":
        bits = _numbers("<I", body, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = _numbers("<HH", body, 26)
    return width & 0x3FFF, height & 0x3FFF


def _bmp(body: bytes) -> tuple[int, int]:
    if _numbers("<I", body, 14)[0] == 12:  # the OS/2 header
        width, height = _numbers("<HH", body, 18)
    else:
        width, height = _numbers("<ii", body, 18)
    return width, abs(height)  # a negative height: rows from the top


def _tiff(body: bytes) -> tuple[int, int]:
    order = "<" if body[:2] == b"II" else ">"
    start = _numbers(f"{order}I", body, 4)[0]
    entries = min(_numbers(f"{order}H", body, start)[0], TIFF_MOST_ENTRIES)
    sizes = {}
    for entry in range(start + 2, start + 2 + 12 * entries, 12):
        tag, kind = _numbers(f"{order}HH", body, entry)
        if tag in {TIFF_WIDTH, TIFF_HEIGHT}:
            sizes[tag] = _numbers(f"{order}{'H' if kind == 3 else 'I'}", body, entry + 8)[0]
    if len(sizes) != 2:
        raise ValueError("no size")
    return sizes[TIFF_WIDTH], sizes[TIFF_HEIGHT]


def _gif(body: bytes) -> tuple[int, int]:
    width, height = _numbers("<HH", body, 6)
    return width, height


def _numbers(form: str, body: bytes, position: int) -> tuple[int, ...]:
    return struct.unpack_from(form, body, position)


_SIZES = {"PNG": _png, "WebP": _webp, "BMP": _bmp, "TIFF": _tiff, "GIF": _gif}
