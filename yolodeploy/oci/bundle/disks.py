"""What a disk can take: free bytes, and the largest file of its file system."""

from __future__ import annotations

import os
from pathlib import Path

from yolodeploy.core.errors import NotFound

_FAT = frozenset({"vfat", "msdos"})
_LARGEST_ON_FAT = (4 << 30) - 1


def free_bytes(folder: Path) -> int:
    """How much a folder's disk still takes from this user; raises `OSError`."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def largest_file(folder: Path) -> int:
    """The largest file that a folder's file system holds, in bytes; 0 where it does not matter.

    Raises:
        NotFound: `bundle.no_folder`.
    """
    try:
        device = folder.stat().st_dev
    except OSError as error:
        raise NotFound("bundle.no_folder", path=folder) from error
    if not folder.is_dir():
        raise NotFound("bundle.no_folder", path=folder)
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return 0
    return _LARGEST_ON_FAT if any(_kind(line, wanted) in _FAT for line in lines) else 0


def _kind(line: bytes, device: str) -> str:
    """The file system type of a line of mountinfo; empty when it is about another device."""
    fields, _, rest = line.partition(b" - ")
    same = fields.split(b" ")[2:3] == [device.encode()]
    return rest.split(b" ")[0].decode("ascii", "replace") if same else ""
