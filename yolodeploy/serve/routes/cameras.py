"""The cameras and the places where their results go: how they are, and what a camera sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from yolodeploy.core.camera_state import CameraState
from yolodeploy.core.errors import NotFound, YolodeployError
from yolodeploy.core.sink_state import SinkState
from yolodeploy.serve.http import JSON, refusal
from yolodeploy.serve.routes.operation import Content, ListOf, Operation, Parameter

if TYPE_CHECKING:
    from starlette.requests import Request

    from yolodeploy.serve.service import Service
    from yolodeploy.serve.sources.viewing import View

NAME = Parameter("name", "The camera's name", {"type": "string"}, where="path")


class CameraRoutes:
    """What is asked of a server with site settings; without them there is no camera."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def operations(self) -> tuple[Operation, ...]:
        """The table."""
        return (
            Operation(
                "GET",
                "/cameras",
                self._cameras,
                "How each camera is",
                (Content(JSON, (ListOf((CameraState,)),)),),
                errors=("serve.unauthorized",),
            ),
            Operation(
                "GET",
                "/cameras/{name}/view",
                self._view,
                "What a camera sees, with everything drawn into it, as MJPEG without an end",
                (Content("multipart/x-mixed-replace"),),
                parameters=(NAME,),
                errors=("serve.unauthorized", "camera.no_such_camera", "camera.viewers"),
            ),
            Operation(
                "GET",
                "/sinks",
                self._sinks,
                "How each place is to which results go",
                (Content(JSON, (ListOf((SinkState,)),)),),
                errors=("serve.unauthorized",),
            ),
        )

    async def _cameras(self, request: Request) -> Response:
        site = self._service.site
        return Response(msgspec.json.encode(site.cameras() if site else ()), media_type=JSON)

    async def _sinks(self, request: Request) -> Response:
        site = self._service.site
        return Response(msgspec.json.encode(site.sinks() if site else ()), media_type=JSON)

    async def _view(self, request: Request) -> Response | View:
        site = self._service.site
        name = request.path_params["name"]
        try:
            if site is None:
                raise NotFound("camera.no_such_camera", camera=name)
            return site.view(name)
        except YolodeployError as error:
            return refusal(error)
