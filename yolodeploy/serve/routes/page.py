"""What people look at: the page at `/`, and the document of all that can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from yolodeploy.serve.http import JSON
from yolodeploy.serve.routes.operation import Content, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from yolodeploy.serve.page.page import Page

HTML = "text/html"


class PageRoutes:
    """The page, which needs no token, and the document of a table that these are in themselves."""

    def __init__(self, table: Sequence[Operation]) -> None:
        self._table = table
        self._page: Page | None = None
        self._document = b""

    def operations(self) -> tuple[Operation, ...]:
        """The table."""
        return (
            Operation(
                "GET",
                "/",
                self._root,
                "A page to drop pictures on, and to see what is found in them",
                gives=(Content(HTML),),
            ),
            Operation(
                "GET",
                "/openapi.json",
                self._openapi,
                "This document",
                gives=(Content(JSON, ({"type": "object"},)),),
            ),
        )

    async def _root(self, request: Request) -> Response:
        if self._page is None:
            from yolodeploy.serve.page.page import page

            self._page = page()
        return Response(self._page.content, headers=self._page.headers, media_type=HTML)

    async def _openapi(self, request: Request) -> Response:
        if not self._document:
            from yolodeploy.serve.openapi import document

            self._document = document(self._table)
        return Response(self._document, media_type=JSON)
