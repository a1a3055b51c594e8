"""Freeing the blobs of a layout that nothing refers to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from yolodeploy.core.errors import Corrupt, NotFound
from yolodeploy.oci.layout import LONGEST_JSON, Layout
from yolodeploy.oci.locks import locked
from yolodeploy.oci.manifests import Descriptor, References

# who adds blobs without holding `in_use` has this long to give them a name
FRESH_S = 600.0


@contextmanager
def alone(layout: Layout, wait_s: float = 30.0) -> Iterator[None]:
    """Keep away who adds blobs, for as long as somebody decides what is not needed.

    Raises:
        NotFound: `oci.no_layout`.
        Refused: `oci.busy`, a build or a transfer was still running after `wait_s` seconds.
    """
    layout.require()
    with locked(layout.path / ".in-use", wait_s=wait_s):
        yield


def prune(
    layout: Layout, keep: Iterable[str] = (), *, fresh_s: float = FRESH_S, wait_s: float = 30.0
) -> int:
    """Remove every blob that neither the index nor a digest of `keep` leads to.

    Blobs younger than `fresh_s` seconds stay. Returns the bytes that were freed.

    Raises:
        NotFound: `oci.no_layout`.
        Corrupt: `oci.blob_corrupt` or `oci.json_invalid`: a manifest cannot be read, so nobody
            knows what it needs. Nothing was removed.
        Refused: `oci.busy`.
        Failed: `oci.*` of the storage.
    """
    with alone(layout, wait_s):
        return prune_alone(layout, keep, fresh_s=fresh_s)


def prune_alone(
    layout: Layout,
    keep: Iterable[str] = (),
    *,
    gone: Callable[[Descriptor], bool] = lambda _entry: False,
    fresh_s: float = FRESH_S,
) -> int:
    """The same for who holds `alone`; entries of the index that are `gone` are taken out before.

    What the rest needs is found out first: when that fails, they are still there.

    Raises:
        Corrupt, Failed: As `prune`.
    """
    kept = [entry.digest for entry in layout.manifests() if not gone(entry)]
    needed = reachable(layout, [*kept, *keep])
    layout.forget(gone)
    unneeded = [digest for digest in layout.blobs.digests() if digest not in needed]
    freed = sum(layout.blobs.delete(digest) for digest in _old(layout, unneeded, fresh_s))
    layout.sweep()
    return freed


def _old(layout: Layout, digests: Iterable[str], fresh_s: float) -> list[str]:
    now = time.time()
    return [d for d in digests if now - layout.blobs.path(d).stat().st_mtime >= fresh_s]


def reachable(layout: Layout, roots: Iterable[str]) -> set[str]:
    """The roots and every blob they lead to. Roots that are not there lead nowhere.

    Raises:
        Corrupt: As `prune`.
    """
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        digest = waiting.pop()
        if digest not in found:
            found.add(digest)
            waiting += [child.digest for child in referred_by(layout, digest)]
    return found


def referred_by(layout: Layout, digest: str) -> tuple[Descriptor, ...]:
    """What a blob refers to: nothing, unless it is a manifest or an index."""
    path = layout.blobs.path(digest)
    try:
        with path.open("rb") as file:
            is_json = file.read(1) == b"{" and path.stat().st_size <= LONGEST_JSON
    except FileNotFoundError:
        return ()
    if not is_json:
        return ()
    try:
        return layout.read_json(digest, References).all()
    except NotFound:
        return ()
    except Corrupt as error:
        # a sound blob that is no manifest (a file that happens to start with a brace) leads
        # nowhere; a damaged one might have been a manifest
        if error.code == "oci.json_invalid" and isinstance(error.__cause__, msgspec.DecodeError):
            return ()
        raise
