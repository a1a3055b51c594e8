"""The Open Inference Protocol, version 2: how KServe's and Triton's clients ask."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from yolodeploy import __version__
from yolodeploy.core.errors import NotFound, Unreachable, UsageError, YolodeployError
from yolodeploy.core.serving import Ready
from yolodeploy.serve.deadline import limit_of
from yolodeploy.serve.http import JSON, refusal
from yolodeploy.serve.question import header_of, request_id_of
from yolodeploy.serve.routes.detect import BODY_ERRORS, PARAMETER_ERRORS, PICTURE_ERRORS
from yolodeploy.serve.routes.operation import Content, Operation, Parameter
from yolodeploy.serve.routes.parameters import HEADERS
from yolodeploy.serve.v2.messages import (
    LENGTH_HEADER,
    InferRequest,
    InferResponse,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    V2Error,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from yolodeploy.serve.bodies import Bodies
    from yolodeploy.serve.routes.operation import Endpoint
    from yolodeploy.serve.service import Service
    from yolodeploy.serve.v2.models import NetworkModel, PictureModel

BINARY = "application/octet-stream"
SERVER = "yolodeploy"
DEFAULT_NAME = "model"
NETWORK = "-network"
HEALTH_ERRORS = ("serve.stuck", "serve.engine_silent")
MODEL_ERRORS = ("serve.no_such_model", "serve.not_ready", "serve.unauthorized")
INFER_ERRORS = ("serve.infer_invalid", "serve.coding_unsupported")
_NAME = Parameter("name", "The app, or the app with `-network`.", {"type": "string"}, "path")
_VERSION = Parameter("version", "1", {"type": "string"}, "path")
_LENGTH = Parameter(
    LENGTH_HEADER, "Bytes of the JSON, where tensors follow it.", {"type": "integer"}, "header"
)


class V2Routes:
    """Two models: one takes pictures, the other is the network itself."""

    def __init__(self, service: Service, bodies: Bodies) -> None:
        self._service = service
        self._bodies = bodies

    def operations(self) -> tuple[Operation, ...]:
        """The table; a model's paths are there with a version and without."""
        rows = [
            _get("/v2", self._server, "What this server is", ServerMetadata, "serve.unauthorized"),
            _get("/v2/health/live", self._live, "As `/healthz`", ServerLive, *HEALTH_ERRORS),
            _get("/v2/health/ready", self._ready, "As `/readyz`", Ready, "serve.not_ready"),
        ]
        for path, place in (
            ("/v2/models/{name}", (_NAME,)),
            ("/v2/models/{name}/versions/{version}", (_NAME, _VERSION)),
        ):
            told = _get(
                path, self._model, "What a model takes and gives", ModelMetadata, *MODEL_ERRORS
            )
            ready = _get(
                f"{path}/ready", self._model_ready, "Whether it is", ModelReady, *MODEL_ERRORS
            )
            rows += [told._replace(parameters=place), ready._replace(parameters=place)]
            rows.append(self._infer_row(f"{path}/infer", place))
        return tuple(rows)

    def _infer_row(self, path: str, place: tuple[Parameter, ...]) -> Operation:
        return Operation(
            "POST",
            path,
            self._infer,
            "Infer: the app's name takes a picture, that with `-network` the network's own input",
            gives=(Content(JSON, (InferResponse,)), Content(BINARY)),
            takes=(Content(JSON, (InferRequest,)), Content(BINARY)),
            parameters=(*place, _LENGTH, *HEADERS),
            errors=(*MODEL_ERRORS, *BODY_ERRORS, *PICTURE_ERRORS, *PARAMETER_ERRORS, *INFER_ERRORS),
            refused_with=V2Error,
        )

    async def _server(self, request: Request) -> Response:
        return _json(ServerMetadata(SERVER, __version__, ("binary_tensor_data",)))

    async def _live(self, request: Request) -> Response:
        try:
            await self._service.demand_health()
        except YolodeployError as error:
            return refusal(error, request.url.path)
        return _json(ServerLive())

    async def _ready(self, request: Request) -> Response:
        if not self._service.ready:
            return refusal(Unreachable("serve.not_ready"), request.url.path)
        return _json(Ready())

    async def _model(self, request: Request) -> Response:
        try:
            return _json(self._model_of(request).metadata())
        except YolodeployError as error:
            return refusal(error, request.url.path)

    async def _model_ready(self, request: Request) -> Response:
        try:
            name = self._model_of(request).name
            if not self._service.ready:
                raise Unreachable("serve.not_ready")
        except YolodeployError as error:
            return refusal(error, request.url.path)
        return _json(ModelReady(name))

    async def _infer(self, request: Request) -> Response:
        request_id = request_id_of(request)
        try:
            response = await self._inferred(request, request_id)
        except YolodeployError as error:
            response = refusal(error, request.url.path)
            self._service.refused(error)
        response.headers["x-request-id"] = request_id
        return response

    async def _inferred(self, request: Request, request_id: str) -> Response:
        from yolodeploy.serve.v2.models import Call

        model = self._model_of(request)
        pool = self._service.pool
        if pool is None:
            raise Unreachable("serve.not_ready")
        limit_s = limit_of(request, self._service.config.serving)
        coding = header_of(request, b"content-encoding")
        if coding not in {b"", b"identity"}:
            raise UsageError("serve.coding_unsupported", coding=coding.decode("latin-1"))
        length = header_of(request, LENGTH_HEADER.encode()).decode("latin-1")
        async with self._bodies.of(request) as body:
            call = Call(body, length, request_id, perf_counter_ns())
            pool.demand_place(limit_s)
            answer = await pool.run(
                lambda pipeline, alone: model.inferred(call, pipeline, alone=alone), limit_s
            )
        self._service.measurements.detected(answer.stages_us)
        content, json_length = answer.encoded
        if json_length is None:
            return Response(content, media_type=JSON)
        return Response(content, headers={LENGTH_HEADER: str(json_length)}, media_type=BINARY)

    def _model_of(self, request: Request) -> PictureModel | NetworkModel:
        """The model that a path names.

        Raises:
            Unreachable: `serve.not_ready`.
            NotFound: `serve.no_such_model`.
        """
        from yolodeploy.serve.v2.models import VERSION, NetworkModel, PictureModel

        service = self._service
        if service.facts is None or service.network is None:
            raise Unreachable("serve.not_ready")
        name = service.config.app or DEFAULT_NAME
        asked, version = request.path_params["name"], request.path_params.get("version", VERSION)
        if version == VERSION and asked == name:
            return PictureModel(name, service.facts, service.config.serving)
        if version == VERSION and asked == name + NETWORK:
            return NetworkModel(name + NETWORK, service.facts, service.network)
        raise NotFound("serve.no_such_model", name=asked, known=f"{name}, {name}{NETWORK}")


def _get(
    path: str,
    endpoint: Endpoint,
    text: str,
    kind: type,
    *errors: str,
    place: tuple[Parameter, ...] = (),
) -> Operation:
    return Operation(
        "GET",
        path,
        endpoint,
        text,
        gives=(Content(JSON, (kind,)),),
        parameters=place,
        errors=errors,
        refused_with=V2Error,
    )


def _json(told: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(told), media_type=JSON)
