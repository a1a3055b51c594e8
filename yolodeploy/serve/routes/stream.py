"""`/stream`: a WebSocket on which a picture a frame comes in, and an answer a frame goes out."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.websockets import WebSocketDisconnect, WebSocketDisconnected

from yolodeploy.core.errors import Failed, Refused, Unreachable, UsageError, YolodeployError
from yolodeploy.serve.deadline import limit_of
from yolodeploy.serve.http import refusal
from yolodeploy.serve.question import header_of, request_id_of, wanted_of
from yolodeploy.serve.routes.detect import PARAMETER_ERRORS
from yolodeploy.serve.routes.operation import Operation
from yolodeploy.serve.routes.parameters import DETECT_PARAMETERS, HEADERS, LATEST
from yolodeploy.serve.tokens import PROTOCOL

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

    from yolodeploy.serve.bodies import Held
    from yolodeploy.serve.pool import Pool
    from yolodeploy.serve.service import Service
    from yolodeploy.serve.streaming import Streaming

# each has at most four frames unanswered: together as many as may wait of single requests
MOST_STREAMS = 16
INTERNAL = 1011
# the client went, at whatever moment
GONE = (WebSocketDisconnect, WebSocketDisconnected)
REASONS = {
    1000: "no frame for five minutes",
    1003: "a frame is a picture, in binary",
    1012: "the server is about to stop",
}

logger = logging.getLogger(__name__)


class StreamRoutes:
    """The streams of this process."""

    def __init__(self, service: Service, held: Held) -> None:
        self._service = service
        self._held = held
        self._open = 0

    def operations(self) -> tuple[Operation, ...]:
        """The table."""
        return (
            Operation(
                "GET",
                "/stream",
                self._not_upgraded,
                "A WebSocket: a picture a binary frame in, an answer a text frame out, in order.",
                gives=(),
                parameters=(*DETECT_PARAMETERS, LATEST, *HEADERS),
                errors=(
                    "serve.upgrade_needed",
                    "serve.other_origin",
                    "serve.too_many_streams",
                    "serve.not_ready",
                    "serve.unauthorized",
                    *PARAMETER_ERRORS,
                ),
                socket=self._stream,
            ),
        )

    async def _not_upgraded(self, request: Request) -> Response:
        response = refusal(UsageError("serve.upgrade_needed", path=request.url.path))
        response.headers["upgrade"] = "websocket"
        return response

    async def _stream(self, socket: WebSocket) -> None:
        try:
            pool, asked = self._asked(socket)
        except YolodeployError as error:
            await socket.send_denial_response(refusal(error))
            return
        self._open += 1
        try:
            await self._run(socket, pool, asked)
        except GONE:
            pass
        # a mistake of ours must not look like a cut link
        except Exception:
            logger.exception("a stream's mistake")
            self._service.refused(Failed("serve.internal"))
            with suppress(*GONE):
                await socket.close(INTERNAL, "serve.internal")
        finally:
            self._open -= 1

    async def _run(self, socket: WebSocket, pool: Pool, asked: Streaming) -> None:
        from yolodeploy.serve.streaming import Stream

        offered = socket.scope.get("subprotocols", [])
        # never the one that carries the token
        await socket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
        code = await Stream(socket, asked, pool, self._service, self._held).run()
        if code is not None:
            await socket.close(code, REASONS[code])

    def _asked(self, socket: WebSocket) -> tuple[Pool, Streaming]:
        from yolodeploy.serve.streaming import Streaming

        service = self._service
        if service.pool is None or service.facts is None or service.leaving:
            raise Unreachable("serve.not_ready")
        if not service.tokens:
            _demand_own_page(socket)
        given = socket.query_params.multi_items()
        latest = [value for name, value in given if name == LATEST.name]
        if latest not in ([], ["true"], ["false"]):
            raise UsageError(
                "serve.parameter_invalid",
                name=LATEST.name,
                value=", ".join(latest),
                allowed="true, false",
            )
        others = [(name, value) for name, value in given if name != LATEST.name]
        wanted = wanted_of(others, service.config.serving, service.facts.classes)
        limit_s = limit_of(socket, service.config.serving)
        if self._open >= MOST_STREAMS:
            raise Unreachable("serve.too_many_streams", most=MOST_STREAMS)
        streaming = Streaming(wanted, request_id_of(socket), limit_s, latest == ["true"])
        return service.pool, streaming


def _demand_own_page(socket: WebSocket) -> None:
    """Keep pages of other sites out: browsers let them open WebSockets to wherever they like.

    Raises:
        Refused: `serve.other_origin`.
    """
    origin = header_of(socket, b"origin").decode("latin-1")
    host = header_of(socket, b"host").decode("latin-1")
    if origin and _place_of(origin) != host:
        raise Refused("serve.other_origin", origin=origin)


def _place_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
