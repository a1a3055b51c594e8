"""Processes of a play that outlive it: ended by what they inherited.

Ansible's workers and OpenSSH's masters are in sessions of their own, so that no signal to a group
reaches them. Workers still have our mark in their environment, masters their socket in their title.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from yolodeploy.ssh.sockets import PREFIX

SOCKETS = "sockets"  # the file in a play's folder that says where its sockets are
MARK = "YOLODEPLOY_PLAY"
_LIMIT_S = 5.0


def mark_of(folder: Path) -> dict[str, str]:
    """What the processes of a play have in their environment."""
    return {MARK: str(folder)}


def end_remains(folder: Path, words: str = "") -> int:
    """End every process of the play in a folder whose command line has `words`; how many."""
    ended = set()
    deadline = time.monotonic() + _LIMIT_S
    while found := list(_remains(folder, words.encode())):
        for pid in found:
            with suppress(OSError):  # it has ended, or belongs to root
                os.kill(pid, signal.SIGKILL)
                ended.add(pid)
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return len(ended)


def _remains(folder: Path, words: bytes) -> Iterator[int]:
    mark = f"{MARK}={folder}".encode()
    sockets = _sockets(folder)
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ")
            # one that waits to be reaped has no command line any more
            if not line or words not in line or int(place.name) == os.getpid():
                continue
            if sockets in line or mark in (place / "environ").read_bytes().split(b"\0"):
                yield int(place.name)
        except OSError:
            continue  # somebody else's, or gone


def _sockets(folder: Path) -> bytes:
    try:
        found = Path((folder / SOCKETS).read_text())
    except OSError:
        found = folder
    # whatever the file says: only a folder of ours
    return bytes(found if found.name.startswith(PREFIX) else folder)


def sweep(folder: Path) -> None:
    """Take away what a play left whose own process was killed."""
    end_remains(folder)
    sockets = Path(os.fsdecode(_sockets(folder)))
    shutil.rmtree(sockets, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
