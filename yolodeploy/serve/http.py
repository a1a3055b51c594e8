"""What an error is over HTTP: its status, and the answer that tells of it."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.serving import ErrorResponse

JSON = "application/json"

STATUS = {
    "serve.parameter_unknown": 400,
    "serve.parameter_invalid": 400,
    "serve.body_empty": 400,
    "serve.body_cut": 400,
    "serve.request_malformed": 400,
    "serve.form_invalid": 400,
    "serve.form_field": 400,
    "serve.batch_annotated": 400,
    "serve.infer_invalid": 400,
    "serve.unauthorized": 401,
    "serve.other_origin": 403,
    "serve.no_such_path": 404,
    "serve.no_such_model": 404,
    "camera.no_such_camera": 404,
    "shadow.off": 404,
    "sample.off": 404,
    "sample.unknown": 404,
    "serve.wrong_method": 405,
    "serve.head_slow": 408,
    "serve.body_slow": 408,
    "serve.body_too_large": 413,
    "serve.picture_too_large": 413,
    "serve.too_many_pictures": 413,
    "serve.not_a_picture": 415,
    "serve.coding_unsupported": 415,
    "serve.picture_broken": 422,
    "serve.picture_scans": 422,
    "serve.upgrade_needed": 426,
    "serve.busy": 429,
    "serve.too_many_streams": 429,
    "serve.frame_dropped": 429,
    "serve.head_too_large": 431,
    "camera.viewers": 503,
    "serve.not_ready": 503,
    "serve.stuck": 503,
    "serve.engine_silent": 503,
    "serve.deadline": 504,
}
# after these nobody could tell where the next request begins; after others that came before a body
# was all there, `Connection` reads on
CLOSING = frozenset(
    {
        "serve.request_malformed",
        "serve.head_too_large",
        "serve.head_slow",
        "serve.body_slow",
        "serve.body_too_large",
        "serve.body_cut",
    }
)
V2 = "/v2"  # below it errors have the Open Inference Protocol's form


def status_of(error: YolodeployError) -> int:
    """The status of an error; one without a status of its own is our fault (500)."""
    return STATUS.get(error.code, 500)


def is_failure(error: YolodeployError) -> bool:
    """Whether the release is to blame for it.

    A release so slow that it must refuse (429) has failed its senders too.
    """
    return status_of(error) >= 500 or error.code == "serve.busy"


def told(error: YolodeployError) -> ErrorResponse:
    """An error as the body of an answer."""
    return ErrorResponse(code=error.code, text=error.text(), remedy=error.remedy())


def headers_of(error: YolodeployError) -> dict[str, str]:
    """What the headers of the answer say beside it."""
    headers = {}
    if error.code in CLOSING:
        headers["connection"] = "close"
    if error.code == "serve.unauthorized":
        headers["www-authenticate"] = "Bearer"
    if error.retryable:
        headers["retry-after"] = error.fields.get("retry_after_s", "1")
    return headers


def refusal(error: YolodeployError, path: str = "") -> Response:
    """An error as an answer, in the form of what is at `path`."""
    in_v2 = path == V2 or path.startswith(f"{V2}/")
    body = msgspec.json.encode({"error": f"{error.code}: {error.text()}"} if in_v2 else told(error))
    return Response(body, status_of(error), headers_of(error), media_type=JSON)
