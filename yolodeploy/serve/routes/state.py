"""What is asked of a server beside detections; answered whatever the traffic."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from yolodeploy import __version__
from yolodeploy.core.errors import Unreachable, YolodeployError
from yolodeploy.core.serving import Healthy, Ready, ServerInfo
from yolodeploy.serve.http import JSON, refusal
from yolodeploy.serve.routes.operation import Content, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from yolodeploy.serve.metrics import Collect
    from yolodeploy.serve.service import Service

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
MSGPACK = "application/msgpack"


class StateRoutes:
    """Health, readiness, measurements and what runs here."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def operations(self) -> tuple[Operation, ...]:
        """The table."""
        return (
            Operation(
                "GET",
                "/healthz",
                self._healthz,
                "Whether the workers live and the engine answers",
                (Content(JSON, (Healthy,)),),
                errors=("serve.stuck", "serve.engine_silent"),
            ),
            Operation(
                "GET",
                "/readyz",
                self._readyz,
                "Whether traffic should come here",
                (Content(JSON, (Ready,)),),
                errors=("serve.not_ready",),
            ),
            Operation(
                "GET",
                "/metrics",
                self._metrics,
                "The measurements as Prometheus text",
                (Content("text/plain"),),
            ),
            Operation(
                "GET",
                "/sketches",
                self._sketches,
                "The measurements as mergeable sketches, for a collector",
                (Content(MSGPACK),),
            ),
            Operation(
                "GET",
                "/info",
                self._info,
                "Model, engine, precision, threads and release",
                (Content(JSON, (ServerInfo,)),),
                errors=("serve.unauthorized",),
            ),
        )

    async def _healthz(self, request: Request) -> Response:
        try:
            await self._service.demand_health()
        except YolodeployError as error:
            return refusal(error)
        return Response(b'{"healthy":true}', media_type=JSON)

    async def _readyz(self, request: Request) -> Response:
        if not self._service.ready:
            return refusal(Unreachable("serve.not_ready"))
        return Response(b'{"ready":true}', media_type=JSON)

    async def _metrics(self, request: Request) -> Response:
        # some ms of text, and the GPU's driver: neither is for the event loop
        service = self._service
        collectors = [prepared() for prepared in service.collectors]
        text = await asyncio.to_thread(_scraped, service, collectors)
        return Response(text, headers={"content-type": PROMETHEUS})

    async def _sketches(self, request: Request) -> Response:
        memory_mb, load = await asyncio.to_thread(self._service.look)
        report = self._service.report(memory_mb, load)
        return Response(msgspec.msgpack.encode(report), media_type=MSGPACK)

    async def _info(self, request: Request) -> Response:
        service = self._service
        told = ServerInfo(
            version=__version__,
            engine=service.engine,
            precision=service.precision,
            threads=service.threads,
            app=service.config.app,
            release=service.config.release,
            epoch=service.measurements.epoch,
            ready=service.ready,
            model=service.facts,
            serving=service.config.serving,
            settings=service.site.followed if service.site else msgspec.UNSET,
            settings_error=service.site.told_error if service.site else msgspec.UNSET,
            leases=True,
        )
        return Response(msgspec.json.encode(told), media_type=JSON)


def _scraped(service: Service, collectors: Sequence[Collect]) -> bytes:
    # loaded at the first scrape: it would add its 20 ms to every start
    from yolodeploy.serve.families import server_families
    from yolodeploy.serve.metrics import metrics_text

    return metrics_text([lambda: server_families(service), *collectors])
