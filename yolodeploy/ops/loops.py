"""One thing done again and again in a thread, whatever goes wrong in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

from yolodeploy.core.errors import Failed, YolodeployError, unforeseen

AFTER_FAULT_S = 5.0


class Loop:
    """Calls `work` until it is stopped. `pause_s` says how long to rest after it took so long.

    `fault` is what went wrong in the last call. What nobody expected is a fault too, so that one
    mistake does not end what runs for months; `mistake` is called with it.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        pause_s: Callable[[float], float],
        mistake: Callable[[Exception], None],
    ) -> None:
        self.name = name
        self.fault: YolodeployError | None = None
        self._began: float | None = None
        self._work = work
        self._pause_s = pause_s
        self._mistake = mistake
        self._left = Event()
        # a daemon: a site that never answers must not keep the program from ending
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def leave(self) -> None:
        """Call nothing more."""
        self._left.set()

    def join(self, limit_s: float) -> None:
        """Wait until the last call has ended."""
        self._thread.join(limit_s)

    def busy_s(self) -> float:
        """Seconds since the call that lasts began; 0 while it rests, however long that is."""
        began = self._began
        return time.monotonic() - began if began is not None else 0.0

    def _run(self) -> None:
        while not self._left.is_set():
            began = self._began = time.monotonic()
            self.fault = self._fault()
            pause_s = self._pause_s(time.monotonic() - began)
            self._began = None
            self._left.wait(max(pause_s, AFTER_FAULT_S) if self.fault else pause_s)

    def _fault(self) -> YolodeployError | None:
        try:
            self._work()
        except YolodeployError as error:
            return error
        except Exception as error:
            self._mistake(error)
            return Failed("controller.broken", part=self.name, reason=unforeseen(error))
        return None
