"""What workers post: they do the I/O, widgets never do."""

from __future__ import annotations

from typing import Any

from textual.message import Message

from yolodeploy.core.errors import YolodeployError
from yolodeploy.ops.actions import Action
from yolodeploy.tui.state.snapshot import Snapshot


class SnapshotRead(Message):
    """The inventory was read. A newer one makes those not handled yet pointless."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, SnapshotRead)


class Collected(Message):
    """The sites were asked how they are; `error` is None where that worked."""

    def __init__(self, error: YolodeployError | None) -> None:
        super().__init__()
        self.error = error


class Performed(Message):
    """An action was done, or refused; `command` would have done the same."""

    def __init__(
        self, action: Action, command: str, result: Any, error: YolodeployError | None
    ) -> None:
        super().__init__()
        self.action = action
        self.command = command
        self.result = result
        self.error = error
