"""The endpoints. Only `/detect` waits for a worker; the others answer whatever the traffic."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from yolodeploy import __version__
from yolodeploy.core.errors import Failed, NotFound, Unreachable, YolodeployError
from yolodeploy.core.serving import ErrorResponse
from yolodeploy.serve.bodies import Bodies
from yolodeploy.serve.deadline import limit_of
from yolodeploy.serve.pipeline import Asked
from yolodeploy.serve.question import request_id_of, wanted_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ExceptionHandler

    from yolodeploy.serve.service import Service
    from yolodeploy.serve.sources.viewing import View

JSON = "application/json"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

STATUS = {
    "serve.parameter_unknown": 400,
    "serve.parameter_invalid": 400,
    "serve.body_empty": 400,
    "serve.body_cut": 400,
    "serve.no_such_path": 404,
    "serve.wrong_method": 405,
    "serve.body_slow": 408,
    "serve.body_too_large": 413,
    "serve.picture_too_large": 413,
    "serve.not_a_picture": 415,
    "serve.picture_broken": 422,
    "serve.busy": 429,
    "camera.no_such_camera": 404,
    "camera.viewers": 503,
    "serve.not_ready": 503,
    "serve.stuck": 503,
    "serve.deadline": 504,
}
# after these the rest of the body may still be on its way
CLOSING = frozenset({"serve.body_slow", "serve.body_too_large", "serve.body_cut", "serve.busy"})


def application(service: Service) -> Starlette:
    """The ASGI application of one server."""
    endpoints = _Endpoints(service)
    handlers: dict[int | type[Exception], ExceptionHandler] = {
        404: _no_such_path,
        405: _wrong_method,
        Exception: endpoints.broken,
    }
    routes = [
        Route("/detect", endpoints.detect, methods=["POST"]),
        Route("/healthz", endpoints.healthz),
        Route("/readyz", endpoints.readyz),
        Route("/metrics", endpoints.metrics),
        Route("/sketches", endpoints.sketches),
        Route("/info", endpoints.info),
        Route("/cameras", endpoints.cameras),
        Route("/cameras/{name}/view", endpoints.view),
        Route("/sinks", endpoints.sinks),
    ]
    return Starlette(routes=routes, exception_handlers=handlers)


class _Endpoints:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._bodies = Bodies()

    async def detect(self, request: Request) -> Response:
        request_id = request_id_of(request)
        try:
            response = await self._detected(request, request_id)
        except YolodeployError as error:
            response = refusal(error)
            # who asks before `/readyz` says yes learns nothing about the release
            if error.code != "serve.not_ready":
                # a release so slow that it must refuse (429) has failed its senders too
                failed = response.status_code >= 500 or error.code == "serve.busy"
                self._service.measurements.refused(failed=failed)
        response.headers["x-request-id"] = request_id
        return response

    async def _detected(self, request: Request, request_id: str) -> Response:
        service = self._service
        if service.pool is None or service.facts is None:
            raise Unreachable("serve.not_ready")
        wanted = wanted_of(request.query_params, service.config.serving, service.facts.classes)
        limit_s = limit_of(request, service.config.serving)
        async with self._bodies.of(request) as body:
            asked = Asked(body, wanted, request_id, perf_counter_ns())
            answer = await service.pool.answer(asked, limit_s)
        service.measurements.detected(answer.stages_us)
        return Response(answer.body, media_type=answer.media_type)

    async def broken(self, request: Request, error: Exception) -> Response:
        """A mistake of ours; uvicorn logs it."""
        self._service.measurements.refused(failed=True)
        return refusal(Failed("serve.internal"))

    async def healthz(self, request: Request) -> Response:
        pool = self._service.pool
        if pool is not None and pool.stuck():
            return refusal(Failed("serve.stuck"))
        return Response(b'{"healthy":true}', media_type=JSON)

    async def readyz(self, request: Request) -> Response:
        if not self._service.ready:
            return refusal(Unreachable("serve.not_ready"))
        return Response(b'{"ready":true}', media_type=JSON)

    async def metrics(self, request: Request) -> Response:
        # loaded at the first scrape: it would add its 20 ms to every start
        from yolodeploy.serve.metrics import metrics_text

        service = self._service
        in_flight = service.pool.in_flight if service.pool else 0
        more = service.site.collectors() if service.site is not None else ()
        text = metrics_text(service.measurements.snapshot(), in_flight, service.labels(), *more)
        return Response(text, headers={"content-type": PROMETHEUS})

    async def sketches(self, request: Request) -> Response:
        content = msgspec.msgpack.encode(self._service.report())
        return Response(content, media_type="application/msgpack")

    async def info(self, request: Request) -> Response:
        service = self._service
        told = {
            "version": __version__,
            "engine": service.engine,
            "precision": service.precision,
            "threads": service.threads,
            "app": service.config.app,
            "release": service.config.release,
            "epoch": service.measurements.epoch,
            "ready": service.ready,
            "model": service.facts,
            "serving": service.config.serving,
        }
        if service.site is not None:
            # of a file that was not followed: what was before it is still in force
            error = service.site.error
            told["settings_error"] = f"{error.code}: {error}" if error else ""
        return Response(msgspec.json.encode(told), media_type=JSON)

    async def cameras(self, request: Request) -> Response:
        site = self._service.site
        return Response(msgspec.json.encode(site.cameras() if site else ()), media_type=JSON)

    async def sinks(self, request: Request) -> Response:
        site = self._service.site
        return Response(msgspec.json.encode(site.sinks() if site else ()), media_type=JSON)

    async def view(self, request: Request) -> Response | View:
        site = self._service.site
        name = request.path_params["name"]
        try:
            if site is None:
                raise NotFound("camera.no_such_camera", camera=name)
            return site.view(name)
        except YolodeployError as error:
            return refusal(error)


def refusal(error: YolodeployError) -> Response:
    """An error as an answer; one without a status of its own is our fault (500)."""
    answer = ErrorResponse(code=error.code, text=error.text(), remedy=error.remedy())
    headers = {}
    if error.code in CLOSING:
        headers["connection"] = "close"
    if error.retryable:
        headers["retry-after"] = error.fields.get("retry_after_s", "1")
    status = STATUS.get(error.code, 500)
    return Response(msgspec.json.encode(answer), status, headers, media_type=JSON)


async def _no_such_path(request: Request, error: Exception) -> Response:
    return refusal(NotFound("serve.no_such_path", path=request.url.path))


async def _wrong_method(request: Request, error: Exception) -> Response:
    response = refusal(NotFound("serve.wrong_method", path=request.url.path, method=request.method))
    response.headers["allow"] = getattr(error, "headers", {}).get("Allow", "")
    return response
