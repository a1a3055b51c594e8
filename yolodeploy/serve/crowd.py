"""How many connections there may be, and who goes when there are too many.

Ten thousand connections that send nothing must not keep out the one that has a picture: whoever
has been idle longest makes room.
"""

from __future__ import annotations

import resource
from typing import Protocol

MOST_CONNECTIONS = 10_000  # about 10 kB each
MOST_SECURE = 3_000  # TLS takes about 60 kB
# the state folder, the model, libraries, sockets being accepted; a camera has 6, a spool 2
SPARE_FILES = 512


class Guest(Protocol):
    """A connection, or one that shakes hands still."""

    def abort(self) -> None:
        """Go at once."""


class Crowd:
    """The connections of this process; used on the event loop only."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.open = 0
        # those we owe nothing: without a whole request, longest first (a dict keeps its order)
        self._idle: dict[Guest, None] = {}

    def came(self) -> None:
        """One more; closes the longest idle one when that is one too many."""
        self.open += 1
        if self.open > self._most and self._idle:
            longest = next(iter(self._idle))
            # at once: it leaves later, and the next newcomer needs the room of another one
            del self._idle[longest]
            longest.abort()

    def left(self, guest: Guest) -> None:
        """One is gone."""
        self.open -= 1
        self._idle.pop(guest, None)

    def idles(self, guest: Guest) -> None:
        """From now on it is its turn: to shake hands, to ask, to send the rest of a body."""
        self._idle.pop(guest, None)
        self._idle[guest] = None

    def works(self, guest: Guest) -> None:
        """Its request is complete, and it waits for us."""
        self._idle.pop(guest, None)

    @property
    def full(self) -> bool:
        """Whether there is no room, and nobody idle to make it."""
        return self.open >= self._most and not self._idle


def most_connections(*, secure: bool) -> int:
    """How many the process may have open, after its limit of files was raised as far as may be.

    `secure`: they may speak TLS.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_SECURE if secure else MOST_CONNECTIONS
    wanted = most + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    if soft == resource.RLIM_INFINITY:
        return most
    # where files are few, cameras and connections share them
    return min(soft, wanted) - min(SPARE_FILES, soft // 2)
