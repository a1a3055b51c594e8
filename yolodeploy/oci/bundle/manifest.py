"""What a bundle says of itself: every file in it, with its digest, in the order they come in.

Images are told by the OCI layout inside (`index.json`), and not a second time here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import UsageError
from yolodeploy.oci.layers import checked_path
from yolodeploy.oci.manifests import Descriptor, Digest, Size

MANIFEST = "bundle.json"
CHECKSUM = "bundle.json.sha256"  # as `sha256sum -c` reads it
LONGEST = 4 << 20  # bytes of the manifest; an entry takes about 180
MOST_BYTES = 1 << 50  # of a bundle: sums of sizes must not grow beyond what can be counted

_LONGEST_PATH = 255  # characters, and so of each name in it: what file systems take
LAYOUT, INDEX, BLOBS = "oci-layout", "index.json", "blobs/sha256/"
FILES, PLAYBOOKS, WHEELS = "files/", "playbooks/", "wheels/"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file: its path in the bundle, digest and size in bytes.

    `lock` names the lock file that its digest was held against, empty where there was none.
    """

    path: str
    digest: Digest
    size: Size
    lock: str = ""

    @property
    def is_blob(self) -> bool:
        """Whether it is a blob of the OCI layout."""
        return self.path.startswith(BLOBS)

    @property
    def is_file(self) -> bool:
        """Whether it is none of the OCI layout's."""
        return self.path.startswith((FILES, PLAYBOOKS, WHEELS))


class BundleManifest(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename="camel",
    tag_field="schemaVersion",
    tag=1,
):
    """The first file of a bundle. `absent` are the blobs that the target must have already."""

    entries: tuple[Entry, ...]
    absent: tuple[Descriptor, ...] = ()


def blob_path(digest: str) -> str:
    """Where a blob lies in a bundle."""
    return f"{BLOBS}{digest.removeprefix('sha256:')}"


def checked_manifest(content: bytes) -> BundleManifest:
    """A manifest from its bytes. They are anybody's.

    Raises:
        ValueError: It is none, or names a path that leads elsewhere or comes twice.
    """
    try:
        found = msgspec.json.decode(content, type=BundleManifest)
    except RecursionError as error:
        raise ValueError("too deep") from error
    _check_paths(found.entries)
    if sum(entry.size for entry in found.entries) > MOST_BYTES:
        raise ValueError("too large")
    return found


def _check_paths(entries: Iterable[Entry]) -> None:
    seen: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        if not _is_allowed(entry):
            raise ValueError(f"no path for a bundle: {entry.path[:120]}")
        if entry.path in seen:
            raise ValueError(f"twice: {entry.path}")
        seen.add(entry.path)
        folders.update(_folders(entry.path))
    if clash := seen & folders:
        raise ValueError(f"a file and a folder: {min(clash)}")
    if not {LAYOUT, INDEX} <= seen:
        raise ValueError("no OCI layout in it")


def _is_allowed(entry: Entry) -> bool:
    if entry.path in (LAYOUT, INDEX):
        return True
    if entry.is_blob:
        return entry.path == blob_path(entry.digest)
    try:
        named = checked_path(entry.path) == entry.path
    except UsageError:
        return False
    return named and entry.is_file and len(entry.path) <= _LONGEST_PATH


def _folders(path: str) -> Iterator[str]:
    parts = path.split("/")
    for depth in range(1, len(parts)):
        yield "/".join(parts[:depth])


known(BundleManifest)
