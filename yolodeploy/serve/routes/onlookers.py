"""`GET /shadow` and `GET /samples`: what the onlookers have seen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from yolodeploy.core.errors import NotFound
from yolodeploy.core.samples import SampleLine, SampleList
from yolodeploy.core.shadowing import ShadowReport
from yolodeploy.serve.http import JSON, refusal
from yolodeploy.serve.routes.operation import Content, Operation, Parameter

if TYPE_CHECKING:
    from starlette.requests import Request

    from yolodeploy.serve.samples.store import Store
    from yolodeploy.serve.service import Service

PAGE = 100
# a client's own bytes: nobody may keep them on the way, or take them for a page with a script
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
BEFORE = Parameter("before", "The last id of the page before", {"type": "string"})
NAME = Parameter("name", "An id, or one with `.json`", {"type": "string"}, where="path")
MEDIA_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "gif": "image/gif",
}


class OnlookerRoutes:
    """What is asked of a server that mirrors or keeps pictures."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def operations(self) -> tuple[Operation, ...]:
        """The table."""
        return (
            Operation(
                "GET",
                "/shadow",
                self._shadow,
                "How the shadow's answers compare with this server's",
                (Content(JSON, (ShadowReport,)),),
                errors=("serve.unauthorized", "shadow.off"),
            ),
            Operation(
                "GET",
                "/samples",
                self._samples,
                "The frames worth looking at, newest first, a page at a time",
                (Content(JSON, (SampleList,)),),
                parameters=(BEFORE,),
                errors=("serve.unauthorized", "sample.off"),
            ),
            Operation(
                "GET",
                "/samples/{name}",
                self._sample,
                "A frame by its id; with `.json` what was answered, and why it was kept",
                (Content("image/*"), Content(JSON)),
                parameters=(NAME,),
                errors=("serve.unauthorized", "sample.off", "sample.unknown"),
            ),
        )

    async def _shadow(self, request: Request) -> Response:
        report = self._service.onlookers.report()
        if report is None:
            return refusal(NotFound("shadow.off"))
        return Response(msgspec.json.encode(report), headers=HEADERS, media_type=JSON)

    async def _samples(self, request: Request) -> Response:
        try:
            store = self._demanded()
        except NotFound as error:
            return refusal(error)
        listed = await asyncio.to_thread(_listed, store, request.query_params.get("before", ""))
        return Response(msgspec.json.encode(listed), headers=HEADERS, media_type=JSON)

    async def _sample(self, request: Request) -> Response:
        name: str = request.path_params["name"]
        try:
            store = self._demanded()
            if name.endswith(".json"):
                content = await asyncio.to_thread(store.beside, name.removesuffix(".json"))
                return Response(content, headers=HEADERS, media_type=JSON)
            content, suffix = await asyncio.to_thread(store.picture, name)
        except NotFound as error:
            return refusal(error)
        return Response(content, headers=HEADERS, media_type=MEDIA_TYPES[suffix])

    def _demanded(self) -> Store:
        store = self._service.onlookers.store
        if store is None:
            raise NotFound("sample.off")
        return store


def _listed(store: Store, before: str) -> SampleList:
    """One page of the list, from the files' own words."""
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
