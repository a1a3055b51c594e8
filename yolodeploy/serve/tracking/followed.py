"""Which boxes of a frame are the objects of the frames before it.

By edgefirst-tracker, ByteTrack in Rust: 0.8 MB, and it needs nothing but numpy. On synthetic
scenes its numbers change as rarely as those of Roboflow's `trackers`, which would bring OpenCV
with windows beside ours, 510 MB of packages and 1.7 s of import.

A number belongs to an object and not to a class: a lorry that the model calls a car in every
fifth frame keeps its number (ultralytics does the same).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from yolodeploy.core.errors import Failed
from yolodeploy.serve.tracking.crossing import Path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.detections import Box

BEGIN_SCORE = 0.25  # a weaker box continues an object and never begins one, as with ultralytics
LEAST_OVERLAP = 0.1  # of a box with where its object should be, as IoU
# at the library's own 0.25 an object that moves half its width a frame is lost in every second
TRUST = 1.0  # in a box, over where its object should be
LOST_S = 2.0  # an object that nobody saw for so long is another one when it comes back
SLOW_FRAMES = 3  # or for so many frames, where they come more slowly than that
INTERVALS = 9
MOST_MISSED = 100  # 2 ms
# a model gone wild begins 300 objects a frame, and pairing them costs the cube of their number:
# 2 ms at 300, 300 ms at 1,000
MOST_FOLLOWED = 500


class Followed:
    """An object; `number` is -1 until it was seen a second time. `paths` has one a line."""

    __slots__ = ("number", "paths", "seen_s")

    def __init__(self, lines: int) -> None:
        self.number = -1
        self.paths = [Path() for _ in range(lines)]
        self.seen_s = 0.0


class Objects:
    """The objects of one camera; `lines` is how many lines they may cross."""

    def __init__(self, lines: int) -> None:
        """Nothing is followed yet.

        Raises:
            Failed: `tracking.library_missing`.
        """
        try:
            from edgefirst.tracker import ByteTrack
        except ImportError as error:
            raise Failed("tracking.library_missing", reason=error) from error
        self._library = ByteTrack
        self._lines = lines
        self._numbers = 0
        self._intervals: deque[float] = deque(maxlen=INTERVALS)
        self._at_s: float | None = None
        self._begin(0.0)

    def __len__(self) -> int:
        return len(self._known)

    def of(self, boxes: Sequence[Box], at_s: float) -> list[Followed | None]:
        """The object of each box, in the boxes' order; None where it is too weak to begin one.

        The clock may stand still, jump or go back (a camera was restarted): after a jump every
        object is a new one.
        """
        self._keep_time(at_s)
        found = self._update(boxes, at_s)
        objects = [self._object(told.uuid, at_s) if told else None for told in found]
        self._forget(at_s)
        return objects

    def _begin(self, at_s: float) -> None:
        self._tracker = self._library(BEGIN_SCORE, LEAST_OVERLAP, TRUST, round(LOST_S * 1e9))
        self._known: dict[str, Followed] = {}
        self._began_s = at_s

    def _keep_time(self, at_s: float) -> None:
        before_s, self._at_s = self._at_s, at_s
        if before_s is None:
            self._begin(at_s)
            return
        passed_s = at_s - before_s
        usual_s = sorted(self._intervals)[len(self._intervals) // 2] if self._intervals else 0.0
        if not 0 <= passed_s <= max(LOST_S, SLOW_FRAMES * usual_s):
            self._begin(at_s)
        elif usual_s:
            # the library counts frames where objects move: it is told of those that were dropped,
            # at a time at which nobody can be lost yet
            for _ in range(min(round(passed_s / usual_s) - 1, MOST_MISSED)):
                self._update((), before_s)
        if passed_s > 0:
            self._intervals.append(passed_s)

    def _update(self, boxes: Sequence[Box], at_s: float) -> list[Any]:
        corners = np.array([(box.x1, box.y1, box.x2, box.y2) for box in boxes], np.float32)
        found: list[Any] = self._tracker.update(
            corners.reshape(-1, 4),
            np.array([box.score for box in boxes], np.float32),
            np.zeros(len(boxes), np.uintp),
            round((at_s - self._began_s) * 1e9),
        )
        return found

    def _object(self, key: str, at_s: float) -> Followed:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Followed(self._lines)
        elif known.number < 0:
            self._numbers += 1
            known.number = self._numbers
        known.seen_s = at_s
        return known

    def _forget(self, at_s: float) -> None:
        """What the library has forgotten too."""
        if len(self._known) > MOST_FOLLOWED:
            self._begin(at_s)
        gone = [key for key, one in self._known.items() if one.seen_s < at_s - LOST_S]
        for key in gone:
            del self._known[key]
