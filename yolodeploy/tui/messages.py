"""What workers post: they do the I/O, widgets never do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.message import Message

from yolodeploy.core.errors import YolodeployError
from yolodeploy.ops.actions import Action
from yolodeploy.tui.state.snapshot import Snapshot

if TYPE_CHECKING:
    from yolodeploy.core.release import Release
    from yolodeploy.core.waves import Plan
    from yolodeploy.ops.cameras import Listed
    from yolodeploy.ops.logs import Told
    from yolodeploy.ops.start_action import Asked


class SnapshotRead(Message):
    """The inventory was read; `last` says that the worker is done."""

    def __init__(self, snapshot: Snapshot, *, last: bool = True) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.last = last

    def can_replace(self, message: Message) -> bool:
        """What was not handled yet is pointless when a newer one is there."""
        return isinstance(message, SnapshotRead)


class Collected(Message):
    """The sites were asked how they are; `error` is None where that worked."""

    def __init__(self, error: Exception | None) -> None:
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


class LogsHeard(Message):
    """Lines of logs with the names of their sites, or why a site gives none."""

    def __init__(self, told: list[Told] | YolodeployError) -> None:
        super().__init__()
        self.told = told


class CamerasSeen(Message):
    """The cameras of a site, or why it cannot tell of them."""

    def __init__(self, cameras: list[Listed], error: YolodeployError | None) -> None:
        super().__init__()
        self.cameras = cameras
        self.error = error


class Planned(Message):
    """What a rollout as `asked` would do, or why nobody can say."""

    def __init__(
        self,
        asked: Asked,
        release: Release | None,
        plan: Plan | None,
        error: YolodeployError | None,
    ) -> None:
        super().__init__()
        self.asked = asked
        self.release = release
        self.plan = plan
        self.error = error
