"""The messages of one sink in memory, and what is known of those in its spool.

    put → fresh ──take──→ flying ──settle──→ gone
            │       ↗       │
            ↓      ╱        ↓
          stored ──← rewind ┘   (from `flying` back, when the connection broke)

In the order of publishing what is stored comes before what is only in memory: `unkept` gives the
oldest first. No locks and no I/O: `outbox` has both.
"""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import TYPE_CHECKING

from yolodeploy.serve.sinks.held import Held

if TYPE_CHECKING:
    from collections.abc import Sequence

# in memory only: half a second of messages where the disk works
MOST_FRESH = 10_000
MOST_FRESH_BYTES = 8 << 20


class Transit:
    """`waiting` are the messages in the spool that are not in flight."""

    def __init__(self, most_flying_bytes: int) -> None:
        self.most_flying_bytes = most_flying_bytes
        self.fresh: deque[Held] = deque()
        self.flying: dict[int, Held] = {}
        self.waiting = 0
        # the last that was read from the spool, and what is there though it was acknowledged
        self.cursor = 0
        self.done: list[int] = []
        self._fresh_bytes = 0
        self._flying_bytes = 0
        self._next = 1

    @property
    def held(self) -> int:
        """How many messages are not settled."""
        return len(self.fresh) + len(self.flying) + self.waiting

    @property
    def oldest_ns(self) -> int | None:
        """When the oldest in memory was published."""
        oldest = [next(iter(self.flying.values()), None), self.fresh[0] if self.fresh else None]
        return min((held.at_ns for held in oldest if held is not None), default=None)

    def put(self, name: str, camera: str, at_ns: int, body: bytes) -> int:
        """Take a message in; how many of the oldest that are only in memory had to go."""
        self.fresh.append(Held(self._next, name, camera, at_ns, body))
        self._next += 1
        self._fresh_bytes += len(body)
        dropped = 0
        while len(self.fresh) > MOST_FRESH or self._fresh_bytes > MOST_FRESH_BYTES:
            self._pop_fresh().gone = True
            dropped += 1
        return dropped

    def _pop_fresh(self) -> Held:
        held = self.fresh.popleft()
        self._fresh_bytes -= len(held.body)
        return held

    def room(self, window: int) -> tuple[int, int]:
        """How many messages, and of how many bytes, may join those in flight; one may be larger.

        None before a quarter of the window is free: filling it one by one costs twice the CPU.
        """
        room, room_bytes = window - len(self.flying), self.most_flying_bytes - self._flying_bytes
        return (room, room_bytes) if room >= max(1, window // 4) and room_bytes > 0 else (0, 0)

    def takeable(self, window: int) -> bool:
        """Whether `take` would find something."""
        return bool(self.fresh or self.waiting) and self.room(window)[0] > 0

    def take_fresh(self, window: int) -> list[Held]:
        """Let the next ones fly; only while none waits in the spool."""
        room, room_bytes = self.room(window)
        taken: list[Held] = []
        while self.fresh and len(taken) < room and room_bytes > 0:
            taken.append(self._pop_fresh())
            room_bytes -= len(taken[-1].body)
        self._fly(taken)
        return taken

    def take_stored(self, read: Sequence[Held]) -> None:
        """Let what was read from the spool fly."""
        self._fly(read)
        if read:
            self.cursor = read[-1].seq
        # nothing there: what was waiting had to make room
        self.waiting = max(0, self.waiting - len(read)) if read else 0

    def _fly(self, taken: Sequence[Held]) -> None:
        for held in taken:
            self.flying[held.seq] = held
            self._flying_bytes += len(held.body)

    def settle(self, held: Held) -> bool:
        """It needs nothing more; False where that was so already, or its connection has gone."""
        if self.flying.get(held.seq) is not held:
            return False
        del self.flying[held.seq]
        self._flying_bytes -= len(held.body)
        held.gone = True
        if held.stored:
            self.done.append(held.seq)
        return True

    def rewind(self) -> int:
        """All in flight comes again, in its order; how many of it had to make room meanwhile."""
        flying = list(self.flying.values())
        self.flying.clear()
        self._flying_bytes = 0
        self.cursor = 0
        for held in reversed(flying):
            if held.stored:
                self.waiting += 1
            elif not held.evicted:
                self.fresh.appendleft(held)
                self._fresh_bytes += len(held.body)
        return sum(held.evicted for held in flying)

    def unkept(self, before_ns: int, room_bytes: int) -> list[Held]:
        """What was published before then and is only in memory; more than one only if it fits."""
        batch: list[Held] = []
        for held in chain(self.flying.values(), self.fresh):
            if held.stored or held.evicted:
                continue
            room_bytes -= len(held.body)
            if held.at_ns > before_ns or (batch and room_bytes < 0):
                break
            batch.append(held)
        return batch

    def kept(self, batch: Sequence[Held], evicted: Sequence[int]) -> int:
        """`batch` is in the spool, `evicted` no longer; how many that means are dropped."""
        for held in batch:
            if held.gone:  # while it was written
                self.done.append(held.seq)
            else:
                held.stored = True
        while self.fresh and self.fresh[0].stored:
            self._pop_fresh()
            self.waiting += 1
        dropped = 0
        for seq in evicted:
            flying = self.flying.get(seq)
            if flying is None:
                self.waiting -= 1
                dropped += 1
            else:  # it may arrive yet
                flying.stored, flying.evicted = False, True
        return dropped

    def opened(self, highest: int, messages: int) -> None:
        """The spool has been opened: what an earlier life left there is older than all of this."""
        flying = list(self.flying.values())
        for held in chain(flying, self.fresh):
            held.seq += highest
        self.flying = {held.seq: held for held in flying}
        self._next += highest
        self.waiting = messages

    def lost(self) -> int:
        """The spool is damaged: what is in memory is all there is; how many are not."""
        waiting, self.waiting, self.cursor = self.waiting, 0, 0
        self.done.clear()
        for held in self.flying.values():
            held.stored = False
        return waiting
