"""Processes of a play that outlive it: ended by what they inherited.

Ansible's workers and OpenSSH's masters are in sessions of their own, so that no signal to a group
reaches them; each still has our mark in its environment.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
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
    while found := list(_marked(folder, words)):
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
                ended.add(pid)
            except OSError:
                continue  # it has ended, or belongs to root
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return len(ended)


def _marked(folder: Path, words: str) -> Iterator[int]:
    mark = f"{MARK}={folder}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark not in (place / "environ").read_bytes().split(b"\0"):
                continue
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue  # somebody else's, or gone
        # one that waits to be reaped has no command line any more
        if line and words.encode() in line:
            yield int(place.name)


def sweep(folder: Path) -> None:
    """Take away what a play left whose own process was killed."""
    end_remains(folder)
    try:
        sockets = Path((folder / SOCKETS).read_text())
    except OSError:
        sockets = None
    if sockets is not None and sockets.name.startswith(PREFIX):
        shutil.rmtree(sockets, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
