"""Who hears how an image gets to devices: front ends, and the journal."""

from __future__ import annotations

from collections.abc import Sequence

from yolodeploy.core.errors import YolodeployError
from yolodeploy.images.sending.delivery import Delivered, State
from yolodeploy.ops.how_far import HowFar


class Watcher:
    """Hears how sending goes. This one says nothing; front ends make their own of it."""

    def planned(self, plans: Sequence[Delivered]) -> None:
        """What each device has and what will move."""

    def moved(self, count: int) -> None:
        """How many bytes were acknowledged, several times a second."""

    def again(self, error: YolodeployError) -> None:
        """Something failed and is tried again."""

    def ended(self, one: Delivered) -> None:
        """One device is done, or failed."""


class Journal(HowFar, Watcher):
    """Tells an operation's journal, now and then."""

    def planned(self, plans: Sequence[Delivered]) -> None:
        """Said at once, but for those that failed: they have ended."""
        self.total = sum(plan.to_send_bytes for plan in plans)
        for plan in plans:
            if plan.state is not State.FAILED:
                self._teller.say(
                    "progress.send", device=plan.device, bytes=plan.to_send_bytes,
                    present=plan.present_bytes, staged=plan.staged_bytes,
                )  # fmt: skip

    def ended(self, one: Delivered) -> None:
        """Said at once."""
        if one.error is not None:
            self._teller.say(one.error.code, "error", **one.error.fields)
        else:
            self._teller.say("progress.sent", device=one.device, moved=one.moved_bytes)
