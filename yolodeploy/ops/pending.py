"""Whose turn it is in each rollout that has not ended: an engine's, a person's, or nobody's yet."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.inventory.events import HOLD_ENDED, WINDOW_SET, query_events
from yolodeploy.inventory.journal import rollout_sites
from yolodeploy.inventory.operations import list_operations
from yolodeploy.inventory.rollouts import SILENT_S, RolloutState, list_rollouts
from yolodeploy.ops.operations import lost
from yolodeploy.telemetry.look import BACK

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.operations import OperationRow
    from yolodeploy.inventory.rollouts import RolloutRow

MOST = 1000


class Turn(Enum):
    """Whose turn it is."""

    DRIVEN = "driven"  # an engine's
    PERSON = "person"  # it was paused, or wants an approval
    LATER = "later"  # nobody's before `again_at`, or before a site comes back
    NOW = "now"  # its time has come, or its engine is gone


class PendingRollout(NamedTuple):
    """A rollout that has not ended, its newest operation, and whose turn it is."""

    row: RolloutRow
    operation: OperationRow | None
    turn: Turn


def pending_rollouts(inventory: Inventory, *, at: float) -> list[PendingRollout]:
    """Every rollout that has not ended, oldest first."""
    rows = list_rollouts(inventory, unfinished=True, limit=MOST)
    operations = _newest(inventory) if rows else {}
    return [_pending(inventory, row, operations.get(row.id), at) for row in reversed(rows)]


def runs(operation: OperationRow | None) -> bool:
    """Whether the process of an operation is there, or has still to come."""
    if operation is None or operation.ended_at is not None or lost(operation):
        return False
    if operation.pid is None:
        return True
    # in a container that was started anew the number is another one's
    try:
        command = Path(f"/proc/{operation.pid}/cmdline").read_bytes()
    except OSError:
        return False
    return operation.id.encode() in command.split(b"\0")


def is_driven(inventory: Inventory, row: RolloutRow, *, at: float) -> bool:
    """Whether an engine drives a rollout, or has still to come."""
    return _is_driven(row, _newest(inventory).get(row.id), at)


def _is_driven(row: RolloutRow, operation: OperationRow | None, at: float) -> bool:
    return runs(operation) or _gives_signs(row, at)


def _pending(
    inventory: Inventory, row: RolloutRow, operation: OperationRow | None, at: float
) -> PendingRollout:
    if _is_driven(row, operation, at):
        turn = Turn.DRIVEN
    elif row.abort_requested:
        turn = Turn.NOW
    elif row.pause_requested or row.state in (RolloutState.PAUSED, RolloutState.APPROVAL):
        turn = Turn.PERSON
    elif row.state is RolloutState.WAITING and not _is_due(inventory, row, operation, at):
        turn = Turn.LATER
    else:
        turn = Turn.NOW
    return PendingRollout(row, operation, turn)


def _gives_signs(row: RolloutRow, at: float) -> bool:
    """Whether an engine that may be on another machine or in another container drives it."""
    from yolodeploy.ops.rollout_run import is_dead_here

    if row.holder is None or row.heartbeat_at is None or is_dead_here(row.holder):
        return False
    return abs(at - row.heartbeat_at) <= SILENT_S


def _is_due(
    inventory: Inventory,
    row: RolloutRow,
    operation: OperationRow | None,
    at: float,
) -> bool:
    """Whether its time has come, or a site that it waits for is free again since it was tried.

    It has come back, or a person has ended its hold or set its windows, and waits for what follows.
    """
    if row.again_at is not None and row.again_at <= at:
        return True
    since = (operation.started_at if operation else None) or row.created_at
    freed = [
        event.site
        for code in (BACK, HOLD_ENDED, WINDOW_SET)
        for event in query_events(inventory, code=code, since=since, limit=MOST)
    ]
    return bool(freed) and not _left(inventory, row).isdisjoint(freed)


def _newest(inventory: Inventory) -> Mapping[str, OperationRow]:
    """The newest operation of each rollout."""
    found: dict[str, OperationRow] = {}
    for item in list_operations(inventory, limit=MOST):
        if item.kind == "rollout":
            found.setdefault(str(item.arguments.get("rollout")), item)
    return found


def _left(inventory: Inventory, row: RolloutRow) -> set[str]:
    """The sites of a rollout that have no result yet."""
    open_sites = {s.site for s in rollout_sites(inventory, row.id) if s.result is None}
    return open_sites & {*row.plan.moving}
