"""Checking a bundle: every byte read, every damaged file named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Corrupt, YolodeployError
from yolodeploy.oci.bundle.manifest import blob_path
from yolodeploy.oci.bundle.reading import Bundle, Counted, open_bundle, uncounted
from yolodeploy.oci.tar_header import END


class Damage(NamedTuple):
    """What is wrong, and with which file of the bundle; empty for the bundle as a whole."""

    member: str
    error: YolodeployError


def damage(path: Path, counted: Counted = uncounted) -> tuple[Damage, ...]:
    """What is wrong with a bundle; empty when every bit is as it was written.

    Raises:
        NotFound: `bundle.absent`.
        Corrupt: As `open_bundle`: without its manifest nothing more can be told.
        Failed: `bundle.unreadable`.
    """
    with open_bundle(path) as bundle:
        return tuple(_damage(bundle, counted))


def _damage(bundle: Bundle, counted: Counted) -> Iterator[Damage]:
    for place in bundle.frame.places:
        if place.end_at > bundle.volume.size:
            yield Damage(place.entry.path, bundle.cut_short())
            continue
        try:
            bundle.check(place, counted)
        except YolodeployError as error:
            yield Damage(place.entry.path, error)
    yield from _wrong_end(bundle)
    yield from _lacking(bundle)


def _wrong_end(bundle: Bundle) -> Iterator[Damage]:
    size = bundle.volume.size
    if size < bundle.frame.size:
        yield Damage("", bundle.cut_short())
    elif size > bundle.frame.size:
        yield Damage("", Corrupt("bundle.too_long", path=bundle.volume.path, size=size))
    elif bundle.volume.exactly_at(bundle.frame.end_at, len(END)) != END:
        yield Damage("", Corrupt("bundle.end_damaged", path=bundle.volume.path))


def _lacking(bundle: Bundle) -> Iterator[Damage]:
    """A bundle that was made wrong: an image of it needs what it neither has nor says is absent."""
    absent = {blob.digest for blob in bundle.manifest.absent}
    try:
        for image in bundle.images():
            for blob in bundle.reachable(image):
                if bundle.place(blob_path(blob.digest)) is None and blob.digest not in absent:
                    path = bundle.volume.path
                    yield Damage(
                        blob_path(blob.digest),
                        Corrupt("bundle.incomplete", path=path, digest=blob.digest),
                    )
    except YolodeployError:
        return  # a damaged index or manifest was told already
