"""Who hears how an image gets to devices: front ends, and the journal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from yolodeploy.core.errors import YolodeployError
from yolodeploy.images.sending.delivery import Delivered, State
from yolodeploy.ops.transfers import TELL_S

if TYPE_CHECKING:
    from yolodeploy.ops.operations import Teller


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


class Journal(Watcher):
    """Tells an operation's journal, now and then."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._total = 0
        self._told_at = time.monotonic()

    def planned(self, plans: Sequence[Delivered]) -> None:
        """Said at once, but for those that failed: they have ended."""
        self._total = sum(plan.to_send_bytes for plan in plans)
        for plan in plans:
            if plan.state is not State.FAILED:
                self._teller.say(
                    "progress.send", device=plan.device, bytes=plan.to_send_bytes,
                    present=plan.present_bytes, staged=plan.staged_bytes,
                )  # fmt: skip

    def moved(self, count: int) -> None:
        """Said every `TELL_S` seconds."""
        if time.monotonic() - self._told_at >= TELL_S:
            self._told_at = time.monotonic()
            self._teller.alive()
            self._teller.say("progress.moved", moved=count, bytes=self._total)

    def again(self, error: YolodeployError) -> None:
        """Said at once."""
        self._teller.say("progress.again", "warning", reason=error.text())

    def ended(self, one: Delivered) -> None:
        """Said at once."""
        if one.error is not None:
            self._teller.say(one.error.code, "error", **one.error.fields)
        else:
            self._teller.say("progress.sent", device=one.device, moved=one.moved_bytes)
