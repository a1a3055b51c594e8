"""One HTTP connection: uvicorn's, with the limits that it leaves to its other parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn import Config
    from uvicorn.server import ServerState

    from yolodeploy.serve.crowd import Crowd

LARGEST_HEADER = 32 << 10
HEADER_S = 10.0


class Connection(HttpToolsProtocol):
    """Closes when a request's head is larger than 32 kB or takes longer than ten seconds.

    Also when it is idle and there are too many.
    """

    _header_bytes = 0
    _in_header = True  # a connection that sends nothing is late with its first header
    _header_limit: asyncio.TimerHandle | None = None

    def __init__(
        self, config: Config, state: ServerState, loop: asyncio.AbstractEventLoop, crowd: Crowd
    ) -> None:
        """One of a crowd."""
        super().__init__(config, state, {}, loop)
        self._crowd = crowd

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        full = self._crowd.full
        self._crowd.came()
        self._crowd.idles(self)
        self._expect_header()
        if full:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._header_done()
        self._crowd.left(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before a head is complete."""
        super().data_received(data)
        if self._in_header and not self.transport.is_closing():
            self._header_bytes += len(data)
            if self._header_bytes > LARGEST_HEADER:
                self.send_400_response("The request's head is too large.")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        # for answers without an end, whose reader does not read
        self.scope["yolodeploy.abort"] = self.transport.abort  # type: ignore[typeddict-unknown-key]
        self._expect_header()

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._header_done()
        self._crowd.works(self)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """An answer was sent; the next request may be waiting already."""
        self._crowd.idles(self)
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """Another protocol takes over; this one hears no more, of its end neither."""
        self._header_done()
        self._crowd.left(self)
        super().handle_websocket_upgrade()

    def _expect_header(self) -> None:
        self._header_done()
        self._in_header = True
        self._header_bytes = 0
        self._header_limit = self.loop.call_later(HEADER_S, self.transport.close)

    def _header_done(self) -> None:
        self._in_header = False
        if self._header_limit is not None:
            self._header_limit.cancel()
            self._header_limit = None
