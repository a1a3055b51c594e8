"""How far a transfer is, and whether it is to stop. Shared by its threads."""

from __future__ import annotations

import threading
from collections.abc import Callable

from yolodeploy.core.errors import Interrupted, YolodeployError


class Tally:
    """Bytes that went over the wire, those sent twice included.

    `moved` is called with bytes as they move, `again` with an error after which there is another
    try, from any thread.
    """

    def __init__(
        self,
        moved: Callable[[int], None] = lambda _count: None,
        again: Callable[[YolodeployError], None] = lambda _error: None,
    ) -> None:
        self.again = again
        self._moved = moved
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """What moved so far."""
        return self._bytes

    def add(self, count: int) -> None:
        """Count some bytes.

        Raises:
            Interrupted: `registry.stopped`.
        """
        with self._lock:
            self._bytes += count
        self._moved(count)
        self.check()

    def check(self) -> None:
        """Raises `Interrupted` (`registry.stopped`) when the transfer is to stop."""
        if self._stopped.is_set():
            raise Interrupted("registry.stopped")

    def stop(self) -> None:
        """Let every thread stop at its next piece; what they have done stays."""
        self._stopped.set()

    def goes_on(self) -> bool:
        """Whether nobody has stopped it."""
        return not self._stopped.is_set()
