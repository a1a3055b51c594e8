"""The parts that gateways get from no network: a folder for each role, checked against the lock.

A file whose digest is not in the lock, or is another, is refused before any gateway is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Corrupt, Failed, NotFound, Refused
from yolodeploy.provision.lock import Lock

ARCHES = ("amd64", "arm64")
NVIDIA = "nvidia"
DRIVER = "nvidia-driver"
# role → where the lock has its digests; further images are checked when they are imported
_LOCKED = {
    "k3s": "k3s",
    "k3s-images": "k3s",
    NVIDIA: "nvidia_container_toolkit",
    DRIVER: "nvidia_driver",
}
ROLES = (*_LOCKED, "images")
_READ = 1 << 20


class Part(NamedTuple):
    """One file. `arch` is empty where it is for all."""

    role: str
    path: Path
    size: int
    digest: str
    arch: str

    @property
    def relative(self) -> str:
        """Where it lies in the folder, here and on a gateway."""
        return f"{self.role}/{self.path.name}"


def parts_in(folder: Path, lock: Lock) -> list[Part]:
    """The parts in a folder; every file is read.

    Raises:
        NotFound: `play.no_parts`.
        Refused: `play.part_unlocked`.
        Corrupt: `play.part_differs`.
        Failed: `play.part_unreadable`.
    """
    found = [_part(role, path, lock) for role in ROLES for path in _files(folder / role)]
    if not found:
        raise NotFound("play.no_parts", path=folder, roles=", ".join(ROLES))
    return found


def parts_for(device: str, parts: Sequence[Part], arch: str, profile: str) -> list[Part]:
    """Those that a gateway of an architecture and a profile needs.

    Raises:
        Refused: `play.parts_arch`, they are for another one.
    """
    programs = [part for part in parts if part.role == "k3s"]
    if programs and not any(part.arch == arch for part in programs):
        known = ", ".join(sorted({part.arch for part in programs}))
        raise Refused("play.parts_arch", device=device, arch=arch, known=known)
    return [
        part
        for part in parts
        if part.arch in ("", arch) and (part.role not in (NVIDIA, DRIVER) or profile == NVIDIA)
    ]


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_file())


def _part(role: str, path: Path, lock: Lock) -> Part:
    try:
        digest, size = _digest(path), path.stat().st_size
    except OSError as error:
        raise Failed("play.part_unreadable", path=path, reason=error.strerror) from error
    section = _LOCKED.get(role)
    if section is not None:
        pinned = getattr(lock, section).sha256.get(path.name)
        if not pinned:
            raise Refused("play.part_unlocked", path=path)
        if pinned != digest:
            raise Corrupt("play.part_differs", path=path, digest=digest, pinned=pinned)
    return Part(role, path, size, digest, _arch(role, path.name))


def _arch(role: str, name: str) -> str:
    named = (arch for arch in ARCHES if f"-{arch}" in name or f"_{arch}." in name)
    # k3s publishes its program for amd64 without saying so
    return next(named, "amd64" if role == "k3s" else "")


def _digest(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while some := file.read(_READ):
            hashed.update(some)
    return hashed.hexdigest()
