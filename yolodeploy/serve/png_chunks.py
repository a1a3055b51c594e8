"""A PNG without what its picture does not need.

OpenCV's reader inflates every text, 8 MB of each: a file of 7 MB with a thousand of them takes half
a minute. It takes memory for a chunk before it looks whether there is one, up to 4 GB for a hundred
bytes. libpng writes a line to our log for each part that it dislikes. And what makes a PNG an
animation, of which the first frame is the picture, leads OpenCV 5.0 to a reader that crashes the
process when a row's filter is out of range.
"""

from __future__ import annotations

import struct

START = 8  # behind the signature
FRAME = 12  # length, name and checksum of a chunk
MOST_CHUNKS = 20_000  # 32 MB are 4,000 of the usual 8 kB
REPEATED = frozenset({b"IDAT"})
ONCE = frozenset({b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IEND"})


def needed(body: bytes) -> bytes:
    """The same picture; the same bytes where nothing is to be left out.

    Raises:
        ValueError: it is cut short, or of too many parts.
    """
    parts: list[bytes] = []
    seen: set[bytes] = set()
    kept_from, position = 0, START
    for _ in range(MOST_CHUNKS):
        if position + FRAME > len(body):
            raise ValueError("it has no end")
        length, name = struct.unpack_from(">I4s", body, position)
        end = position + FRAME + length
        if end > len(body):
            raise ValueError("a chunk is cut short")
        if name not in REPEATED and (name not in ONCE or name in seen):
            parts.append(body[kept_from:position])
            kept_from = end
        seen.add(name)
        position = end
        if name == b"IEND":
            break
    else:
        raise ValueError("too many chunks")
    if not parts and position == len(body):
        return body
    return b"".join((*parts, body[kept_from:position]))
