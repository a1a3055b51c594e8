"""The document of all routes says what the server does, neither more nor less."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Route

from yolodeploy.serve.bodies import Held
from yolodeploy.serve.http import STATUS
from yolodeploy.serve.question import PARAMETERS
from yolodeploy.serve.routes.application import application

from .pictures import encoded, plain
from .running import Reply, Server, until
from .test_forms import TYPE, form, part
from .test_limits import token_file
from .test_v2 import body_of, image

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Start

PICTURE = encoded(plain(128, 96))
# told to who asks for what is not there, and to a stream that goes on
OF_NO_PATH = {
    "serve.no_such_path",
    "serve.wrong_method",
    "serve.frame_dropped",
    "serve.request_malformed",
    "serve.head_slow",
    "serve.head_too_large",
}
# what is asked for only where site settings name it
OF_SETTINGS = {"/shadow", "/samples", "/samples/{name}", "/cameras/{name}/view"}
FORM = {"content-type": TYPE.decode()}


@pytest.fixture(scope="module")
def document(server: Server) -> Any:
    return server.ask("/openapi.json").json


def operations(document: Any) -> dict[tuple[str, str], Any]:
    return {
        (path, method.upper()): told
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    }


def test_it_is_valid(document: Any) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(document)
    assert document["openapi"].startswith("3.1.")


@pytest.mark.parametrize(("path", "kind"), [("/cameras", "CameraState"), ("/sinks", "SinkState")])
def test_what_a_site_tells_is_named(document: Any, path: str, kind: str) -> None:
    """Who generates a client would otherwise get objects without a field."""
    (content,) = operations(document)[path, "GET"]["responses"]["200"]["content"].values()
    assert content["schema"]["items"] == {"$ref": f"#/components/schemas/{kind}"}
    assert "reason" in document["components"]["schemas"][kind]["properties"]


def test_every_route_is_in_it_and_no_other(document: Any) -> None:
    class Nothing:
        def __getattr__(self, name: str) -> Any:
            return None

    routes = {
        (route.path, method)
        for route in application(Nothing(), Held()).routes  # type: ignore[arg-type]
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert set(operations(document)) == routes


def test_every_error_with_a_status_is_in_it(document: Any) -> None:
    told: dict[str, set[str]] = {}
    for operation in operations(document).values():
        for status, response in operation["responses"].items():
            for code in response["description"].split(", "):
                told.setdefault(code, set()).add(status)
    ours = set(STATUS) - OF_NO_PATH
    assert {code: told.get(code) for code in ours} == {code: {str(STATUS[code])} for code in ours}


def parameters(document: Any, path: str, method: str, where: str) -> dict[str, Any]:
    listed = document["paths"][path][method].get("parameters", [])
    return {one["name"]: one["schema"] for one in listed if one["in"] == where}


def test_the_parameters_are_those_that_the_server_takes(server: Server, document: Any) -> None:
    told = parameters(document, "/detect", "post", "query")
    assert tuple(told) == PARAMETERS
    for name, schema in told.items():
        right, wrong = _values(schema)
        for value in right:
            assert server.detect(PICTURE, f"?{name}={value}").status == 200, (name, value)
        for value in wrong:
            assert server.detect(PICTURE, f"?{name}={value}").status == 400, (name, value)
    streamed = parameters(document, "/stream", "get", "query")
    assert set(streamed) - set(told) == {"latest"}
    (deadline,) = (
        schema for name, schema in parameters(document, "/detect", "post", "header").items()
        if name == "x-deadline-ms"
    )  # fmt: skip
    for value in _values(deadline)[1]:
        assert server.detect(PICTURE, x_deadline_ms=str(value)).status == 400


def _values(schema: Any) -> tuple[list[object], list[object]]:
    """Some that a schema allows, and some that it does not."""
    if "enum" in schema:
        return schema["enum"], ["nonsense"]
    if "minimum" in schema:
        least, most = schema["minimum"], schema["maximum"]
        return [least, most], [least - 1, most + 1]
    return ["0", "scratch"], ["3"]  # classes


def provoked(server: Server) -> dict[tuple[str, str], list[Reply]]:
    """Answers, good and bad, by what was asked."""
    ask = server.ask
    several = form(part(PICTURE), part(b"no picture"))
    name = "/v2/models/{name}"
    versioned = f"{name}/versions/{{version}}"
    of_model = "/v2/models/brake-disc"
    return {
        ("/detect", "POST"): [
            server.detect(PICTURE),
            server.detect(PICTURE, "?format=coco"),
            server.detect(PICTURE, "?format=ultralytics"),
            ask("/detect", several, headers=FORM),
            ask("/detect?format=coco", several, headers=FORM),
            server.detect(b""),
            server.detect(b"no picture"),
            server.detect(PICTURE[:300]),
            server.detect(bytes(40 << 20)),
            server.detect(PICTURE, "?conf=2"),
        ],
        ("/healthz", "GET"): [ask("/healthz")],
        ("/readyz", "GET"): [ask("/readyz")],
        ("/info", "GET"): [ask("/info")],
        ("/stream", "GET"): [ask("/stream")],
        ("/v2", "GET"): [ask("/v2")],
        ("/v2/health/live", "GET"): [ask("/v2/health/live")],
        ("/v2/health/ready", "GET"): [ask("/v2/health/ready")],
        (name, "GET"): [ask(of_model), ask("/v2/models/x")],
        (f"{name}/ready", "GET"): [ask(f"{of_model}/ready"), ask("/v2/models/x/ready")],
        (versioned, "GET"): [ask(f"{of_model}/versions/1"), ask(f"{of_model}/versions/2")],
        (f"{versioned}/ready", "GET"): [ask(f"{of_model}/versions/1/ready")],
        (f"{name}/infer", "POST"): [
            ask(f"{of_model}/infer", body_of(image())),
            ask(f"{of_model}/infer", b"{}"),
            ask(f"{of_model}/infer", b"{}", headers={"content-encoding": "gzip"}),
            ask("/v2/models/x/infer", b"{}"),
        ],
        (f"{versioned}/infer", "POST"): [ask(f"{of_model}/versions/1/infer", body_of(image()))],
        ("/engines", "GET"): [ask("/engines")],
        ("/engines/{key}/{name}", "GET"): [ask("/engines/x/y"), ask("/engines/x/y?offset=z")],
        ("/openapi.json", "GET"): [ask("/openapi.json")],
    }


def test_answers_are_as_it_says(server: Server, document: Any) -> None:
    schemas = pytest.importorskip("openapi_schema_validator")
    told = operations(document)
    for key, replies in provoked(server).items():
        for reply in replies:
            response = told[key]["responses"].get(str(reply.status))
            assert response is not None, (key, reply.status, reply.body[:200])
            assert reply.headers["content-type"] in response["content"]
            schema = response["content"][reply.headers["content-type"]]["schema"]
            whole = {**schema, "components": document["components"]}
            schemas.validate(reply.json, whole, cls=schemas.OAS31Validator)


def test_what_was_not_answered_above_is_answered(server: Server, document: Any) -> None:
    """A server without site settings: what they ask for is refused as the document says."""
    for path, method in set(operations(document)) - set(provoked(server)):
        reply = server.ask(path.replace("{name}", "nobody"), method=method)
        responses = document["paths"][path][method.lower()]["responses"]
        assert reply.status == (404 if path in OF_SETTINGS else 200), (path, reply.body)
        kinds = responses[str(reply.status)]["content"]
        assert reply.headers["content-type"].split(";")[0] in kinds


def test_a_token_is_named_where_one_is_needed(start: Start, document: Any, tmp_path: Path) -> None:
    server = start(token_file=str(token_file(tmp_path))).wait_ready()
    for (path, method), told in operations(document).items():
        filled = path.replace("{name}", "model").replace("{version}", "1")
        reply = server.ask(filled, b"{}" if method == "POST" else None, method=method)
        assert (reply.status == 401) == ("security" in told), path
        if reply.status == 401:
            assert "401" in told["responses"]
            body = set(json.loads(reply.body))
            assert body == ({"error"} if path.startswith("/v2") else {"code", "text", "remedy"})


# other sites, and methods that only look ----------------------------------------------------------


def test_pages_of_other_sites_are_allowed_nothing(server: Server) -> None:
    """CORS is off: a browser shows another site's page nothing of what comes back."""
    asking = {
        "origin": "http://other.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    for path in ("/detect", "/info", "/", "/openapi.json", "/v2", "/nothing"):
        for method in ("OPTIONS", "GET"):
            reply = server.ask(path, method=method, headers=asking)
            assert not [name for name in reply.headers if name.startswith("access-control")]


def test_options_and_head_say_what_may_be_asked(server: Server) -> None:
    reply = server.ask("/detect", method="OPTIONS")
    assert (reply.status, reply.headers["allow"], reply.body) == (204, "POST, OPTIONS", b"")
    assert server.ask("/info", method="OPTIONS").headers["allow"] == "GET, HEAD, OPTIONS"
    assert server.ask("/nothing", method="OPTIONS").status == 404
    for path in ("/healthz", "/readyz", "/info", "/metrics", "/", "/openapi.json", "/v2"):
        reply = server.ask(path, method="HEAD")
        assert (reply.status, reply.body) == (200, b"")
        assert int(reply.headers["content-length"]) > 0
    assert server.ask("/detect", method="HEAD").status == 405
    assert server.ask("/detect", method="DELETE").headers["allow"] == "POST"


def test_no_redirect_leads_to_where_the_sender_says(server: Server) -> None:
    for path in ("/detect/", "/info/", "//evil.example/", "/detect//"):
        reply = server.ask(path, headers={"host": "evil.example"})
        assert reply.status == 404
        assert "location" not in reply.headers


def test_a_server_that_loads_says_so_in_every_form(start: Start) -> None:
    server = start()
    until(lambda: server.address() is not None, server)
    early = [server.detect(PICTURE), server.ask("/v2/models/model"), server.ask("/v2/health/ready")]
    assert {reply.status for reply in early} <= {200, 503}
    assert server.ask("/v2/health/live").status == 200
