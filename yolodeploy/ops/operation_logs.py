"""What processes of operations wrote into the home folder, and how long it is kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from yolodeploy.inventory.operations import list_operations
from yolodeploy.inventory.retention import EVENTS_KEEP_S, is_outdated

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home

LOG_MOST = 1 << 20
"""Bytes that are kept of a log whose operation has ended: its end, where the reason stands."""

EMPTY_KEEP_S = 86400.0
"""Nearly every log is empty; whoever looks on the next day expects a file all the same."""

UNFINISHED_MOST = 10_000


def prune_logs(home: Home, inventory: Inventory, *, at: float, dry_run: bool = False) -> int:
    """Delete logs that have been kept long enough by `at` (Unix seconds); how many those were.

    Long ones lose their beginning. Nothing of an operation that may still run is touched, and what
    cannot be deleted stays for the next time.
    """
    unfinished = list_operations(inventory, unfinished=True, limit=UNFINISHED_MOST)
    running = {row.id for row in unfinished if not is_outdated(row, at)}
    gone = 0
    for log in home.operations.glob("*.log"):
        if log.stem not in running:
            gone += _pruned(log, at, dry_run=dry_run)
    return gone


def _pruned(log: Path, at: float, *, dry_run: bool) -> bool:
    try:
        found = log.lstat()
        age_s = at - found.st_mtime
        if age_s > (EVENTS_KEEP_S if found.st_size else EMPTY_KEEP_S):
            if not dry_run:
                log.unlink()
            return True
        if found.st_size > LOG_MOST and not dry_run:
            _shorten(log)
    except OSError:
        pass
    return False


def _shorten(log: Path) -> None:
    with log.open("rb") as stream:
        stream.seek(-LOG_MOST, os.SEEK_END)
        kept = stream.read()
    draft = log.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(kept)
    draft.replace(log)
