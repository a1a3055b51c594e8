"""A message on its way to one sink."""

from __future__ import annotations

import msgspec


class Held(msgspec.Struct):
    """One message until its place has acknowledged it.

    `seq` orders the messages of one sink; `at_ns` is when it was published, on the monotonic clock
    (before the machine's start, and so negative, when an earlier life of the process left it).
    `stored`: it is in the spool. `evicted`: it was, and had to make room while in flight. `gone`:
    it was acknowledged or dropped, and no more is to be done for it.
    """

    seq: int
    id: str
    camera: str
    at_ns: int
    body: bytes
    stored: bool = False
    evicted: bool = False
    gone: bool = False
