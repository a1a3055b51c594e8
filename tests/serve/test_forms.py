"""Pictures in forms: one answers as a raw body does, several as an array, and no form hurts."""

from __future__ import annotations

import json
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import Failed, Unreachable, UsageError, YolodeployError
from yolodeploy.core.release import Serving
from yolodeploy.serve.admission import Admission
from yolodeploy.serve.bodies import Bodies, Held
from yolodeploy.serve.forms import MOST_PICTURES, Form

from .pictures import encoded, plain
from .running import LIMIT_S, Reply, Server, until
from .test_endpoints import detected, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .conftest import Start

PICTURE = encoded(plain(128, 96))
OTHER = encoded(plain(64, 64), "PNG")
BOUNDARY = b"----a-boundary-of-a-browser"
TYPE = b"multipart/form-data; boundary=" + BOUNDARY


def part(content: bytes, said: str = 'name="image"; filename="x.jpg"', head: str = "") -> bytes:
    lines = f"Content-Disposition: form-data; {said}\r\n{head}\r\n".encode()
    return b"--" + BOUNDARY + b"\r\n" + lines + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def post(server: Server, body: bytes, query: str = "", kind: str = TYPE.decode()) -> Reply:
    return server.ask(f"/detect{query}", body, headers={"content-type": kind})


def test_one_picture_answers_as_a_raw_body_does(server: Server) -> None:
    raw = detected(server.detect(PICTURE, "?conf=0.7"))
    of_form = detected(post(server, form(part(PICTURE)), "?conf=0.7"))
    assert of_form.boxes == raw.boxes
    assert (of_form.width, of_form.height) == (128, 96)
    drawn = post(server, form(part(PICTURE)), "?format=annotated")
    assert drawn.headers["content-type"] == "image/jpeg"
    assert drawn.body.startswith(b"\xff\xd8")


def test_curl_sends_one_and_several(server: Server, tmp_path: Path) -> None:
    address = server.address()
    assert address is not None
    url = f"http://127.0.0.1:{address.port}/detect"
    path = tmp_path / "the picture; of 'a' \"disc\" 缺陷.jpg"
    path.write_bytes(PICTURE)
    quoted = str(path).replace("\\", "\\\\").replace('"', '\\"')
    for count in (1, 3):
        fields = ["-F", f'image=@"{quoted}"'] * count
        told = subprocess.run(["curl", "-s", *fields, url], capture_output=True, check=True)
        answer = json.loads(told.stdout)
        listed = answer if isinstance(answer, list) else [answer]
        assert [len(one["boxes"]) for one in listed] == [2] * count


def test_a_python_client_sends_several_in_order(server: Server) -> None:
    requests = pytest.importorskip("requests")
    address = server.address()
    assert address is not None
    files = [("image", ("a.jpg", PICTURE)), ("image", ("b.png", OTHER)), ("other", ("c", b""))]
    answer = requests.post(
        f"http://127.0.0.1:{address.port}/detect", files=files, timeout=LIMIT_S,
        headers={"x-request-id": "line-3"},
    ).json()  # fmt: skip
    assert [(one.get("width"), one.get("code")) for one in answer] == [
        (128, None), (64, None), (None, "serve.body_empty"),
    ]  # fmt: skip
    assert [one["request_id"] for one in answer[:2]] == ["line-3/0", "line-3/1"]


def test_a_batch_keeps_its_order_and_is_counted_one_by_one(server: Server) -> None:
    before = server.report().epochs[-1]
    reply = post(server, form(part(PICTURE), part(b"no picture"), part(OTHER), part(PICTURE)))
    assert reply.status == 200
    shapes = [one.get("width") or one["code"] for one in reply.json]
    assert shapes == [128, "serve.not_a_picture", 64, 128]
    assert {"text", "remedy"} <= reply.json[1].keys()
    after = server.report().epochs[-1]
    assert after.requests - before.requests == 4
    assert after.stages["total"].count - before.stages["total"].count == 3
    assert after.failures == before.failures


