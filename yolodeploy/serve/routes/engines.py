"""`GET /engines`: the TensorRT engines that are kept here, for whoever brings one elsewhere.

On the instance's own port alone: an engine holds the model, and the other port may be anybody's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from yolodeploy.core.engines import PIECE, EnginesTold
from yolodeploy.core.errors import NotFound, UsageError
from yolodeploy.serve.engine_cache import EngineCache, cache_of
from yolodeploy.serve.http import JSON, refusal
from yolodeploy.serve.routes.operation import Content, Operation, Parameter

if TYPE_CHECKING:
    from starlette.requests import Request

    from yolodeploy.serve.service import Service

HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
KEY = Parameter("key", "The engine's key", {"type": "string"}, where="path")
NAME = Parameter("name", "One of its files", {"type": "string"}, where="path")
OFFSET = Parameter("offset", "How many bytes are there already", {"type": "integer"})


class EngineRoutes:
    """What is asked of a server whose engines somebody else could use."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def _cache(self) -> EngineCache:
        return EngineCache(cache_of(self._service.config))

    def operations(self) -> tuple[Operation, ...]:
        """The table."""
        return (
            Operation(
                "GET",
                "/engines",
                self._engines,
                "The TensorRT engines that are kept here (instance port)",
                (Content(JSON, (EnginesTold,)),),
                errors=("serve.unauthorized", "serve.no_such_path"),
            ),
            Operation(
                "GET",
                "/engines/{key}/{name}",
                self._piece,
                "A piece of one of their files (instance port)",
                (Content("application/octet-stream"),),
                parameters=(KEY, NAME, OFFSET),
                errors=("serve.unauthorized", "serve.no_such_path", "serve.parameter_invalid"),
            ),
        )

    async def _engines(self, request: Request) -> Response:
        if not self._is_own(request):
            return _nothing(request)
        kept = await asyncio.to_thread(self._cache.kept)
        told = EnginesTold(built_for=self._service.built_for, kept=kept)
        return Response(msgspec.json.encode(told), headers=HEADERS, media_type=JSON)

    async def _piece(self, request: Request) -> Response:
        if not self._is_own(request):
            return _nothing(request)
        text = request.query_params.get("offset", "0")
        if not (text.isascii() and text.isdecimal() and len(text) < 16):
            wrong = UsageError(
                "serve.parameter_invalid", name="offset", value=text[:40], allowed="0 or more"
            )
            return refusal(wrong)
        piece = await asyncio.to_thread(self._read, request, int(text))
        if piece is None:
            return _nothing(request)
        return Response(piece, headers=HEADERS, media_type="application/octet-stream")

    def _is_own(self, request: Request) -> bool:
        _, port = request.scope.get("server") or ("", 0)
        return bool(port == self._service.instance_port)

    def _read(self, request: Request, offset: int) -> bytes | None:
        """A piece of a file that a manifest names, as long as it is that file."""
        engine = self._cache.told(request.path_params["key"])
        names = [file.name for file in engine.files] if engine else []
        if engine is None or request.path_params["name"] not in names:
            return None
        try:
            with (self._cache.root / engine.key / request.path_params["name"]).open("rb") as file:
                file.seek(offset)
                piece: bytes = file.read(PIECE)
                return piece
        except OSError:
            return None


def _nothing(request: Request) -> Response:
    path = request.url.path
    return refusal(NotFound("serve.no_such_path", path=path), path)
