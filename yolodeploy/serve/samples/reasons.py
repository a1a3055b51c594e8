"""Which frames are worth looking at."""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.core.samples import Reason
    from yolodeploy.core.serving import DetectResponse

# of a model that answers what cannot be read; all other errors are the picture's or the sender's
UNREADABLE = frozenset({"serve.not_finite", "serve.output_unfit", "serve.class_unknown"})


def close_call(answer: DetectResponse, conf: float, margin: float) -> bool:
    """Whether a box is hardly above the least score: a little less and it would not be there."""
    limit = conf + margin
    return any(box.score <= limit for box in answer.boxes)


class Pace:
    """At most one in so many seconds, a reason; from any thread."""

    def __init__(self, every_s: float, clock: Callable[[], float] = monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._last: dict[Reason, float] = {}
        self._lock = Lock()

    def allows(self, reason: Reason) -> bool:
        """Whether one may be kept now; if so, the next one must wait."""
        now = self._clock()
        with self._lock:
            last = self._last.get(reason)
            if last is not None and now - last < self._every_s:
                return False
            self._last[reason] = now
            return True
