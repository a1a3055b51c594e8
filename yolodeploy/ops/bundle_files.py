"""What a bundle carries beside images: wheels of ours, playbooks, what provisioning needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Refused, UsageError
from yolodeploy.core.names import checked_name
from yolodeploy.oci.bundle.contents import Content, file_content, folder_contents
from yolodeploy.oci.bundle.manifest import FILES, PLAYBOOKS, WHEELS
from yolodeploy.ops.files import read_file
from yolodeploy.ops.shipped import shipped
from yolodeploy.ops.wheels import collected_wheels, has_wheels

_LARGEST_LOCK = 1 << 20  # bytes
# as sha256sum writes it, and as k3s publishes it (sha256sum-arm64.txt); `*` is a binary file
_PIN = re.compile(r"(?P<digest>[0-9a-f]{64}|-?) [ *](?P<name>\S+)", re.ASCII)


class Files(NamedTuple):
    """What was asked for. `named` are role and path; `lock` pins their digests.

    `parts` is a folder as `site fetch` fills it, with a lock of its own.
    """

    named: tuple[tuple[str, Path], ...] = ()
    lock: Path | None = None
    parts: Path | None = None
    wheels: Path | None = None
    playbooks: bool = True

    @property
    def asked(self) -> bool:
        """Whether a person named any; playbooks come along with whatever else there is."""
        return bool(self.named or self.wheels or self.parts)


def parsed_file(text: str) -> tuple[str, Path]:
    """`ROLE=PATH` as a role and a path.

    Raises:
        UsageError: `bundle.file_invalid`, `name.invalid`.
    """
    role, equals, path = text.partition("=")
    if not (role and equals and path):
        raise UsageError("bundle.file_invalid", text=text)
    return checked_name("role", role), Path(path).expanduser()


def file_contents(files: Files, *, dry_run: bool = False) -> list[Content]:
    """The files as they go in, each read once. A dry run fetches no wheels.

    Raises:
        Refused: `bundle.not_pinned`, `bundle.pin_empty`, `bundle.pin_differs`.
        UsageError: `bundle.lock_invalid`, `ops.file_too_large`, `oci.path_invalid`.
        NotFound: `ops.unreadable`, the lock file cannot be read.
        Failed: `oci.unreadable`; those of `collected_wheels`.
        Those of `read_lock` and `parts_in`, of a folder of parts.
    """
    pins = dict(_pins(files.lock)) if files.lock else None
    found = [_named(role, path, pins, files.lock) for role, path in files.named]
    if files.parts:
        found += _parts(files.parts)
    if files.wheels and (has_wheels(files.wheels) or not dry_run):
        found += folder_contents(WHEELS, collected_wheels(files.wheels))
    if files.playbooks:
        found += folder_contents(PLAYBOOKS, shipped("playbooks"))
    return sorted(found, key=lambda content: content.entry.path)


def _named(role: str, path: Path, pins: dict[str, str] | None, lock: Path | None) -> Content:
    found = file_content(f"{FILES}{role}/{path.name}", path, lock.name if lock else "")
    if pins is None:
        return found
    if path.name not in pins:
        raise Refused("bundle.not_pinned", path=path, name=path.name, lock=lock)
    pinned = pins[path.name]
    if not pinned:
        raise Refused("bundle.pin_empty", path=path, name=path.name, lock=lock)
    if found.entry.digest != f"sha256:{pinned}":
        raise Refused("bundle.pin_differs", path=path, digest=found.entry.digest, lock=lock)
    return found


def _parts(folder: Path) -> Iterator[Content]:
    """What gateways get from no network, and the lock that it was held against."""
    from yolodeploy.provision.lock import FILE, read_lock
    from yolodeploy.provision.parts import parts_in

    lock = folder / FILE
    yield file_content(f"{FILES}lock/{FILE}", lock)
    for part in parts_in(folder, read_lock(lock)):
        yield file_content(f"{FILES}{part.relative}", part.path, FILE)


def _pins(lock: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_lines(lock), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _PIN.fullmatch(line.rstrip())
        if found is None:
            raise UsageError("bundle.lock_invalid", lock=lock, line=number)
        yield Path(found["name"]).name, found["digest"].strip("-")


def _lines(lock: Path) -> list[str]:
    return read_file(lock, _LARGEST_LOCK).decode(errors="replace").splitlines()