@pytest.mark.parametrize("name", ["ultralytics", "coco"])
def test_every_picture_of_a_batch_has_the_form_that_is_asked_for(server: Server, name: str) -> None:
    alone = server.detect(PICTURE, f"?format={name}").json
    batch = post(server, form(part(PICTURE), part(PICTURE)), f"?format={name}").json
    assert [len(rows) for rows in batch] == [len(alone), len(alone)]
    if name == "coco":
        # results of several pictures can be told apart
        assert len({row["image_id"] for rows in batch for row in rows}) == 2
    else:
        assert batch == [alone, alone]


def test_as_many_as_may_be_and_one_more(server: Server) -> None:
    assert len(post(server, form(*[part(OTHER)] * MOST_PICTURES)).json) == MOST_PICTURES
    refused(
        post(server, form(*[part(OTHER)] * (MOST_PICTURES + 1))), 413, "serve.too_many_pictures"
    )


HUGE = "x" * 3000
REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "serve.form_invalid"),
    "no picture": (form(), "serve.body_empty"),
    "a field": (form(part(PICTURE), part(b"0.3", 'name="conf"')), "serve.form_field"),
    "no end": (part(PICTURE), "serve.form_invalid"),
    "another boundary": (b"--other\r\n\r\n\r\n--other--\r\n", "serve.form_invalid"),
    "no disposition": (b"--" + BOUNDARY + b"\r\n\r\n" + PICTURE + b"\r\n--", "serve.form_field"),
    "a long header": (form(part(PICTURE, head=f"x-a: {HUGE}\r\n")), "serve.form_invalid"),
    "many headers": (form(part(PICTURE, head="x-a: b\r\n" * 9)), "serve.form_invalid"),
    "a header of rubbish": (form(part(PICTURE, head="\x00\xff: b\r\n")), "serve.form_invalid"),
    "a raw picture": (PICTURE, "serve.form_invalid"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_form_of_pictures_is_refused_with_a_reason(server: Server, name: str) -> None:
    body, code = REFUSED[name]
    refused(post(server, body), 400, code)
    assert server.detect(PICTURE).status == 200


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"Multipart/Form-Data;boundary={HUGE}",
    ],
)
def test_a_form_without_a_fit_boundary_is_refused(server: Server, kind: str) -> None:
    refused(post(server, form(part(PICTURE)), kind=kind), 400, "serve.form_invalid")


def test_several_pictures_are_not_drawn_into_one(server: Server) -> None:
    body = form(part(PICTURE), part(PICTURE))
    refused(post(server, body, "?format=annotated"), 400, "serve.batch_annotated")


def test_a_form_of_100_mb_is_refused_and_not_kept(server: Server) -> None:
    refused(post(server, form(part(bytes(100 << 20)))), 413, "serve.body_too_large")


def test_a_refused_form_is_told_while_it_is_still_being_sent(server: Server) -> None:
    """A sender that is cut off while it sends never sees why."""
    body = form(part(b"1", 'name="conf"'), part(bytes(20 << 20)))
    refused(post(server, body), 400, "serve.form_field")


async def test_what_a_refused_form_still_holds_is_counted() -> None:
    """Or the bound of all bodies together would not hold against one client that drips."""

    class Dripping:
        headers: ClassVar[dict[str, str]] = {}

        async def stream(self) -> AsyncIterator[bytes]:
            yield part(b"")[:-2]
            for _ in range(31):
                yield bytes(1 << 20)
            yield bytes(2 << 20)  # above 32 MB: refused, and read on
            with pytest.raises(Unreachable, match="too much waits"):
                held.take(4 << 20)
            yield b"x"

    held = Held(most=34 << 20)
    taken = Form(TYPE)
    with pytest.raises(Failed, match="MB"):
        async with Bodies(held).seen_by(Dripping(), taken.feed):  # type: ignore[arg-type]
            pass
    held.take(34 << 20)  # all of it was given back


