"""Targets with a fault each, which the harness must find; for its own tests."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from tests.fuzz.target import Target

if TYPE_CHECKING:
    from tests.fuzz.target import Feed

SEEDS = (b"begin", b"another begin")


def sound() -> Feed:
    """Refuses everything, as it may."""
    from yolodeploy.core.errors import Failed

    def feed(content: bytes) -> None:
        raise Failed("serve.not_a_picture")

    return feed


def wrong() -> Feed:
    """Raises what is no error of ours."""

    def feed(content: bytes) -> None:
        if len(content) > 3:
            raise KeyError(content[3])

    return feed


def crash() -> Feed:
    """Reads where there is nothing, in native code."""

    def feed(content: bytes) -> None:
        if len(content) > 3:
            ctypes.string_at(8)

    return feed


def hang() -> Feed:
    """Never comes back."""

    def feed(content: bytes) -> None:
        while len(content) > 3:
            pass

    return feed


def memory() -> Feed:
    """Takes a hundred megabytes."""

    def feed(content: bytes) -> None:
        if len(content) > 3:
            bytearray(b"x") * (100 << 20)

    return feed


TARGETS = {
    made.__name__: Target(made.__name__, made, lambda: SEEDS, most_mb=60, hang_s=0.5)
    for made in (sound, wrong, crash, hang, memory)
}
