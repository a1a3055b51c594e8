"""The action `site fetch`: everything that the lock names, brought into a folder of parts.

On a machine with internet; the folder goes into a bundle, or is what gateways are provisioned
from. Again is cheap: what is there and right is left alone, what was cut off goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from yolodeploy.core.errors import Refused
from yolodeploy.images.archives import archive_image
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Platform
from yolodeploy.oci.registry.reference import parse_reference
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.registry.transfers import at_once
from yolodeploy.oci.storage_errors import storing
from yolodeploy.ops.fetching import download, is_there
from yolodeploy.ops.journalled import journalled
from yolodeploy.ops.site_lock import lock_path
from yolodeploy.provision.lock import FILE, Files, Lock, read_lock

if TYPE_CHECKING:
    from yolodeploy.oci.registry.access import Access
    from yolodeploy.ops.home import Home

_AT_ONCE = 2  # an image moves several layers at once by itself
_LAYOUT = ".layout"  # where layers of images wait until their archive is whole


class Place(NamedTuple):
    """Where a part comes from: a URL, or for an image its pinned reference; and where it goes.

    `digest` is hexadecimal, empty for an image, whose reference has it.
    """

    path: Path
    source: str
    digest: str = ""
    arch: str = ""


class Brought(NamedTuple):
    """One part: its place in the folder, where it is from, and the bytes that moved."""

    part: str
    source: str
    present: bool
    moved_bytes: int


def fetch_parts(
    home: Home,
    folder: Path,
    arches: Sequence[str],
    access: Access,
    *,
    k3s_from: str,
    toolkit_from: str,
    dry_run: bool = False,
    tally: Tally | None = None,
) -> tuple[Brought, ...]:
    """Bring what the lock names for some architectures, and the lock itself.

    Raises:
        NotFound: `lock.absent`, `lock.not_published`, `registry.absent`.
        Refused: `lock.empty`, nothing is pinned yet; `lock.no_arch`.
        Corrupt: `lock.invalid`, `lock.file_differs`, `registry.wrong_blob`.
        Everything of `fetching.download` and `archive_image`.
    """
    folder = folder.expanduser().absolute()
    lock_file = lock_path(home)
    lock = read_lock(lock_file)
    if not lock.k3s.version:
        raise Refused("lock.empty", path=lock_file)
    places = [
        *_of_files(folder, lock.k3s, arches, _k3s_urls(lock.k3s, k3s_from), lock_file),
        *_of_files(folder, lock.nvidia_container_toolkit, arches, _urls(toolkit_from), lock_file),
        *_of_images(folder, lock, arches),
    ]
    if dry_run:
        return tuple(_brought(folder, place, _there(place), 0) for place in places)
    counted = tally or Tally()

    def bring(place: Place) -> Brought:
        present = _there(place)
        moved = 0 if present else _bring(folder, place, access, counted)
        return _brought(folder, place, present, moved)

    arguments = {"folder": str(folder), "arches": list(arches), "k3s": lock.k3s.version}
    with journalled(home.create(), "fetch", arguments):
        found = tuple(at_once(bring, places, counted, _AT_ONCE))
        with storing(folder):
            shutil.copyfile(lock_file, folder / FILE)
            shutil.rmtree(folder / _LAYOUT, ignore_errors=True)
    return found


def _bring(folder: Path, place: Place, access: Access, tally: Tally) -> int:
    with storing(place.path):
        place.path.parent.mkdir(parents=True, exist_ok=True)
    if place.digest:
        return download(place.source, place.path, place.digest, access, tally)
    platform = Platform(architecture=place.arch, os="linux")
    layout = Layout(folder / _LAYOUT)
    return archive_image(layout, parse_reference(place.source), platform, place.path, access, tally)


def _there(place: Place) -> bool:
    # an archive gets its name when it is whole; its blobs are checked by whoever imports it
    return is_there(place.path, place.digest) if place.digest else place.path.exists()


def _brought(folder: Path, place: Place, present: bool, moved: int) -> Brought:
    return Brought(str(place.path.relative_to(folder)), place.source, present, moved)


def _of_files(
    folder: Path,
    files: Files,
    arches: Sequence[str],
    url_of: Callable[[str, str], str],
    lock_file: Path,
) -> Iterator[Place]:
    for arch in arches if files.version else ():
        names = [name for name in files.sha256 if _arch(name) == arch]
        if not names:
            raise Refused("lock.no_arch", path=lock_file, arch=arch, version=files.version)
        for name in names:
            path = folder / _role(name) / name
            yield Place(path, url_of(name, arch), files.sha256[name], arch)


def _of_images(folder: Path, lock: Lock, arches: Sequence[str]) -> Iterator[Place]:
    for name, reference in lock.images.items():
        if reference:
            for arch in arches:
                digest = reference.rpartition(":")[2][:12]  # another pin is another file
                path = folder / "images" / f"{name}-{arch}-{digest}.tar"
                yield Place(path, reference, arch=arch)


def _arch(name: str) -> str:
    return "arm64" if "arm64" in name else "amd64"  # k3s itself publishes amd64 without saying so


def _role(name: str) -> str:
    if name.endswith(".deb"):
        return "nvidia"
    return "k3s-images" if "images" in name else "k3s"


def _k3s_urls(files: Files, place: str) -> Callable[[str, str], str]:
    return lambda name, _arch: f"{place}/{quote(files.version, safe='')}/{quote(name)}"


def _urls(place: str) -> Callable[[str, str], str]:
    return lambda name, arch: f"{place}/{arch}/{quote(name)}"
