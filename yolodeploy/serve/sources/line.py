"""A reader's end of the line to the server; several threads speak on it. For readers only."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from yolodeploy.serve.sources.newest import Tally
from yolodeploy.serve.sources.wire import LARGEST_MESSAGE, Progress, encoded, to_reader

if TYPE_CHECKING:
    import socket

    from yolodeploy.serve.sources.wire import ToReader, ToServer

EVERY_S = 0.5


class Line:
    """Says things, and that all is well; the counts go along."""

    def __init__(self, own: socket.socket) -> None:
        self.tally = Tally()
        self._own = own
        self._said_s = 0.0

    def say(self, said: ToServer) -> None:
        """Send a message.

        Raises:
            OSError: the server is gone.
        """
        self._own.send(encoded(said))

    def hear(self) -> ToReader | None:
        """Wait for the next message; None when the server is gone."""
        content = self._own.recv(LARGEST_MESSAGE)
        return to_reader(content) if content else None

    def well(self) -> None:
        """Say that the source lives, twice a second at most."""
        now = monotonic()
        if now - self._said_s >= EVERY_S:
            self._said_s = now
            self.say(self.progress())

    def progress(self) -> Progress:
        """The counts so far."""
        tally = self.tally
        return Progress(
            frames=tally.frames, dropped=tally.dropped, corrupt=tally.corrupt + tally.unfit
        )
