"""Pictures of nothing in particular, for an app that has no frames: PNG by zlib alone.

They show whether a release answers and how fast, not what it finds.
"""

from __future__ import annotations

import zlib
from random import Random
from struct import pack

WIDTH, HEIGHT = 640, 480
BLOCK = 32
COUNT = 4


def synthetic_frames() -> tuple[bytes, ...]:
    """Coloured blocks, always the same."""
    return tuple(_png(Random(number)) for number in range(COUNT))  # noqa: S311 no secret


def _png(chance: Random) -> bytes:
    rows = bytearray()
    for _ in range(HEIGHT // BLOCK):
        row = b"".join(chance.randbytes(3) * BLOCK for _ in range(WIDTH // BLOCK))
        rows += (b"\0" + row) * BLOCK
    head = pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))
