"""One row of the table of routes: what is asked where, what it takes, what it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.routing import Route, WebSocketRoute

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

    Endpoint = Callable[[Request], Awaitable[ASGIApp]]
    Socket = Callable[[WebSocket], Awaitable[None]]


class Parameter(NamedTuple):
    """A parameter of the query, a header or a part of the path; `schema` is JSON Schema."""

    name: str
    text: str
    schema: Mapping[str, Any]
    where: str = "query"


class ListOf(NamedTuple):
    """An array of any of some kinds."""

    kinds: tuple[Any, ...]


class Content(NamedTuple):
    """A body of any of some kinds: types that msgspec knows, `ListOf`, or JSON Schema itself.

    Without any, it is bytes.
    """

    media_type: str
    kinds: tuple[Any, ...] = ()


class Operation(NamedTuple):
    """A method of a path.

    `errors` are the codes that it may be refused with beside `serve.internal`; each has a status
    in `http.STATUS`. `refused_with` is the kind of their body (`ErrorResponse` where it is None).
    `socket` is where WebSockets to the path go, for which OpenAPI has no words.
    """

    method: str
    path: str
    endpoint: Endpoint
    text: str
    gives: Sequence[Content]
    takes: Sequence[Content] = ()
    parameters: Sequence[Parameter] = ()
    errors: Sequence[str] = ()
    refused_with: Any = None
    socket: Socket | None = None


def routes_of(operations: Sequence[Operation]) -> list[BaseRoute]:
    """The routes of a table."""
    routes: list[BaseRoute] = []
    for one in operations:
        routes.append(Route(one.path, one.endpoint, methods=[one.method]))
        if one.socket is not None:
            routes.append(WebSocketRoute(one.path, one.socket))
    return routes
