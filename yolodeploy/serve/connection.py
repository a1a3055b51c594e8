"""One HTTP connection: uvicorn's, with the limits that it leaves to its other parser.

What a sender owes has a time limit at every moment, and what it may leave in memory has a bound:
the head, the fields behind a chunked body, the requests that are sent ahead.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from yolodeploy.core.errors import Failed
from yolodeploy.serve.bodies import MOST_DISCARDED
from yolodeploy.serve.http import refusal

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from uvicorn import Config
    from uvicorn.server import ServerState

    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.serve.bodies import Held
    from yolodeploy.serve.crowd import Crowd
    from yolodeploy.serve.stream_connection import StreamConnection

LARGEST_HEADER = 32 << 10
MOST_FIELDS = 100  # 4 bytes on the wire become 130 in memory
MOST_AHEAD = 16  # requests of 20 bytes, each of which takes 2 kB of memory
HEADER_S = 10.0
REST_S = 20.0  # for the rest of a body that was answered before it was all there


class Connection(HttpToolsProtocol):
    """Closes when a request's head is larger than 32 kB or takes longer than ten seconds.

    Also when it is idle and there are too many.
    """

    _in_header = True  # or between requests: what comes next belongs to a head
    _body_open = False  # a head is complete, its body is not
    _head_bytes = 0  # of a head, or of what is no payload in a body
    _body_bytes = 0
    _payload = 0  # bytes of bodies in what was received last
    _given_up = False  # nothing more is read; what was asked for is answered still
    _limit: asyncio.TimerHandle | None = None
    _reason: YolodeployError | None = None

    def __init__(
        self,
        config: Config,
        state: ServerState,
        loop: asyncio.AbstractEventLoop,
        crowd: Crowd,
        held: Held,
    ) -> None:
        """One of a crowd; what a stream that it becomes has in memory is counted in `held`."""
        super().__init__(config, state, {}, loop)
        self._crowd = crowd
        self._held = held
        self._unanswered: deque[RequestResponseCycle] = deque()
        self.ws_protocol_class = self._stream  # type: ignore[assignment]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        full = self._crowd.full
        self._crowd.came()
        self._crowd.idles(self)
        self._expect(HEADER_S, self._head_late)
        if full:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._expect_nothing()
        self._crowd.left(self)
        self.pipeline.clear()
        for cycle in self._unanswered:
            # uvicorn tells the last one only; another would write to what is closed
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Make room for another connection."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Count what comes before a head is complete, and behind a body."""
        if self._given_up:
            return
        self._unset_keepalive_if_required()
        self._payload = 0
        self._parse(data)
        if self._given_up or self.transport.is_closing():
            return
        self._count(data)
        idle = self._in_header and not self._owing
        if idle and self._limit is None and self.timeout_keep_alive_task is None:
            # a line break between requests: uvicorn has stopped its clock, and no head has begun
            self._expect(HEADER_S, self._head_late)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer who has said all he wanted and still listens."""
        # an answer that goes on for ever, a camera's, ends when its reader goes
        begun = bool(self._unanswered) and self._unanswered[0].response_started
        if self._owing and not begun and self.scheme == "http":
            self._give_up()
            return True
        if self._body_open and self._unanswered and not self.transport.is_closing():
            self._refuse(Failed("serve.body_cut", bytes=self._body_bytes))
        return None

    def on_message_begin(self) -> None:
        """A head begins."""
        if len(self.pipeline) >= MOST_AHEAD:
            raise ValueError("too many requests are sent ahead")
        super().on_message_begin()
        # for answers without an end, whose reader does not read
        self.scope["yolodeploy.abort"] = self.transport.abort  # type: ignore[typeddict-unknown-key]
        self._head_bytes = self._body_bytes = 0
        self._expect(HEADER_S, self._head_late)

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._demand_sound_head()
        self._expect_nothing()
        if self.parser.should_upgrade() and not self._should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise ValueError("this is no proxy")
            return  # `_parse` goes on with the same request
        if self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # RFC 9110, 10.1.1
        super().on_headers_complete()
        if self.parser.should_upgrade():
            return
        self._in_header = False
        self._body_open = True
        self._head_bytes = 0
        self._unanswered.append(self.cycle)
        if not self._owing:
            self._crowd.idles(self)  # it has shown that it lives

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        super().on_body(body)
        self._payload += len(body)
        self._body_bytes += len(body)
        if not self._unanswered and self._body_bytes > MOST_DISCARDED:
            self.transport.close()

    def on_message_complete(self) -> None:
        """A request is complete."""
        if self._in_header:
            return  # one with an upgrade
        super().on_message_complete()
        self._expect_nothing()
        self._in_header = True
        self._body_open = False
        if self._owing:
            self._crowd.works(self)

    def on_response_complete(self) -> None:
        """An answer was sent; the next request may be waiting already."""
        self._unanswered.popleft()
        if not self._owing:
            self._crowd.idles(self)
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self._given_up and not self._owing:
            self.transport.close()
        elif self._body_open and not self._unanswered:
            self._drop_rest()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or too much of it; but first comes what was asked before."""
        error = self._reason or Failed("serve.request_malformed")
        if self._owing:
            self._give_up()
        elif self._body_open and not self._unanswered:
            self.transport.close()  # it has its answer
        else:
            self._refuse(error)

    def handle_websocket_upgrade(self) -> None:
        """Another protocol takes over; this one hears no more, of its end neither."""
        self._expect_nothing()
        self._given_up = True
        self._crowd.left(self)
        super().handle_websocket_upgrade()

    @property
    def _owing(self) -> bool:
        """Whether a whole request waits for its answer."""
        return len(self._unanswered) > self._body_open

    def _should_upgrade(self) -> bool:
        # a picture that is posted is one, whatever its sender would rather do next; and what was
        # asked before is answered on this connection
        asked = self.parser.get_method() == b"GET" and not self._unanswered
        return asked and super()._should_upgrade()

    def _stream(self, **settings: Any) -> StreamConnection:
        # loaded by the first stream: 13 ms
        from yolodeploy.serve.stream_connection import StreamConnection

        return StreamConnection(self._crowd, self._held, _loop=self.loop, **settings)

    def _parse(self, data: bytes) -> None:
        try:
            while True:
                try:
                    self.parser.feed_data(data)
                    return
                except HttpParserUpgrade as upgrade:
                    if self._should_upgrade():
                        self.handle_websocket_upgrade()
                        return
                    data = self._without_upgrade() + data[upgrade.args[0] :]
                    self.parser = HttpRequestParser(self)
        except HttpParserError:
            self.send_400_response("")

    def _without_upgrade(self) -> bytes:
        """The head as if it had not asked for another protocol, which we may ignore.

        The parser would take the body for that protocol's; Java's own client asks for HTTP/2 with
        its first picture.
        """
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))

    def _count(self, data: bytes) -> None:
        if self._in_header:
            # only what lies behind the last whole head or body can belong to this one
            behind = len(data) - (data.rfind(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data else 0)
            self._head_bytes += min(behind, len(data) - self._payload)
        elif self._payload:
            self._head_bytes = 0
        else:
            # extensions of chunks, fields behind the last one
            self._head_bytes += len(data)
        if self._head_bytes > LARGEST_HEADER or len(self.headers or ()) > MOST_FIELDS:
            self._reason = Failed("serve.head_too_large")
            self.send_400_response("")

    def _demand_sound_head(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > LARGEST_HEADER or len(self.headers) > MOST_FIELDS:
            self._reason = Failed("serve.head_too_large")
            raise self._reason
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts != 1 and (hosts or self.parser.get_http_version() == "1.1"):
            raise ValueError("a request for one host must name it (RFC 9112, 3.2)")

    def _head_late(self) -> None:
        if self._owing:
            self._give_up()
        elif self._head_bytes:
            self._refuse(Failed("serve.head_slow"))
        else:
            self.transport.close()

    def _drop_rest(self) -> None:
        """Read on, so that who is still sending sees the answer (RFC 9112, 9.6)."""
        if self.expect_100_continue:
            # it may send the body or not: nobody could tell that from the next request
            self.transport.close()
        else:
            self._expect(REST_S, self.transport.close)

    def _give_up(self) -> None:
        """Answer what was asked, read nothing more, and close."""
        self._given_up = True
        self._expect_nothing()
        if self._body_open and self.pipeline:
            self.pipeline.popleft()  # the request that will never be complete
            self._unanswered.pop()
            self._body_open = False
        else:
            self.cycle.keep_alive = False

    def _refuse(self, error: YolodeployError) -> None:
        response = refusal(error)
        head = [STATUS_LINE[response.status_code]]
        head += [b"%b: %b\r\n" % field for field in response.raw_headers]
        self.transport.write(b"".join((*head, b"\r\n", response.body)))
        self.transport.close()

    def _expect(self, seconds: float, late: Callable[[], None]) -> None:
        self._expect_nothing()
        self._limit = self.loop.call_later(seconds, late)

    def _expect_nothing(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
