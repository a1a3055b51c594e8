"""Ending every process of a site: supervisor, agent, servers, also those that nobody keeps.

When a supervisor dies the kernel asks its children to end. One that finishes its requests takes
its time, and one that hangs never ends; meanwhile they hold ports and state folders. So this asks
the system which processes there are, and not the supervisor.
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

POLITE_S = 15.0  # a server takes ten seconds at most to finish what is in flight
LIMIT_S = 60.0  # one that was killed may still wait for a slow disk
MODULES = frozenset(
    {b"supervisor.supervisord", b"yolodeploy.sites.embedded.agent", b"yolodeploy.serve"}
)


def end_all(folder: SiteFolder) -> bool:
    """End every process of the site, politely at first; False when one cannot be ended."""
    _signal(folder, signal.SIGTERM)
    began = time.monotonic()
    while processes_of(folder):
        taken_s = time.monotonic() - began
        if taken_s > LIMIT_S:
            return False
        if taken_s > POLITE_S:
            _signal(folder, signal.SIGKILL)
        time.sleep(0.02)
    return True


def processes_of(folder: SiteFolder) -> list[int]:
    """The ids of the site's supervisor, agent and servers, by their command lines."""
    mine = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
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
    """Whether a command line is one of ours: the module, and a path inside the site's folder."""
    if not MODULES.intersection(words):
        return False
    root = os.fsencode(folder.root.resolve())
    paths = [os.path.realpath(word) for word in words if word.startswith(b"/")]
    return any(path == root or path.startswith(root + b"/") for path in paths)


def _signal(folder: SiteFolder, number: signal.Signals) -> None:
    for pid in processes_of(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
