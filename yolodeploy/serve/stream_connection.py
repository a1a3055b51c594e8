"""One WebSocket: uvicorn's, counted and bounded, and told in time that the server leaves.

`websockets` reads a frame's length before its content, so that one that is too large is refused
before it is in memory (wsproto looks when it is there).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from yolodeploy.core.errors import Unreachable

if TYPE_CHECKING:
    from asyncio import BaseTransport

    from uvicorn._types import ASGISendEvent

    from yolodeploy.serve.bodies import Held
    from yolodeploy.serve.crowd import Crowd

LINGER_S = 2.0
MOST_FRAGMENTS = 1024  # 32 MB in fragments of one byte would take 2 GB
TOO_BIG = 1009  # these and more: RFC 6455, section 7.4, and its registry
LEAVING = 1012
TRY_AGAIN = 1013


class StreamConnection(WebSocketsSansIOProtocol):
    """Counts what is there of a message that has not ended as held."""

    def __init__(self, crowd: Crowd, held: Held, **settings: Any) -> None:
        """One of a crowd."""
        super().__init__(**settings)
        self._crowd = crowd
        self._held = held
        self._partial = 0  # bytes

    def connection_made(self, transport: BaseTransport) -> None:
        """Count it."""
        super().connection_made(transport)
        self._crowd.came()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, and what it had sent."""
        self._held.give_back(self._partial)
        self._partial = 0
        self._crowd.left(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Make room for another connection."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hold the bounds of what may be in memory."""
        super().data_received(data)
        if not self.handshake_initiated:
            # its head, which has come as a whole, is nothing that websockets reads
            self.transport.close()
            return
        if not self.writable.is_set():
            # who sends pings and takes no pongs
            self.transport.pause_reading()
        if len(self.frames) > MOST_FRAGMENTS:
            self._fail(TOO_BIG, f"more than {MOST_FRAGMENTS} fragments")
        partial = len(self.conn.reader.buffer) + sum(map(len, self.frames))
        try:
            self._held.take(partial - self._partial)
            self._partial = partial
        except Unreachable as error:
            self._fail(TRY_AGAIN, error.text())

    async def send(self, message: ASGISendEvent) -> None:
        """Send; a refusal is a handshake that has ended, too, which uvicorn's log denies."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def resume_writing(self) -> None:
        """Read again, too."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def handle_parser_exception(self) -> None:
        """Say why, once; what comes after that is thrown away."""
        told = self.conn.close_sent
        if not self.close_sent and told is not None:
            self._told(told.code, told.reason)

    def keepalive_timeout(self) -> None:
        """The client has not answered our ping: it is gone, unless its answer lies unread."""
        if self.read_paused:
            self.pong_timer = self.loop.call_later(self.ping_timeout or 0, self.keepalive_timeout)
        else:
            super().keepalive_timeout()

    def shutdown(self) -> None:
        """Have the stream end itself when it has answered what it took."""
        if self.handshake_complete and not self.close_sent:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": LEAVING})
        else:
            super().shutdown()

    def _fail(self, code: int, reason: str) -> None:
        if not self.close_sent:
            self.frames = []
            self.conn.fail(code, reason)
            self._told(code, reason)

    def _told(self, code: int, reason: str) -> None:
        """Close, but read on for a while: who is cut off while he sends never sees why."""
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER_S, self.transport.close)
