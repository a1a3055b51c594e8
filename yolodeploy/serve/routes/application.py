"""The ASGI application: the table of all routes, and what is said where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response

from yolodeploy.core.errors import Failed, NotFound
from yolodeploy.serve.bodies import Bodies, Held
from yolodeploy.serve.http import refusal
from yolodeploy.serve.routes.cameras import CameraRoutes
from yolodeploy.serve.routes.detect import DetectRoutes
from yolodeploy.serve.routes.engines import EngineRoutes
from yolodeploy.serve.routes.onlookers import OnlookerRoutes
from yolodeploy.serve.routes.operation import routes_of
from yolodeploy.serve.routes.page import PageRoutes
from yolodeploy.serve.routes.state import StateRoutes
from yolodeploy.serve.routes.stream import StreamRoutes
from yolodeploy.serve.routes.v2 import V2Routes

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ExceptionHandler, Receive, Scope, Send

    from yolodeploy.serve.routes.operation import Operation
    from yolodeploy.serve.service import Service


def operations_of(service: Service, held: Held) -> list[Operation]:
    """The table of one server; the path with most traffic is looked at first."""
    bodies = Bodies(held)
    table = [
        *DetectRoutes(service, bodies).operations(),
        *StateRoutes(service).operations(),
        *StreamRoutes(service, held).operations(),
        *CameraRoutes(service).operations(),
        *OnlookerRoutes(service).operations(),
        *EngineRoutes(service).operations(),
        *V2Routes(service, bodies).operations(),
    ]
    table += PageRoutes(table).operations()
    return table


def application(service: Service, held: Held) -> Starlette:
    """The application of one server; what it keeps in memory is counted in `held`."""

    async def broken(request: Request, error: Exception) -> Response:
        """A mistake of ours; uvicorn logs it."""
        mistake = Failed("serve.internal")
        service.refused(mistake)
        return refusal(mistake)

    handlers: dict[int | type[Exception], ExceptionHandler] = {
        405: _wrong_method,
        Exception: broken,
    }
    made = Starlette(routes=routes_of(operations_of(service, held)), exception_handlers=handlers)
    # a redirect from `/detect/` would lead to wherever the `host` header says
    made.router.redirect_slashes = False
    made.router.default = _no_such_path
    return made


async def _no_such_path(scope: Scope, receive: Receive, send: Send) -> None:
    response = refusal(NotFound("serve.no_such_path", path=scope["path"]), scope["path"])
    await response(scope, receive, send)


async def _wrong_method(request: Request, error: Exception) -> Response:
    # Starlette names them in no order
    allowed = ", ".join(sorted(getattr(error, "headers", {}).get("Allow", "").split(", ")))
    if request.method == "OPTIONS":
        # no `access-control-*`: pages of other sites may not ask
        return Response(status_code=204, headers={"allow": f"{allowed}, OPTIONS"})
    path = request.url.path
    response = refusal(NotFound("serve.wrong_method", path=path, method=request.method), path)
    response.headers["allow"] = allowed
    return response