def test_a_form_that_drips_is_given_up_on(server: Server) -> None:
    address = server.address()
    assert address is not None
    head = b"POST /detect HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\ncontent-type: " + TYPE
    with socket.create_connection(("127.0.0.1", address.port), timeout=LIMIT_S) as connection:
        connection.sendall(head + b"\r\n\r\n" + part(PICTURE)[:50])
        assert b"408" in connection.recv(4096).partition(b"\r\n")[0]


def taken_apart(body: bytes, cuts: list[int]) -> list[bytes] | str:
    reading = Form(TYPE)
    try:
        for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
            reading.feed(body[start:end])
        return reading.pictures()
    except YolodeployError as error:
        return error.code


@given(
    st.lists(st.binary(max_size=300) | st.just(b"\r\n--" + BOUNDARY[:-1]), min_size=1, max_size=4),
    st.data(),
)
def test_it_does_not_matter_where_a_form_is_cut(contents: list[bytes], data: st.DataObject) -> None:
    body = form(*(part(content) for content in contents if BOUNDARY not in content))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    expected: Any = [content for content in contents if BOUNDARY not in content]
    assert taken_apart(body, cuts) == (expected or "serve.body_empty")


@given(st.binary(max_size=400), st.data())
def test_rubbish_is_refused_and_nothing_else_happens(rubbish: bytes, data: st.DataObject) -> None:
    whole = form(part(b"x"), part(b"y"))
    at = data.draw(st.integers(0, len(whole)))
    found = taken_apart(whole[:at] + rubbish + whole[at:], [])
    assert isinstance(found, list) or found.startswith("serve.")


@given(
    st.integers(1, 8),
    st.floats(0.001, 2),
    st.integers(0, 80),
    st.integers(1, 32),
    st.floats(0.1, 60),
)
def test_a_batch_is_let_in_when_its_last_picture_is_in_time(
    workers: int, service_s: float, in_flight: int, count: int, limit_s: float
) -> None:
    admission = Admission(workers)
    admission.served(service_s)
    last_s = max(in_flight + count - workers, 0) * service_s / workers
    try:
        admission.demand_place(in_flight, limit_s, count)
    except Unreachable as error:
        assert in_flight > 0, "nobody is kept out by his own number"
        assert int(error.fields["retry_after_s"]) >= last_s
        with pytest.raises(Unreachable):
            admission.demand_place(in_flight + 1, limit_s, count)
    else:
        assert in_flight == 0 or last_s <= limit_s


def test_a_single_picture_need_not_wait_for_a_whole_batch(start: Start, slow_model: Path) -> None:
    patient = Serving(threads=1, deadline_ms=600_000)  # a busy machine takes long for all of them
    server = start(slow_model, serving=patient).wait_ready()
    server.detect(PICTURE)
    with ThreadPoolExecutor(1) as beside:
        batch = beside.submit(post, server, form(*[part(OTHER)] * MOST_PICTURES))
        until(lambda: b"yolodeploy_in_flight 1.0" in server.ask("/metrics").body)
        assert server.detect(PICTURE).status == 200
        assert not batch.done(), "it was served between them, not behind them"
        assert [one.get("code") for one in batch.result().json] == [None] * MOST_PICTURES


def test_a_batch_that_is_too_late_says_so_for_each_picture(start: Start, slow_model: Path) -> None:
    server = start(slow_model, serving=Serving(threads=1, deadline_ms=1)).wait_ready()
    reply = post(server, form(part(PICTURE), part(PICTURE)))
    assert [one["code"] for one in reply.json] == ["serve.deadline"] * 2


@pytest.mark.parametrize("content_type", [b"multipart/form-data", b"multipart/form-data;boundary"])
def test_no_boundary_is_invented(content_type: bytes) -> None:
    with pytest.raises(UsageError):
        Form(content_type)
