"""Asks the sites how they are while the dashboard is open."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread

from yolodeploy.ops.home import Home

Collect = Callable[[Home], object]


class Collecting:
    """Rounds that never overlap: one that is asked for while another runs is dropped.

    The thread is a daemon, so that a site that does not answer delays nobody who quits.
    """

    def __init__(
        self, home: Home, collect: Collect, done: Callable[[Exception | None], object]
    ) -> None:
        self._home = home
        self._collect = collect
        self._done = done
        self._busy = Lock()

    def begin(self) -> bool:
        """Start a round in a thread of its own; False when one is still under way."""
        if not self._busy.acquire(blocking=False):
            return False
        Thread(target=self._round, name="collecting", daemon=True).start()
        return True

    def _round(self) -> None:
        error: Exception | None = None
        try:
            self._collect(self._home)
        except Exception as raised:  # handed over: whoever waits for it tells it or raises it
            error = raised
        self._busy.release()
        self._done(error)
