"""The thread of one sink: connects, sends, waits where the place is away, and begins again."""

from __future__ import annotations

import logging
import random
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Literal

from yolodeploy.core.back_off import LONGEST_S, delay_s
from yolodeploy.core.errors import Failed, Refused, Unreachable, YolodeployError

if TYPE_CHECKING:
    from yolodeploy.serve.sinks.held import Held
    from yolodeploy.serve.sinks.outbox import Outbox
    from yolodeploy.serve.sinks.places import Place
    from yolodeploy.serve.sinks.telling import Telling

Condition = Literal["starting", "delivering", "waiting", "failed"]
REST_S = 1.0
CLOSE_S = 2.0
# a place that comes and goes is told of once, not each time
STEADY_S = 10.0
# trying these often helps nobody, and a broker may lock the account
SLOW = frozenset({"sink.credentials", "sink.credentials_file", "sink.mistake"})

logger = logging.getLogger(__name__)


class Deliverer(Thread):
    """Delivers what an outbox holds to a place, which may be replaced by another one."""

    def __init__(self, name: str, place: Place, outbox: Outbox, telling: Telling) -> None:
        super().__init__(name=f"sink-{name}", daemon=True)
        self.condition: Condition = "starting"
        self.reason = ""
        self.retry_at_s = 0.0
        self._place = place
        self._outbox = outbox
        self._telling = telling
        self._next_place: Place | None = None
        self._end_s: float | None = None
        # one of the two has come
        self._called = Event()
        self._failures = 0
        self._away_since_s: float | None = None
        self._works_since_s = 0.0

    def use(self, place: Place) -> None:
        """Deliver to another place from now on."""
        self._next_place = place
        self._called.set()
        self._outbox.wake()

    def end(self, limit_s: float) -> None:
        """Deliver what there is, for so long, and end. A place that is away is not tried again."""
        self._end_s = monotonic() + limit_s
        self._called.set()
        self._outbox.wake()

    def run(self) -> None:
        """Deliver until the end, and leave the rest in the spool."""
        self._outbox.open()
        while not self._over():
            try:
                self._deliver()
            except YolodeployError as error:
                self._away("waiting", error)
            except Exception as error:
                # of the client library or of ours: this sink stands still, nothing else does
                logger.exception("%s", self.name)
                self._away("failed", Failed("sink.mistake", reason=type(error).__name__))
        self._outbox.close()

    def _over(self) -> bool:
        """Whether there is nothing to do any more; a place that is away is left at the end."""
        if self._end_s is None:
            return False
        away = self.condition in {"waiting", "failed"}
        return away or monotonic() >= self._end_s or not self._outbox.held

    def _deliver(self) -> None:
        self._called.clear()
        if self._next_place is not None:
            self._place, self._next_place = self._next_place, None
            self._failures = 0
        place = self._place
        receipts = _Receipts(self._outbox, self._telling)
        began_s = monotonic()
        try:
            place.open(receipts)
            while not self._over() and self._next_place is None:
                self._step(place, receipts)
        finally:
            try:
                place.close(CLOSE_S)
            finally:
                receipts.closed = True
                self._outbox.rewind()
            if receipts.any or monotonic() - began_s > LONGEST_S:
                self._failures = 0

    def _step(self, place: Place, receipts: _Receipts) -> None:
        if self.condition != "delivering" and (receipts.any or not self._outbox.held):
            self.condition = "delivering"
            self.reason = ""
            self._works_since_s = monotonic()
        if self._away_since_s is not None:
            self._tell_when_steady(self._away_since_s)
        batch = self._outbox.take(place.window)
        if batch:
            place.send(batch)
        elif self._end_s is not None:
            self._outbox.wait(0.02, place.window, receipts.failed)
        elif not self._outbox.wait(REST_S, place.window, lambda: self._interrupted(receipts)):
            place.rest()
        receipts.check()
        silent_s = self._outbox.silent_s()
        if silent_s > place.silence_s:
            raise Unreachable("sink.silent", seconds=round(silent_s))

    def _interrupted(self, receipts: _Receipts) -> bool:
        # not `_called`: what came between its `clear` and the look at the two has left it set
        return receipts.failed() or self._next_place is not None or self._end_s is not None

    def _tell_when_steady(self, away_since_s: float) -> None:
        if self.condition == "delivering" and monotonic() - self._works_since_s > STEADY_S:
            seconds = round(self._works_since_s - away_since_s)
            self._away_since_s = None
            self._telling.place_works()
            self._telling.say(f"delivers again after {seconds} s, {self._outbox.held} held")

    def _away(self, condition: Condition, error: YolodeployError) -> None:
        self._failures += 1
        if self._away_since_s is None:
            self._away_since_s = monotonic()
        asked_s = LONGEST_S if error.code in SLOW else float(error.fields.get("retry_after_s", 0))
        wait_s = delay_s(self._failures, random.random(), asked_s)  # noqa: S311 - no secret
        # told first: who sees that it waits finds in the log, and as its last error, what for
        self._telling.begins(error)
        self.reason = error.text()
        self.retry_at_s = monotonic() + wait_s
        self.condition = condition
        self._called.wait(wait_s)


class _Receipts:
    """Those of one connection; what comes after it was closed is of no account."""

    def __init__(self, outbox: Outbox, telling: Telling) -> None:
        self.any = False
        self.closed = False
        self._outbox = outbox
        self._telling = telling
        self._error: YolodeployError | None = None

    def delivered(self, held: Held) -> None:
        if not self.closed:
            self.any = True
            self._outbox.delivered(held)

    def refused(self, held: Held, reason: str) -> None:
        if not self.closed:
            self.any = True
            self._telling.begins(Refused("sink.refused", reason=reason))
            self._outbox.refused(held)

    def broke(self, error: YolodeployError) -> None:
        if not self.closed and self._error is None:
            self._error = error
            self._outbox.wake()

    def failed(self) -> bool:
        return self._error is not None

    def check(self) -> None:
        """Raise what broke the connection."""
        if self._error is not None:
            raise self._error
