"""Between the thread that decodes and the one that answers the server: one frame, the newest."""

from __future__ import annotations

from threading import Condition
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy as np

    from yolodeploy.serve.sources.pace import Pace


class Unfit(Exception):
    """A frame that turned out to be none."""


class Kept(NamedTuple):
    """A frame that nobody has asked for yet; marks in ns of perf_counter.

    `pixels` makes (height, width, 3) BGR of it, which takes its time and may raise `Unfit`. `place`
    is how far a file or a folder has been read with it.
    """

    pixels: Callable[[], np.ndarray[Any, Any]]
    taken_ns: int
    received_ns: int
    decoded_ns: int
    place: str = ""


class Tally:
    """What a reader counts; each figure has one thread that writes it."""

    def __init__(self) -> None:
        self.frames = 0
        self.dropped = 0
        self.corrupt = 0
        self.unfit = 0  # corrupt, and found so when somebody asked for it


class Newest:
    """Keeps the newest frame that is due; one that is replaced before it was taken is dropped."""

    def __init__(self, pace: Pace, tally: Tally) -> None:
        self._pace = pace
        self._tally = tally
        self._changed = Condition()
        self._kept: Kept | None = None
        self._ended = False

    def put(self, frame: Kept) -> None:
        """Keep a frame, unless it comes sooner than anybody wants one."""
        with self._changed:
            if not self._pace.due(frame.taken_ns):
                return
            self._tally.dropped += self._kept is not None
            self._kept = frame
            self._changed.notify_all()

    def take(self) -> Kept | None:
        """The newest one, waited for as long as it takes; None when no more will come."""
        with self._changed:
            while (kept := self._kept) is None and not self._ended:
                self._changed.wait()
            self._kept = None
            if kept is not None:
                self._pace.took(kept.taken_ns)
            return kept

    def end(self) -> None:
        """No more will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
