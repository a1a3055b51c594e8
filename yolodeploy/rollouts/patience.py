"""Waiting for a moment in a way that survives: a short while here, a long one not at all.

Who waits longer than a minute ends instead, and leaves in the journal when to go on: a process
that sleeps through a night is one that a reboot ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from yolodeploy.rollouts.ports import Journal, Request

PATIENCE_S = 60.0
POLL_S = 0.2


class Patience:
    """Waits for moments of the wall clock (Unix seconds), and hears what people ask meanwhile."""

    def __init__(self, journal: Journal, meanwhile: Callable[[], None] = lambda: None) -> None:
        self._journal = journal
        self._meanwhile = meanwhile

    def until(self, due: float) -> bool:
        """Wait until `due`, where that is soon; False where it is not, or somebody asks to stop."""
        if due - time.time() > PATIENCE_S:
            return False
        while (left := due - time.time()) > 0:
            if self._journal.request() is not Request.NONE:
                return False
            self._meanwhile()
            time.sleep(min(left, POLL_S))
        return True
