"""How far a long action is, told to its operation's journal: now and then, and never every byte."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.ops.operations import Teller

TELL_S = 10.0


class HowFar:
    """What every journal of a long action does. `total` is in bytes, set once it is known."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self.total = 0
        self._told_at = time.monotonic()

    def moved(self, count: int) -> None:
        """Said every `TELL_S` seconds."""
        if self.lives():
            self._teller.say("progress.moved", moved=count, bytes=self.total)

    def again(self, error: YolodeployError) -> None:
        """Said at once."""
        self._teller.say("progress.again", "warning", reason=error.text())

    def lives(self) -> bool:
        """Give a sign of life, where the last one is `TELL_S` old; whether it was given."""
        if time.monotonic() - self._told_at < TELL_S:
            return False
        self._told_at = time.monotonic()
        self._teller.alive()
        return True
