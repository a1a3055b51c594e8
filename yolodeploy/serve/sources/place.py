"""How far a file or a folder was read, in words that outlive who reads it.

What is before the blank names the camera's address: another address begins at its beginning. What
is behind it is the reader's own, and is read as what a stranger wrote.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes, unquote_to_bytes

from yolodeploy.core.digests import digest_of

if TYPE_CHECKING:
    from yolodeploy.core.site_settings import Camera

LONGEST = 1000  # characters; a name of 255 bytes takes 765
NO_PLACE = ""
"""Of what comes live, or was never read."""


def noted(camera: Camera, at: str) -> str:
    """What is written down of a camera that was read up to `at`; nothing of what is no place."""
    fits = at and len(at) <= LONGEST and at.isascii() and at.isprintable()
    return f"{_address(camera)} {at}" if fits else NO_PLACE


def read_to(camera: Camera, place: str) -> str:
    """How far it was read, of what was written down; nothing where that was another's."""
    address, _, at = place[: 2 * LONGEST].partition(" ")
    return at if address == _address(camera) and noted(camera, at) else NO_PLACE


def of_name(name: str) -> str:
    """A picture's name, whatever bytes it has."""
    return quote_from_bytes(os.fsencode(name), safe="")


def name_at(at: str) -> str:
    """The name again."""
    return os.fsdecode(unquote_to_bytes(at))


def of_stamp(stamp: int | None, size: int) -> str:
    """A timestamp of a file of `size` bytes: another file has other timestamps."""
    return NO_PLACE if stamp is None else f"{stamp}:{size}"


def stamp_at(at: str, size: int) -> int | None:
    """The timestamp again; None where it is not one of this file."""
    stamp, _, told = at.partition(":")
    digits = stamp.removeprefix("-")
    return int(stamp) if digits.isdecimal() and len(digits) < 20 and told == str(size) else None


def _address(camera: Camera) -> str:
    return digest_of(camera.url.encode()).removeprefix("sha256:")[:16]
