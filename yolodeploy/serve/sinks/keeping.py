"""The thread that writes the spools: no delivery and no camera waits for the disk."""

from __future__ import annotations

import logging
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from yolodeploy.serve.sinks.outbox import Outbox

# with `KEEP_AFTER_S`: kill -9 costs what was published in the last half second and not taken
TICK_S = 0.25
# a power cut costs what was spooled since
SYNC_S = 5.0

logger = logging.getLogger(__name__)


class Keeper(Thread):
    """Keeps the outboxes that `outboxes()` gives, until it is stopped."""

    def __init__(self, outboxes: Callable[[], Iterable[Outbox]]) -> None:
        super().__init__(name="sink-spools", daemon=True)
        self._outboxes = outboxes
        self._end = Event()

    def run(self) -> None:
        """Keep until stopped."""
        synced_s = monotonic()
        while not self._end.wait(TICK_S):
            for outbox in self._outboxes():
                self._contained(outbox.keep)
            if monotonic() - synced_s >= SYNC_S:
                for outbox in self._outboxes():
                    self._contained(outbox.sync)
                synced_s = monotonic()

    def stop(self) -> None:
        """Stop; a write that has begun is finished."""
        self._end.set()

    def _contained(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:
            # a mistake of ours in one spool; the others are to be written nevertheless
            logger.exception("a spool is not written")
