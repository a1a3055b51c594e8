"""Processes of a site that nobody keeps any more: its supervisor died, or lost its socket.

The kernel asks them to end when their supervisor dies. One that finishes its requests takes its
time, and one that hangs never ends; meanwhile they hold ports and state folders.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolodeploy.sites.embedded.folder import SiteFolder

END_LIMIT_S = 12.0  # a server takes ten seconds at most to finish what is in flight


def end_leftovers(folder: SiteFolder) -> None:
    """End every process of the site, politely at first, and wait until it is gone."""
    _signal(folder, signal.SIGTERM)
    deadline = time.monotonic() + END_LIMIT_S
    while processes_of(folder):
        if time.monotonic() > deadline:
            _signal(folder, signal.SIGKILL)
        time.sleep(0.05)


def processes_of(folder: SiteFolder) -> list[int]:
    """The ids of the site's supervisor, agent and servers, by their command lines."""
    mine = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            own = entry.stat().st_uid == os.getuid()
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if own and _belongs(words, folder):  # a zombie has no command line
            mine.append(int(entry.name))
    return mine


def _belongs(words: list[bytes], folder: SiteFolder) -> bool:
    if b"supervisor.supervisord" in words:
        return os.fsencode(folder.supervisor_config) in words
    if b"yolodeploy.sites.embedded.agent" in words:
        return os.fsencode(folder.root) in words
    if b"yolodeploy.serve" in words:
        return any(word.startswith(os.fsencode(folder.instances) + b"/") for word in words)
    return False


def _signal(folder: SiteFolder, number: signal.Signals) -> None:
    for pid in processes_of(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
