"""What one sink owes its place: the messages that were published and not yet acknowledged.

A message that is acknowledged at once is never written to the disk: an SD card would wear, and a
stalled one would hold results up. What is not acknowledged within a quarter of a second goes to
the spool (`keep`, called four times a second by `keeping.Keeper`), is read from there when its
turn comes, and goes from there when it is acknowledged.

Two locks, `_disk` for the spool and `_changed` for the rest. Nobody waits for the disk while he
has `_changed`, and so `put` never does.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Condition, Lock
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Corrupt, Failed, Refused
from yolodeploy.serve.sinks.tally import DISK, REFUSED, SPOOL_FULL, Tally
from yolodeploy.serve.sinks.telling import SPOOL_DROPS, SPOOL_TROUBLE
from yolodeploy.serve.sinks.transit import Transit

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.serve.sinks.held import Held
    from yolodeploy.serve.sinks.spool import Spool
    from yolodeploy.serve.sinks.telling import Telling

MOST_FLYING_BYTES = 8 << 20
KEEP_AFTER_S = 0.25
# a disk that failed is tried again
DISK_RETRY_S = 1.0


class Outbox:
    """The messages of one sink."""

    def __init__(self, spool: Spool, telling: Telling) -> None:
        self._spool = spool
        self._telling = telling
        self._tally = Tally()
        self._disk = Lock()
        self._changed = Condition(Lock())
        self._transit = Transit(min(MOST_FLYING_BYTES, 2 * spool.largest))
        self._progress_s = monotonic()
        self._keep_again_s = 0.0
        self._read_again_s = 0.0
        self._closed = False

    def put(self, name: str, camera: str, body: bytes) -> None:
        """Take a message over; `name` is its id. Never waits for the disk."""
        fits = len(body) <= self._spool.largest
        with self._changed:
            if self._closed:
                return
            if fits:
                dropped = self._transit.put(name, camera, monotonic_ns(), body)
                self._tally.dropped[DISK] += dropped
                self._changed.notify()
            else:
                self._tally.dropped[REFUSED] += 1
        if not fits:
            error = Refused("sink.too_large", bytes=len(body), most=self._spool.largest)
            self._telling.begins(error)

    def take(self, window: int) -> list[Held]:
        """The next messages, as many as may be in flight beside those that are."""
        with self._changed:
            if self._closed:
                return []
            if not self._transit.flying:
                self._progress_s = monotonic()
            if not self._takeable(window):
                return []
            if not self._transit.waiting:
                return self._transit.take_fresh(window)
        with self._disk:
            return self._take_stored(window)

    def _take_stored(self, window: int) -> list[Held]:
        with self._changed:
            transit = self._transit
            room, room_bytes = transit.room(window)
            skip = {*transit.done, *transit.flying}
        try:
            read = self._spool.read(transit.cursor, room, room_bytes, skip)
        except (Corrupt, Failed) as error:
            self._read_again_s = monotonic() + DISK_RETRY_S
            self._disk_failed(error)
            return []
        with self._changed:
            transit.take_stored(read)
        return read

    def wait(self, limit_s: float, window: int, until: Callable[[], bool]) -> bool:
        """Wait for something to take, or for `until()`; False when neither came."""
        with self._changed:
            return self._changed.wait_for(lambda: until() or self._takeable(window), limit_s)

    def _takeable(self, window: int) -> bool:
        # a disk that cannot be read is not tried again at once, and nothing overtakes what it has
        unreadable = self._transit.waiting and monotonic() < self._read_again_s
        return self._transit.takeable(window) and not unreadable

    def wake(self) -> None:
        """Have `wait` look again."""
        with self._changed:
            self._changed.notify_all()

    def delivered(self, held: Held) -> None:
        """The place has it."""
        with self._changed:
            if self._settled(held):
                self._tally.arrived(monotonic_ns() - held.at_ns)

    def refused(self, held: Held) -> None:
        """The place will never take it."""
        with self._changed:
            if self._settled(held):
                self._tally.dropped[REFUSED] += 1

    def _settled(self, held: Held) -> bool:
        settled = self._transit.settle(held)
        if settled:
            self._progress_s = monotonic()
            self._changed.notify()
        return settled

    def rewind(self) -> None:
        """The connection broke: everything in flight is to come again, in its order."""
        with self._disk, self._changed:
            self._tally.dropped[SPOOL_FULL] += self._transit.rewind()

    def silent_s(self) -> float:
        """How long nothing was acknowledged although something is in flight; 0 otherwise."""
        with self._changed:
            return monotonic() - self._progress_s if self._transit.flying else 0.0

    @property
    def held(self) -> int:
        """How many messages are not acknowledged."""
        with self._changed:
            return self._transit.held

    def counted(self) -> tuple[Tally, int, int]:
        """A copy of the tally, how many messages are held, and since when (monotonic ns)."""
        now = Tally()
        with self._changed:
            now.delivered = self._tally.delivered
            now.dropped = self._tally.dropped.copy()
            now.times = self._tally.times.copy()
            ages = (
                self._transit.oldest_ns,
                self._spool.oldest_ns if self._transit.waiting else None,
            )
            oldest_ns = min((at_ns for at_ns in ages if at_ns is not None), default=monotonic_ns())
            return now, self._transit.held, oldest_ns

    def keep(self, *, everything: bool = False) -> None:
        """Write to the spool what was not acknowledged in time, and forget what was since."""
        if self._idle() or (monotonic() < self._keep_again_s and not everything):
            return
        with self._disk:
            if self._closed:  # meanwhile
                return
            try:
                self._open()
                while self._kept_some(everything):
                    pass
            except (Corrupt, Failed) as error:
                self._disk_failed(error)
            else:
                self._disk_works()

    def _idle(self) -> bool:
        with self._changed:
            transit = self._transit
            busy = transit.fresh or transit.flying or transit.done or not self._spool.opened
            return self._closed or not busy

    def open(self) -> None:
        """Find what an earlier life left, which comes before everything else."""
        with self._disk:
            try:
                self._open()
            except (Corrupt, Failed) as error:
                self._disk_failed(error)

    def _open(self) -> None:
        if self._spool.opened:
            return
        highest = self._spool.open()
        with self._changed:
            self._transit.opened(highest, self._spool.messages)
            self._changed.notify()

    def _kept_some(self, everything: bool) -> bool:
        """One transaction; whether it was one."""
        transit = self._transit
        with self._changed:
            before_ns = monotonic_ns() - (0 if everything else int(KEEP_AFTER_S * 1e9))
            batch = transit.unkept(before_ns, self._spool.batch_bytes)
            done = transit.done[: self._spool.most_done]
            del transit.done[: len(done)]
        if not batch and not done:
            return False
        try:
            evicted = self._spool.write(batch, done)
        except (Corrupt, Failed):
            with self._changed:
                transit.done += done
            raise
        with self._changed:
            self._tally.dropped[SPOOL_FULL] += transit.kept(batch, evicted)
            self._changed.notify()
        if evicted:
            self._telling.begins(Refused("sink.spool_full", path=self._spool.path))
        return True

    def _disk_failed(self, error: Corrupt | Failed) -> None:
        """What is in memory stays there; the lock of the disk is held."""
        self._keep_again_s = monotonic() + DISK_RETRY_S
        if isinstance(error, Corrupt):
            with suppress(Failed):  # it will be found damaged again
                self._spool.set_aside()
            with self._changed:
                self._tally.dropped[DISK] += self._transit.lost()
        self._telling.begins(error)

    def _disk_works(self) -> None:
        if self._telling.ends(SPOOL_TROUBLE):
            self._telling.say("the spool is written again")
        if not self._transit.waiting:
            self._telling.ends(SPOOL_DROPS)

    def sync(self) -> None:
        """Have the disk hold what was written, for a power cut."""
        with self._disk:
            if not self._spool.opened:
                return
            try:
                self._spool.sync()
            except (Corrupt, Failed) as error:
                self._disk_failed(error)

    def bound(self, megabytes: int) -> None:
        """Take a new bound of the spool."""
        with self._disk:
            self._spool.bound(megabytes)
        with self._changed:
            self._transit.most_flying_bytes = min(MOST_FLYING_BYTES, 2 * self._spool.largest)

    def close(self) -> None:
        """Write down all that is not acknowledged, and take nothing more."""
        for _ in range(2):  # the first may find the spool damaged
            self.keep(everything=True)
        with self._disk:
            with self._changed:
                self._closed = True
            try:
                self._spool.close()
            except (Corrupt, Failed) as error:
                self._telling.begins(error)
