"""Ending a long action that runs in a process of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Failed, Refused
from yolodeploy.inventory import operations as rows
from yolodeploy.inventory.operations import OperationRow, OperationState
from yolodeploy.ops import operations
from yolodeploy.ops.opening import present_inventory

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

LIMIT_S = 60.0  # within a second; on a busy machine its processes alone may take 5 s, twice
_ASKED = ("play",)  # they look whether they are asked to end
_KILLED = ("push", "send")  # what they have moved is on disk, wherever they are ended


def cancel(home: Home, operation: str, *, dry_run: bool = False) -> OperationRow:
    """End an operation and wait until it has ended; what it has done stays.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_operation`.
        Refused: `ops.ended_already`; `ops.not_cancelled`, a rollout has commands of its own;
            `ops.cancelled_there`, it runs in somebody's terminal.
        Failed: `ops.still_runs`.
    """
    with present_inventory(home, dry_run=dry_run) as inventory:
        row = rows.get_operation(inventory, operation)
        if row.ended_at is not None:
            raise Refused("ops.ended_already", operation=operation, state=row.state.value)
        if row.kind not in (*_ASKED, *_KILLED) and not operations.lost(row):
            if rollout := row.arguments.get("rollout"):
                raise Refused("ops.not_cancelled", operation=operation, rollout=rollout)
            raise Refused("ops.cancelled_there", operation=operation, kind=row.kind)
        if dry_run:
            return row
        rows.request_cancel(inventory, operation, at=time.time())
        if row.kind in _ASKED and not operations.lost(row):
            _wait(home, operation)
        else:
            operations.end(row)
            rows.finish(inventory, operation, OperationState.CANCELLED, 130, at=time.time())
        return rows.get_operation(inventory, operation)


def _wait(home: Home, operation: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if operations.ending(home, operation).ended_at is not None:
            return
        time.sleep(0.05)
    raise Failed("ops.still_runs", operation=operation, seconds=round(LIMIT_S))
