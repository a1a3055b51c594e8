"""How many connections there may be, and who goes when there are too many.

Ten thousand connections that send nothing must not keep out the one that has a picture: whoever
has been idle longest makes room.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolodeploy.serve.connection import Connection

MOST_CONNECTIONS = 10_000  # about 10 kB each
SPARE_FILES = 128  # the state folder, the model, libraries, sockets being accepted


class Crowd:
    """The connections of this process; used on the event loop only."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = 0
        # without a request under way, longest first: a dict keeps its order
        self._idle: dict[Connection, None] = {}

    def came(self) -> None:
        """One more; closes the longest idle one when that is one too many."""
        self._open += 1
        if self._open > self._most and self._idle:
            next(iter(self._idle)).transport.abort()

    def left(self, connection: Connection) -> None:
        """One is gone."""
        self._open -= 1
        self._idle.pop(connection, None)

    def idles(self, connection: Connection) -> None:
        """It has no request under way from now on."""
        self._idle.pop(connection, None)
        self._idle[connection] = None

    def works(self, connection: Connection) -> None:
        """Its request's head is complete."""
        self._idle.pop(connection, None)

    @property
    def size(self) -> int:
        """How many there are."""
        return self._open

    @property
    def full(self) -> bool:
        """Whether there is no room, and nobody idle to make it."""
        return self._open >= self._most and not self._idle


def most_connections() -> int:
    """How many the process may have open, after its limit of files was raised as far as may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(soft, wanted) - SPARE_FILES
