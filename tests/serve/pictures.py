"""Pictures for tests, good and bad, made by Pillow: another coder than the server's."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

COLOUR = (200, 100, 50)  # red, green, blue


def plain(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", (width, height), COLOUR).convert(mode)


def encoded(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def animated(kind: str) -> bytes:
    """Two frames, the second of which is blue."""
    second = Image.new("RGB", (64, 48), (0, 0, 255))
    return encoded(plain(), kind, save_all=True, append_images=[second])


def noise(kind: str) -> bytes:
    figures = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    return encoded(Image.fromarray(figures), kind)


def deep(kind: str) -> bytes:
    """16 bits a pixel, grey."""
    return encoded(Image.fromarray(np.full((48, 64), 40000, np.uint16)), kind)


def png_claiming(width: int, height: int) -> bytes:
    """A whole PNG file of some hundred bytes that says it is large."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def claiming(kind: str, width: int, height: int) -> bytes:
    """A file of a few kB whose header says another size than it has."""
    content = bytearray(encoded(plain(), kind))
    if kind == "JPEG":
        at = content.index(b"\xff\xc0") + 5
        content[at : at + 4] = struct.pack(">HH", height, width)
    elif kind == "BMP":
        content[18:26] = struct.pack("<ii", width, height)
    elif kind == "GIF":
        content[6:10] = struct.pack("<HH", width, height)
    elif kind == "WEBP":  # lossy; 14 bits a side
        content[26:30] = struct.pack("<HH", width, height)
    else:
        raise ValueError(kind)
    return bytes(content)
