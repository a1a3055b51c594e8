"""Answers that nobody reads.

A closed connection stays until its last byte is sent, and the event loop waits for that for ever:
a client that asks for pictures and never reads would fill the memory.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

EVERY_S = 2.0
GRACE_S = 10.0
SLOWEST = 32_000  # bytes a second after that, as for bodies


class Backlog(NamedTuple):
    """Bytes that wait to be sent: how many, since when (seconds of a clock), how many are left."""

    first: int
    since: float
    left: int

    def late(self, now: float) -> bool:
        """Whether its reader is slower than any that we know."""
        beyond_s = now - self.since - GRACE_S
        return beyond_s > 0 and self.first - self.left < SLOWEST * beyond_s


def looked_at(before: Backlog | None, unsent: int, now: float) -> Backlog | None:
    """A connection's backlog after one more look; None where nothing waits."""
    if not unsent:
        return None
    if before is None or unsent > before.left:
        # something new: it was read from in between, or the answer would not have been written
        return Backlog(unsent, now, unsent)
    return before._replace(left=unsent)


async def watch(connections: Collection[Any]) -> None:
    """Cut off, for ever, those of uvicorn's connections whose reader is too slow."""
    clock = asyncio.get_running_loop().time
    backlogs: dict[Any, Backlog] = {}
    while True:
        await asyncio.sleep(EVERY_S)
        now = clock()
        found = {}
        # 60 ns each: less than a millisecond for ten thousand
        for connection in list(connections):
            unsent = connection.transport.get_write_buffer_size()
            backlog = looked_at(backlogs.get(connection), unsent, now)
            if backlog is None:
                continue
            if backlog.late(now):
                connection.transport.abort()
            else:
                found[connection] = backlog
        backlogs = found
