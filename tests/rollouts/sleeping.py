"""Puts an engine to sleep while none of its threads writes to a database.

    python -m tests.rollouts.sleeping HOME PID

Asleep in the middle of a transaction it would keep everybody out, which a laptop that sleeps does
not: it takes its own files with it. So this process holds all of them while it stops the other, and
has them open, so that none of them is being closed for good.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path

from tests.sites.parts import until

LIMIT_S = 60.0


def put_to_sleep(home: Path, pid: int) -> None:
    """Stop a process between its transactions."""
    with ExitStack() as opened:
        for path in chain(home.rglob("site.db"), home.glob("inventory.db")):
            database = sqlite3.connect(path, timeout=LIMIT_S, isolation_level=None)
            opened.enter_context(closing(database)).execute("BEGIN IMMEDIATE")
        os.kill(pid, signal.SIGSTOP)
        until(lambda: asleep(pid), "it sleeps")


def asleep(pid: int) -> bool:
    """Whether a process was stopped by a signal."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


if __name__ == "__main__":
    put_to_sleep(Path(sys.argv[1]), int(sys.argv[2]))
