"""Bytes changed at random, where atheris is not at hand; not guided by anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

EDGES = (
    b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"\0\0\0\x80", b"\0\1", b"\1\0",
)  # fmt: skip


def mutated(
    chance: Random, content: bytes, others: Sequence[bytes], words: Sequence[bytes], most: int
) -> bytes:
    """`content` with one to eight changes; `others` lend parts, `words` are put in."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5, 8))):
        at = chance.randrange(len(changed) + 1)
        length = min(chance.choice((1, 2, 4, 8, 40, 400)), len(changed) - at)
        match chance.randrange(7):
            case 0:
                changed[at : at + length] = chance.randbytes(length)
            case 1:
                edge = chance.choice(EDGES)
                changed[at : at + len(edge)] = edge
            case 2:
                del changed[at : at + length]
            case 3:
                changed[at:at] = changed[at : at + length] * chance.choice((1, 1, 2, 50))
            case 4:
                other = chance.choice(others)
                begin = chance.randrange(len(other) + 1)
                changed[at : at + length] = other[begin : begin + chance.choice((4, 40, 400))]
            case 5 if words:
                changed[at:at] = chance.choice(words)
            case _ if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed[:most])
