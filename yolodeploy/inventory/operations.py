"""Operations: runs of long actions, which outlive the front end that started them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from yolodeploy.core.errors import NotFound
from yolodeploy.inventory.connection import Inventory, Row


class OperationState(Enum):
    """How far an operation is. `LOST` is for one whose process died without a word."""

    CREATED = "created"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


class OperationRow(NamedTuple):
    """One operation.

    `arguments` are those of its action, without secrets. `pid` means something only while the
    machine's boot id is `boot_id`. Times are Unix seconds.
    """

    id: str
    kind: str
    arguments: dict[str, Any]
    state: OperationState
    created_at: float
    started_at: float | None
    ended_at: float | None
    heartbeat_at: float | None
    pid: int | None
    boot_id: str
    exit_code: int | None
    cancel_requested_at: float | None


class OperationEvent(NamedTuple):
    """One thing that an operation said: a code of the catalogue and its fields."""

    sequence: int
    at: float
    level: str
    code: str
    fields: dict[str, Any]


_OPERATION = """
    SELECT id, kind, arguments, state, created_at, started_at, ended_at, heartbeat_at, pid,
        boot_id, exit_code, cancel_requested_at FROM operations
"""


def create_operation(
    inventory: Inventory, operation: str, kind: str, arguments: Mapping[str, Any], *, at: float
) -> None:
    """Journal durably that an operation is wanted. `arguments` must be what JSON can hold."""
    text = msgspec.json.encode(dict(arguments)).decode()
    with inventory.durable():
        inventory.execute(
            "INSERT INTO operations (id, kind, arguments, state, created_at) "
            "VALUES (?, ?, ?, 'created', ?)",
            (operation, kind, text, at),
        )


def started(inventory: Inventory, operation: str, pid: int, boot_id: str, *, at: float) -> None:
    """Say which process runs an operation; again for the process that resumes it.

    Raises:
        NotFound: `inventory.unknown_operation`.
    """
    _update(
        inventory,
        operation,
        "state = 'running', started_at = coalesce(started_at, ?), heartbeat_at = ?, "
        "pid = ?, boot_id = ?, ended_at = NULL, exit_code = NULL",
        (at, at, pid, boot_id),
    )


def heartbeat(inventory: Inventory, operation: str, *, at: float) -> None:
    """Say that the operation's process lives.

    Raises:
        NotFound: `inventory.unknown_operation`.
    """
    _update(inventory, operation, "heartbeat_at = ?", (at,))


def finish(
    inventory: Inventory, operation: str, state: OperationState, exit_code: int, *, at: float
) -> None:
    """Say durably how an operation ended.

    Raises:
        NotFound: `inventory.unknown_operation`.
    """
    with inventory.durable():
        _update(
            inventory,
            operation,
            "state = ?, exit_code = ?, ended_at = ?",
            (state.value, exit_code, at),
        )


def request_cancel(inventory: Inventory, operation: str, *, at: float) -> None:
    """Ask an operation's process to stop at the next safe point.

    Raises:
        NotFound: `inventory.unknown_operation`.
    """
    _update(inventory, operation, "cancel_requested_at = ?", (at,))


def cancel_requested(inventory: Inventory, operation: str) -> bool:
    """Whether somebody asked it to stop since it was started; cheap enough to be polled."""
    row = inventory.row("SELECT cancel_requested_at FROM operations WHERE id = ?", (operation,))
    return row is not None and row[0] is not None


class Said(NamedTuple):
    """What is to be said in an operation's name: as `OperationEvent`, not numbered yet."""

    at: float
    level: str
    code: str
    fields: Mapping[str, Any] = {}


def append_event(
    inventory: Inventory,
    operation: str,
    level: str,
    code: str,
    fields: Mapping[str, Any] | None = None,
    *,
    at: float,
) -> int:
    """Say something in an operation's name; its sequence number, from 1 and without gaps."""
    return append_events(inventory, operation, [Said(at, level, code, fields or {})])


def append_events(inventory: Inventory, operation: str, said: Sequence[Said]) -> int:
    """Say several things in one transaction; the sequence number of the last."""
    with inventory.transaction():
        row = inventory.row(
            "SELECT coalesce(max(sequence), 0) FROM operation_events WHERE operation = ?",
            (operation,),
        )
        last = int(row[0]) if row else 0
        inventory.execute_many(
            "INSERT INTO operation_events (operation, sequence, at, level, code, fields) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [
                (operation, number, *one[:3], msgspec.json.encode(dict(one.fields)).decode())
                for number, one in enumerate(said, last + 1)
            ],
        )
    return last + len(said)


def follow(
    inventory: Inventory, operation: str, after: int = 0, *, limit: int = 1000
) -> list[OperationEvent]:
    """What an operation said after sequence number `after`, oldest first."""
    rows = inventory.rows(
        "SELECT sequence, at, level, code, fields FROM operation_events "
        "WHERE operation = ? AND sequence > ? ORDER BY sequence LIMIT ?",
        (operation, after, limit),
    )
    return [OperationEvent._make(row)._replace(fields=msgspec.json.decode(row[4])) for row in rows]


def get_operation(inventory: Inventory, operation: str) -> OperationRow:
    """One operation.

    Raises:
        NotFound: `inventory.unknown_operation`.
    """
    row = inventory.row(f"{_OPERATION} WHERE id = ?", (operation,))
    if row is None:
        raise NotFound("inventory.unknown_operation", operation=operation)
    return _operation(row)


def list_operations(
    inventory: Inventory, *, unfinished: bool = False, limit: int = 100
) -> list[OperationRow]:
    """Operations, newest first; `unfinished` leaves those out that have ended."""
    rows = inventory.rows(
        f"{_OPERATION} WHERE NOT ?1 OR ended_at IS NULL "
        "ORDER BY created_at DESC, rowid DESC LIMIT ?2",
        (unfinished, limit),
    )
    return [_operation(row) for row in rows]


def _update(
    inventory: Inventory, operation: str, assignments: str, values: tuple[object, ...]
) -> None:
    sql = f"UPDATE operations SET {assignments} WHERE id = ?"  # noqa: S608 they are ours
    if not inventory.execute(sql, (*values, operation)).rowcount:
        raise NotFound("inventory.unknown_operation", operation=operation)


def _operation(row: Row) -> OperationRow:
    return OperationRow._make(row)._replace(
        arguments=msgspec.json.decode(row[2]), state=OperationState(row[3])
    )
