"""`GET /shadow` and `GET /samples`: what the onlookers have seen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from yolodeploy.core.errors import NotFound

if TYPE_CHECKING:
    from starlette.requests import Request

    from yolodeploy.core.samples import SampleList
    from yolodeploy.serve.onlookers import Onlookers
    from yolodeploy.serve.samples.store import Store

JSON = "application/json"
PAGE = 100
# a client's own bytes: nobody may keep them on the way, or take them for a page with a script
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
MEDIA_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "gif": "image/gif",
}


def onlooker_routes(onlookers: Onlookers) -> list[Route]:
    """The endpoints."""
    endpoints = _Endpoints(onlookers)
    return [
        Route("/shadow", endpoints.shadow),
        Route("/samples", endpoints.samples),
        Route("/samples/{name}", endpoints.sample),
    ]


class _Endpoints:
    def __init__(self, onlookers: Onlookers) -> None:
        self._onlookers = onlookers

    async def shadow(self, request: Request) -> Response:
        report = self._onlookers.report()
        if report is None:
            raise NotFound("shadow.off")
        return Response(msgspec.json.encode(report), headers=HEADERS, media_type=JSON)

    async def samples(self, request: Request) -> Response:
        store = self._demanded()
        listed = await asyncio.to_thread(_listed, store, request.query_params.get("before", ""))
        return Response(msgspec.json.encode(listed), headers=HEADERS, media_type=JSON)

    async def sample(self, request: Request) -> Response:
        store = self._demanded()
        name: str = request.path_params["name"]
        if name.endswith(".json"):
            content = await asyncio.to_thread(store.beside, name.removesuffix(".json"))
            return Response(content, headers=HEADERS, media_type=JSON)
        content, suffix = await asyncio.to_thread(store.picture, name)
        return Response(content, headers=HEADERS, media_type=MEDIA_TYPES[suffix])

    def _demanded(self) -> Store:
        store = self._onlookers.store
        if store is None:
            raise NotFound("sample.off")
        return store


def _listed(store: Store, before: str) -> SampleList:
    """One page of the list, from the files' own words."""
    from yolodeploy.core.samples import SampleLine, SampleList

    decode = msgspec.json.Decoder(SampleLine).decode
    ids = store.ids(before, PAGE)
    lines = []
    for identity in ids:
        try:
            lines.append(decode(store.beside(identity)))
        except (NotFound, msgspec.DecodeError):  # it went meanwhile, or a power cut emptied it
            continue
    return SampleList(
        samples=tuple(lines),
        count=store.count,
        bytes=store.bytes,
        before=ids[-1] if len(ids) == PAGE else "",
    )
