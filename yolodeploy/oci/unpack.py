"""Unpacking a layer into a folder that appears whole or not at all.

Refused: absolute paths, `..`, devices and pipes, links that lead out, writing through links,
repeated files, more than the limits. Taken off: setuid, setgid and sticky bits, write permission
for others, owners and times.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from yolodeploy.core.errors import Refused
from yolodeploy.oci import media_types
from yolodeploy.oci.compression import decompressed, readable
from yolodeploy.oci.staging import Staging, sync_folder
from yolodeploy.oci.storage_errors import storing
from yolodeploy.oci.tar_reader import Kind, Limits, Member, TarReader
from yolodeploy.oci.verified import Readable

LIMITS = Limits()
_DEEPEST = 200  # folders in folders; PATH_MAX would allow 2048


def unpack(
    stream: Readable,
    folder: Path,
    *,
    media_type: str = media_types.LAYER_TAR,
    limits: Limits = LIMITS,
    staging: Staging | None = None,
) -> bool:
    """Unpack a layer into `folder`, which must not exist; the stream is read to its end.

    Everything is on disk before the folder appears, so that a power loss cannot leave a file
    of zeros behind a name that says it is complete. Returns False when somebody else was quicker.

    Raises:
        Refused: `oci.layer_path`, `oci.layer_link`, `oci.layer_kind`, `oci.layer_repeated`,
            `oci.layer_entries`, `oci.layer_bytes`, `oci.layer_media_type`.
        Corrupt: `oci.layer_malformed`, or what the stream raises.
        Failed: `oci.disk_full` and other `oci.*` of the storage.
    """
    staging = staging or Staging(folder.parent / ".staging")
    plain = decompressed(stream, media_type)
    with staging.directory() as aside:
        tree = _Tree(aside)
        with readable():
            reader = TarReader(plain, limits)
            for member in reader.members():
                tree.add(member, reader.chunks())
        tree.finish()
        return _moved(aside, folder)


def _moved(aside: Path, folder: Path) -> bool:
    with storing(folder):
        try:
            aside.rename(folder)
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
                return False
            raise
        sync_folder(folder.parent)
    return True


class _Tree:
    """What was unpacked so far, by path. The folder is private until it is complete."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders = {""}
        self._files: set[str] = set()
        self._links: set[str] = set()

    def add(self, member: Member, chunks: Iterable[bytes]) -> None:
        path = inside(member.path)
        if member.kind is Kind.FOLDER:
            self._folder(path, member.mode)
            return
        if member.kind is Kind.DEVICE:
            raise Refused("oci.layer_kind", member=member.path)
        parent = path.rpartition("/")[0]
        if path in self._folders or path in self._files or path in self._links:
            raise Refused("oci.layer_repeated", member=member.path)
        self._folder(parent, None)
        with storing(self._root):
            if member.kind is Kind.FILE:
                self._file(path, member.mode, chunks)
            elif member.kind is Kind.SYMLINK:
                self._symlink(path, parent, member)
            else:
                self._hard_link(path, member)

    def finish(self) -> None:
        """Check where the links lead in the end, and put everything on disk."""
        root = os.path.realpath(self._root)
        for path in self._links:
            lead = os.path.realpath(self._root / path)
            if os.path.commonpath((root, lead)) != root:
                raise Refused("oci.layer_link", member=path, target=lead)
        with storing(self._root):
            for path in self._files:
                _sync_file(self._root / path)
            for path in self._folders:
                sync_folder(self._root / path)
            self._root.chmod(0o755)

    def _folder(self, path: str, mode: int | None) -> None:
        """Make a folder and those above it; `mode` None leaves one that is there as it is."""
        if path in self._links or path in self._files:
            raise Refused("oci.layer_link", member=path, target="")
        if path not in self._folders:
            self._folder(path.rpartition("/")[0], None)
            with storing(self._root):
                (self._root / path).mkdir()
            self._folders.add(path)
            mode = 0o755 if mode is None else mode
        if mode is not None and path:
            (self._root / path).chmod(mode & 0o755 | 0o700)

    def _file(self, path: str, mode: int, chunks: Iterable[bytes]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._root / path, flags, 0o600)
        with os.fdopen(fd, "wb", buffering=0) as file:
            for chunk in chunks:
                rest = memoryview(chunk)
                while rest:
                    rest = rest[file.write(rest) :]
            os.fchmod(fd, mode & 0o755 | 0o400)
        self._files.add(path)

    def _symlink(self, path: str, parent: str, member: Member) -> None:
        target = os.path.normpath(f"{parent or '.'}/{member.target}")
        outside = member.target[:1] == "/" or target.split("/")[0] == ".."
        if outside or not member.target or "\0" in member.target:
            raise Refused("oci.layer_link", member=member.path, target=member.target)
        (self._root / path).symlink_to(member.target)
        self._links.add(path)

    def _hard_link(self, path: str, member: Member) -> None:
        target = inside(member.target)
        if target not in self._files:
            raise Refused("oci.layer_link", member=member.path, target=member.target)
        os.link(self._root / target, self._root / path, follow_symlinks=False)
        self._files.add(path)


def inside(path: str) -> str:
    """A member's path without what says nothing (`./`, `//`).

    Raises:
        Refused: `oci.layer_path`, it is absolute, leads out or is too deep.
    """
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "\0" in path or len(parts) > _DEEPEST:
        raise Refused("oci.layer_path", member=path)
    return "/".join(part for part in parts if part not in {"", "."})


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
