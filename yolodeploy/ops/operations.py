"""Operations: long actions in processes of their own, which front ends start and follow.

`start` journals what is wanted and starts a detached process; whoever asked may go away. `follow`
reads what it says from the inventory, from any process and as often as wanted.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import Failed
from yolodeploy.core.sentences import Sentence
from yolodeploy.inventory import operations as rows
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.operations import OperationEvent, OperationRow, OperationState, Said

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home

POLL_S = 0.1
START_LIMIT_S = 20.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def new_id() -> str:
    """An id that people can type: `op-` and six hexadecimal digits."""
    return f"op-{secrets.token_hex(3)}"


def start(
    home: Home,
    kind: str,
    arguments: Mapping[str, Any],
    operation: str = "",
    secret: bytes = b"",
) -> str:
    """Journal an operation and start its process; returns its id at once.

    `secret` is what its process reads from its standard input, and what is written nowhere.

    Raises:
        Failed: `ops.not_started`.
    """
    operation = operation or new_id()
    with open_inventory(home.inventory) as inventory:
        rows.create_operation(inventory, operation, kind, arguments, at=time.time())
    log = home.operations / f"{operation}.log"
    try:
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as stream:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "yolodeploy.ops.runner", str(home.root), operation],
                stdin=subprocess.PIPE if secret else subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd="/",
                start_new_session=True,
            )
            if process.stdin is not None:
                with process.stdin as pipe:
                    pipe.write(secret)
    except OSError as error:
        raise Failed("ops.not_started", operation=operation, reason=error.strerror) from error
    return operation


def follow(home: Home, operation: str, after: int = 0) -> Iterator[OperationEvent]:
    """What an operation says, from sequence number `after` on, until it has ended.

    Raises:
        NotFound: `inventory.unknown_operation`.
        Failed: `ops.lost`, `ops.lost_rollout`, its process died without a word.
    """
    for events in batches(home, operation, after):
        yield from events


def batches(home: Home, operation: str, after: int = 0) -> Iterator[list[OperationEvent]]:
    """The same, as it comes, and an empty one now and then: for whoever shows how long it takes.

    Raises:
        NotFound, Failed: As `follow`.
    """
    with read_inventory(home.inventory) as inventory:
        while True:
            row = rows.get_operation(inventory, operation)
            events = rows.follow(inventory, operation, after)
            yield events
            if events:
                after = events[-1].sequence
            elif row.ended_at is not None:
                return
            # a process may have said its last word and gone since the row was read
            elif lost(row) and lost(rows.get_operation(inventory, operation)):
                raise _gone(row)
            else:
                time.sleep(POLL_S)


def _gone(row: OperationRow) -> Failed:
    rollout = row.arguments.get("rollout") if row.kind == "rollout" else None
    if rollout:
        return Failed("ops.lost_rollout", operation=row.id, rollout=rollout)
    return Failed("ops.lost", operation=row.id)


def ending(home: Home, operation: str) -> OperationRow:
    """The operation's row, which says how it ended."""
    with read_inventory(home.inventory) as inventory:
        return rows.get_operation(inventory, operation)


def end(row: OperationRow) -> None:
    """End the process of an operation now, where it still runs. Its journal allows that."""
    if row.pid is None or row.ended_at is not None or lost(row):
        return
    try:
        os.kill(row.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    while alive(row.pid):
        time.sleep(0.01)


def lost(row: OperationRow) -> bool:
    """Whether an operation that has not ended has no process any more."""
    if row.ended_at is not None:
        return False
    if row.pid is None:
        return time.time() - row.created_at > START_LIMIT_S
    return row.boot_id != boot_id() or not alive(row.pid)


def shown_state(row: OperationRow) -> OperationState:
    """The state to show: `lost` where the process is gone."""
    return OperationState.LOST if lost(row) else row.state


def boot_id() -> str:
    """A name for this boot of the machine; process ids of another one mean nothing."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Teller:
    """What an operation says, written to the inventory as it is said."""

    def __init__(self, inventory: Inventory, operation: str) -> None:
        self._inventory = inventory
        self.operation = operation

    def say(self, code: str, level: str = "info", /, **fields: object) -> None:
        """One event: a code of the catalogue and its fields."""
        rows.append_event(
            self._inventory,
            self.operation,
            level,
            code,
            {n: v if isinstance(v, Sentence) else str(v) for n, v in fields.items()},
            at=time.time(),
        )

    def say_all(self, said: Sequence[Said]) -> None:
        """Several events at once, their fields as they are."""
        rows.append_events(self._inventory, self.operation, said)

    def alive(self) -> None:
        """A sign of life."""
        rows.heartbeat(self._inventory, self.operation, at=time.time())

    def cancelled(self) -> bool:
        """Whether somebody asked it to stop."""
        return rows.cancel_requested(self._inventory, self.operation)


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
