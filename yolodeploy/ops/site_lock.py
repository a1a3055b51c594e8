"""The action `site lock`: what gateways get, looked up where it is published, and pinned.

All of it is looked up before anything is written; what is not found leaves the lock as it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec

from yolodeploy.core.errors import Corrupt, UsageError
from yolodeploy.core.k3s_version import parse_version
from yolodeploy.ops import download_places as places
from yolodeploy.ops.fetching import fetched
from yolodeploy.ops.shipped import shipped
from yolodeploy.provision.lock import (
    FILE,
    Files,
    Lock,
    entries,
    is_entry_name,
    read_lock,
    write_lock,
)
from yolodeploy.provision.published import listed_digests, package_digests

if TYPE_CHECKING:
    from yolodeploy.oci.registry.access import Access
    from yolodeploy.ops.home import Home


class Wanted(NamedTuple):
    """What to pin. `images` are `NAME=TAG` or `NAME=REPOSITORY:TAG`; empty texts pin nothing.

    `k3s_from` and `toolkit_from` are the places that k3s and the toolkit are looked up at.
    """

    k3s: str = ""
    toolkit: str = ""
    images: tuple[str, ...] = ()
    k3s_from: str = places.K3S
    toolkit_from: str = places.TOOLKIT


class Pinned(NamedTuple):
    """One entry of the lock, before and now; empty where there was, or is, nothing."""

    entry: str
    before: str
    now: str


def lock_path(home: Home) -> Path:
    """The lock in force: that of the home folder, else the one that is shipped (and is empty).

    Raises:
        NotFound: `ops.not_shipped`.
    """
    mine = home.root / FILE
    return mine if mine.exists() else shipped("playbooks") / FILE


def lock_site(
    home: Home, wanted: Wanted, access: Access, *, output: Path | None = None, dry_run: bool = False
) -> tuple[Pinned, ...]:
    """Look up what is wanted, and write it to `output` (default: the home folder's lock).

    Entries of other things stay as they are. With `dry_run` nothing is written.

    Raises:
        UsageError: `k3s.version_invalid`, `lock.nothing_wanted`, `lock.image_invalid`,
            `lock.toolkit_invalid`.
        NotFound: `lock.not_listed`, `lock.not_published`, `registry.absent`.
        Corrupt: `lock.list_invalid`, `lock.invalid`, `registry.too_large`.
        Failed: `lock.not_written`.
        Everything of `fetching.fetched` and `locking.root_digest`.
    """
    if not (wanted.k3s or wanted.toolkit or wanted.images):
        raise UsageError("lock.nothing_wanted")
    path = output or home.root / FILE
    before = read_lock(path if path.exists() else shipped("playbooks") / FILE)
    references = dict(map(_reference, wanted.images))
    now = before
    if wanted.k3s:
        now = msgspec.structs.replace(now, k3s=_k3s(wanted, access))
    if wanted.toolkit:
        now = msgspec.structs.replace(now, nvidia_container_toolkit=_toolkit(wanted, access))
    if references:
        found = {name: _image(reference, access) for name, reference in references.items()}
        now = msgspec.structs.replace(now, images={**now.images, **found})
    if not dry_run:
        if output is None:
            home.create()
        write_lock(path, now)
    return _compared(before, now)


def _k3s(wanted: Wanted, access: Access) -> Files:
    version = str(parse_version(wanted.k3s))
    sums: dict[str, str] = {}
    for arch in places.ARCHITECTURES:
        url = f"{wanted.k3s_from}/{quote(version, safe='')}/sha256sum-{arch}.txt"
        binary = "k3s" if arch == "amd64" else f"k3s-{arch}"
        names = (binary, f"k3s-airgap-images-{arch}.tar.zst")
        sums |= listed_digests(_text(url, access), names, url)
    return Files(version, sums)


def _toolkit(wanted: Wanted, access: Access) -> Files:
    version = wanted.toolkit if "-" in wanted.toolkit else f"{wanted.toolkit}-1"
    if not version.replace(".", "").replace("-", "").isalnum() or not version.isascii():
        raise UsageError("lock.toolkit_invalid", version=wanted.toolkit)
    sums: dict[str, str] = {}
    for arch in places.ARCHITECTURES:
        url = f"{wanted.toolkit_from}/{arch}/Packages"
        names = [f"{name}_{version}_{arch}.deb" for name in places.TOOLKIT_PACKAGES]
        sums |= package_digests(_text(url, access), names, version, url)
    return Files(version, sums)


def _reference(given: str) -> tuple[str, str]:
    name, equals, rest = given.partition("=")
    if not equals or not rest or not is_entry_name(name):
        raise UsageError("lock.image_invalid", given=given)
    if "/" in rest:
        return name, rest
    if name not in places.REPOSITORIES:
        raise UsageError("lock.image_invalid", given=given)
    return name, f"{places.REPOSITORIES[name]}:{rest}"


def _image(reference: str, access: Access) -> str:
    from yolodeploy.images.bases.locking import root_digest
    from yolodeploy.oci.registry.reference import parse_reference

    digest = root_digest(reference, access)
    parsed = parse_reference(reference)
    return f"{parsed.registry}/{parsed.repository}@{digest}"


def _text(url: str, access: Access) -> str:
    content = fetched(url, access)
    try:
        return content.decode("ascii")
    except UnicodeDecodeError as error:
        raise Corrupt("lock.list_invalid", url=url, line="what is no ASCII text") from error


def _compared(before: Lock, now: Lock) -> tuple[Pinned, ...]:
    old, new = entries(before), entries(now)
    return tuple(
        Pinned(entry, old.get(entry, ""), new.get(entry, "")) for entry in dict.fromkeys(new | old)
    )
