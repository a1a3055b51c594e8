"""`POST /detect`: a picture as the body, or one to thirty-two of them in a form."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from starlette.background import BackgroundTask
from starlette.responses import Response

from yolodeploy.core.errors import Unreachable, UsageError, YolodeployError
from yolodeploy.core.serving import DetectResponse, ErrorResponse
from yolodeploy.serve.deadline import limit_of
from yolodeploy.serve.formats import ANNOTATED, JPEG, JSON
from yolodeploy.serve.http import refusal, told
from yolodeploy.serve.measure import HTTP
from yolodeploy.serve.onlookers import SHADOW, SHADOW_HEADER
from yolodeploy.serve.pipeline import Asked
from yolodeploy.serve.question import header_of, request_id_of, wanted_of
from yolodeploy.serve.routes.operation import Content, ListOf, Operation
from yolodeploy.serve.routes.parameters import DETECT_PARAMETERS, HEADERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from yolodeploy.serve.bodies import Bodies
    from yolodeploy.serve.pipeline import Answer
    from yolodeploy.serve.pool import Pool
    from yolodeploy.serve.postprocess import Wanted
    from yolodeploy.serve.service import Service

FORM = b"multipart/form-data"
BODY_ERRORS = (
    "serve.body_empty",
    "serve.body_cut",
    "serve.body_slow",
    "serve.body_too_large",
    "serve.unauthorized",
    "serve.not_ready",
    "serve.busy",
    "serve.deadline",
)
PICTURE_ERRORS = (
    "serve.not_a_picture",
    "serve.picture_broken",
    "serve.picture_too_large",
    "serve.picture_scans",
)
PARAMETER_ERRORS = ("serve.parameter_unknown", "serve.parameter_invalid")
FORM_ERRORS = (
    "serve.form_invalid",
    "serve.form_field",
    "serve.too_many_pictures",
    "serve.batch_annotated",
)
_FILES = {
    "type": "object",
    "properties": {"image": {"type": "array", "minItems": 1, "maxItems": 32, "items": {}}},
    "required": ["image"],
}


class _Asking(NamedTuple):
    """A request before its pictures are there."""

    pool: Pool
    wanted: Wanted
    request_id: str
    limit_s: float
    source: str


class DetectRoutes:
    """Detections in pictures that are sent."""

    def __init__(self, service: Service, bodies: Bodies) -> None:
        self._service = service
        self._bodies = bodies

    def operations(self) -> tuple[Operation, ...]:
        """The table."""
        others = {"type": "array", "items": {"type": "object"}}  # ultralytics' and COCO's form
        each = ListOf((DetectResponse, ErrorResponse, others))
        return (
            Operation(
                "POST",
                "/detect",
                self._detect,
                "Detect in a picture, or in every picture of a form: then the answer is an array.",
                gives=(Content(JSON, (DetectResponse, each, others)), Content(JPEG)),
                takes=(Content("image/*"), Content(FORM.decode(), (_FILES,))),
                parameters=(*DETECT_PARAMETERS, *HEADERS),
                errors=(*BODY_ERRORS, *PICTURE_ERRORS, *PARAMETER_ERRORS, *FORM_ERRORS),
            ),
        )

    async def _detect(self, request: Request) -> Response:
        request_id = request_id_of(request)
        source = SHADOW if header_of(request, SHADOW_HEADER.encode()) else HTTP
        try:
            response = await self._detected(request, request_id, source)
        except YolodeployError as error:
            response = refusal(error)
            self._service.refused(error, source)
        response.headers["x-request-id"] = request_id
        return response

    async def _detected(self, request: Request, request_id: str, source: str) -> Response:
        service = self._service
        if service.pool is None or service.facts is None:
            raise Unreachable("serve.not_ready")
        given = request.query_params.multi_items()
        wanted = wanted_of(given, service.config.serving, service.facts.classes)
        limit_s = limit_of(request, service.config.serving)
        asking = _Asking(service.pool, wanted, request_id, limit_s, source)
        content_type = header_of(request, b"content-type")
        if content_type[: len(FORM)].lower() == FORM:
            return await self._of_form(request, content_type, asking)
        async with self._bodies.of(request) as body:
            return await self._of_one(body, asking)

    async def _of_one(self, picture: bytes, asking: _Asking) -> Response:
        asked = Asked(picture, asking.wanted, asking.request_id, perf_counter_ns())
        service = self._service
        try:
            answer = await asking.pool.answer(asked, asking.limit_s)
        except YolodeployError as error:
            service.show(asked, error, asking.source)
            raise
        service.measurements.detected(answer.stages_us, asking.source)
        response = Response(answer.body, media_type=answer.media_type)
        if service.onlookers.looking:
            # after the answer is sent
            response.background = BackgroundTask(self._show, asked, answer, asking.source)
        return response

    async def _show(self, asked: Asked, answer: Answer, source: str) -> None:
        self._service.show(asked, answer, source)

    async def _of_form(self, request: Request, content_type: bytes, asking: _Asking) -> Response:
        # loaded by the first form
        from yolodeploy.serve.forms import Form

        form = Form(content_type)
        async with self._bodies.seen_by(request, form.feed):
            pictures = form.pictures()
            if len(pictures) == 1:
                return await self._of_one(pictures[0], asking)
            return await self._of_batch(pictures, asking)

    async def _of_batch(self, pictures: Sequence[bytes], asking: _Asking) -> Response:
        if asking.wanted.format == ANNOTATED:
            raise UsageError("serve.batch_annotated")
        now = perf_counter_ns()
        asked = [
            Asked(picture, asking.wanted, f"{asking.request_id}/{index}", now)
            for index, picture in enumerate(pictures)
        ]
        answers = await asking.pool.answers(asked, asking.limit_s)
        places = [self._counted(*pair, asking.source) for pair in zip(asked, answers, strict=True)]
        return Response(b"[" + b",".join(places) + b"]", media_type=JSON)

    def _counted(self, asked: Asked, answer: Answer | YolodeployError, source: str) -> bytes:
        """One picture's place in the array; each is measured as if it had come alone."""
        service = self._service
        service.show(asked, answer, source)
        if isinstance(answer, YolodeployError):
            service.refused(answer, source)
            return msgspec.json.encode(told(answer))
        service.measurements.detected(answer.stages_us, source)
        return answer.body
