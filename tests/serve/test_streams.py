"""Frames over a WebSocket: every one answered in its turn, however the client behaves."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.ports import free_port
from yolodeploy.core.release import Serving
from yolodeploy.core.site import Epoch
from yolodeploy.serve.routes.stream import MOST_STREAMS

from .pictures import encoded, plain
from .running import LIMIT_S, Server, until
from .test_limits import TOKEN, certificate, rss_mb, token_file

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from .conftest import Start

PICTURE = encoded(plain(128, 96))
SIZES = [(64 + 8 * index, 48) for index in range(12)]
HANDSHAKE = b"GET /stream HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
FRAMES = [encoded(plain(*size)) for size in SIZES]


def url_of(server: Server, query: str = "") -> str:
    address = server.address()
    assert address is not None
    return f"ws://127.0.0.1:{address.port}/stream{query}"


def stream(server: Server, query: str = "", **options: Any) -> ClientConnection:
    patient = {"open_timeout": LIMIT_S, **options}
    return connect(url_of(server, query), max_size=None, compression=None, **patient)


def received(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=LIMIT_S))


def refused(server: Server, query: str = "", **options: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught, stream(server, query, **options):
        pass
    response = caught.value.response
    assert response.body is not None
    return response.status_code, json.loads(response.body)["code"]


def rest_of(client: ClientConnection) -> tuple[list[Any], tuple[int, str]]:
    """What the server still answers; the code and the reason that it closes with."""
    answers = []
    try:
        while True:
            answers.append(received(client))
    except ConnectionClosed as error:
        assert error.rcvd is not None, "cut off without a word"
        return answers, (error.rcvd.code, error.rcvd.reason)


def closed(client: ClientConnection) -> tuple[int, str]:
    """The code and the reason that the server closes with, after whatever it still sends."""
    return rest_of(client)[1]


def sends(client: ClientConnection, frames: list[bytes]) -> None:
    """Until all are sent or the server closes."""
    with suppress(ConnectionClosed):
        for frame in frames:
            client.send(frame)


def in_flight(server: Server) -> float:
    text = server.ask("/metrics").body.decode()
    return float(re.findall(r"^yolodeploy_in_flight (.+)$", text, re.MULTILINE)[0])


def test_every_frame_is_answered_in_its_turn(server: Server) -> None:
    with stream(server, "?conf=0.7", additional_headers={"x-request-id": "line-3"}) as client:
        for frame in FRAMES:
            client.send(frame)
        answers = [received(client) for _ in FRAMES]
    assert [(one["width"], one["height"]) for one in answers] == SIZES
    assert [len(one["boxes"]) for one in answers] == [1] * len(FRAMES)
    assert [one["request_id"] for one in answers] == [f"line-3/{i}" for i in range(len(FRAMES))]


def test_a_frame_in_pieces_is_one_frame(server: Server) -> None:
    with stream(server) as client:
        client.send(PICTURE[start : start + 100] for start in range(0, len(PICTURE), 100))
        assert received(client)["width"] == 128


def test_a_bad_frame_is_refused_in_its_place_and_the_stream_goes_on(server: Server) -> None:
    before = server.report().epochs[-1]
    with stream(server) as client:
        for frame in (PICTURE, b"no picture", b"", PICTURE):
            client.send(frame)
        answers = [received(client) for _ in range(4)]
    assert [one.get("code") for one in answers] == [
        None, "serve.not_a_picture", "serve.body_empty", None,
    ]  # fmt: skip
    after = server.report().epochs[-1]
    assert after.requests - before.requests == 4
    assert after.failures == before.failures


def test_annotated_frames_come_back_as_pictures(server: Server) -> None:
    with stream(server, "?format=annotated") as client:
        client.send(PICTURE)
        assert client.recv(timeout=LIMIT_S)[:2] == b"\xff\xd8"


def test_no_more_frames_are_taken_than_can_be_answered(start: Start, slow_model: Path) -> None:
    """Else its frames would fill the memory."""
    server = start(slow_model, serving=Serving(threads=1)).wait_ready()
    large = PICTURE + bytes(4 << 20)
    with stream(server) as client:
        before = rss_mb(server)
        sender = threading.Thread(target=lambda: [client.send(large) for _ in range(40)])
        sender.start()
        most = 0.0
        for _ in range(40):
            received(client)
            most = max(most, in_flight(server))
        sender.join()
    assert most <= 4
    assert rss_mb(server) - before < 120


def test_the_latest_frame_wins_where_that_is_asked_for(start: Start, slow_model: Path) -> None:
    server = start(slow_model, serving=Serving(threads=1)).wait_ready()
    with stream(server, "?latest=true") as client:
        for frame in FRAMES * 2:
            client.send(frame)
        answers = [received(client) for _ in FRAMES * 2]
        seen = [index for index, one in enumerate(answers) if "width" in one]
        assert [answers[index]["width"] for index in seen] == [
            SIZES[index % len(SIZES)][0] for index in seen
        ]
        assert {0, 23} <= set(seen), "the newest is never dropped"
        dropped = [one["code"] for one in answers if "code" in one]
        assert dropped == ["serve.frame_dropped"] * (24 - len(seen))
        assert len(seen) < 24
    assert server.report().epochs[-1].failures == 0


@pytest.mark.parametrize(
    "query", ["?conf=2", "?confidence=1", "?latest=maybe", "?latest=true&latest=true"]
)
def test_parameters_are_judged_before_the_stream_begins(server: Server, query: str) -> None:
    status, code = refused(server, query)
    assert status == 400
    assert code.startswith("serve.parameter_")


def test_a_text_is_no_frame(server: Server) -> None:
    with stream(server) as client:
        client.send(PICTURE)
        client.send("text")
        assert received(client)["width"] == 128
        assert closed(client) == (1003, "a frame is a picture, in binary")


def test_a_frame_that_is_too_large_is_refused_before_it_comes(server: Server) -> None:
    before = rss_mb(server)
    with stream(server) as client:
        client.send(bytes(40 << 20))
        assert closed(client)[0] == 1009
    assert rss_mb(server) - before < 40
    with stream(server) as client:
        # says that it is 2^62 bytes
        client.socket.sendall(b"\x82\xff\x40" + bytes(7) + b"mask" + bytes(100))
        assert closed(client)[0] == 1009


def test_a_frame_of_a_million_pieces_is_refused(server: Server) -> None:
    before = rss_mb(server)
    with stream(server) as client:
        piece = b"\x00\x81mask\x00"
        client.socket.sendall(b"\x02\x81mask\x00" + piece * 1_000_000)
        assert closed(client)[0] == 1009
    assert rss_mb(server) - before < 40


def test_pings_whose_answers_nobody_takes_fill_nothing(server: Server) -> None:
    address = server.address()
    assert address is not None
    before = rss_mb(server)
    pings = (b"\x89\xfdmask" + bytes(125)) * 500
    sent = 0
    with socket.create_connection(("127.0.0.1", address.port), timeout=LIMIT_S) as client:
        client.sendall(
            HANDSHAKE + b"sec-websocket-version: 13\r\n"
            b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b"101" in client.recv(4096)
        client.settimeout(2)
        with pytest.raises(TimeoutError):
            while sent < 200 << 20:
                sent += client.send(pings)
    assert sent < 50 << 20
    assert rss_mb(server) - before < 40


@pytest.mark.parametrize("garbage", [b"\xff" * 100, b"\x83\x80" + b"\0" * 100, b"\x82\x05hello"])
def test_garbage_in_a_stream_is_told_with_a_code(server: Server, garbage: bytes) -> None:
    """Reserved bits, a kind of frame that does not exist, a frame that no mask covers."""
    with stream(server) as client:
        client.socket.sendall(garbage)
        assert closed(client)[0] == 1002
    assert server.detect(PICTURE).status == 200


@pytest.mark.parametrize(
    "rest",
    [
        b"\r\n",
        b"sec-websocket-version: 13\r\nsec-websocket-key: short\r\n\r\n",
        b"sec-websocket-version: 8\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"sec-websocket-version: 13\r\nx: " + b"y" * 20_000 + b"\r\n\r\n",
        b"sec-websocket-version: 13\r\n" + b"x: y\r\n" * 500 + b"\r\n",
    ],
)
def test_a_handshake_that_is_none_ends_at_once(server: Server, rest: bytes) -> None:
    """A connection that is kept for it would be kept for ever."""
    address = server.address()
    assert address is not None
    with socket.create_connection(("127.0.0.1", address.port), timeout=LIMIT_S) as connection:
        connection.sendall(HANDSHAKE + rest)
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
        assert not answer.startswith(b"HTTP/1.1 101")
    assert server.detect(PICTURE).status == 200


def test_a_client_that_vanishes_leaves_nothing_behind(start: Start, slow_model: Path) -> None:
    server = start(slow_model, serving=Serving(threads=1)).wait_ready()
    for _ in range(3):
        with stream(server) as client:
            for frame in FRAMES[:8]:
                client.send(frame)
            client.socket.shutdown(socket.SHUT_RDWR)
    until(lambda: in_flight(server) == 0, server)
    with stream(server) as client:
        client.send(PICTURE)
        assert received(client)["width"] == 128
    assert "Traceback" not in server.log.read_text()


def test_who_goes_while_answers_are_owed_is_no_failure_of_the_release(
    start: Start, slow_model: Path
) -> None:
    """Anybody could fail a rollout's gate."""
    server = start(slow_model, serving=Serving(threads=1)).wait_ready()
    for _ in range(3):
        with stream(server) as client:
            for frame in FRAMES[:3]:
                client.send(frame)
            client.send("no frame")  # the stream ends with a code, once all is answered
            client.socket.shutdown(socket.SHUT_RDWR)
    until(lambda: in_flight(server) == 0, server)
    assert server.detect(PICTURE).status == 200
    assert all(epoch.failures == 0 for epoch in server.report().epochs)
    assert "mistake" not in server.log.read_text()


def test_there_are_only_so_many_streams(start: Start) -> None:
    server = start().wait_ready()
    with ExitStack() as stack:
        clients = [stack.enter_context(stream(server)) for _ in range(MOST_STREAMS)]
        assert refused(server) == (429, "serve.too_many_streams")
        clients[0].close()

        def another() -> bool:
            try:
                stack.enter_context(stream(server))
            except InvalidStatus:
                return False
            return True

        until(another, server)


def test_a_stream_needs_the_token_and_never_in_its_address(start: Start, tmp_path: Path) -> None:
    server = start(token_file=str(token_file(tmp_path))).wait_ready()
    text = base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")
    assert refused(server) == (401, "serve.unauthorized")
    assert refused(server, f"?token={TOKEN}") == (401, "serve.unauthorized")
    for wrong in (f"yolodeploy.bearer.{text}x", f"yolodeploy.bearer.{TOKEN}", "yolodeploy.bearer."):
        assert refused(server, subprotocols=["yolodeploy", wrong])[0] == 401
    # what a browser can send; the protocol that is accepted is not the token
    with stream(server, subprotocols=["yolodeploy", f"yolodeploy.bearer.{text}"]) as client:
        assert client.subprotocol == "yolodeploy"
        client.send(PICTURE)
        assert received(client)["width"] == 128
    with stream(server, additional_headers={"authorization": f"Bearer {TOKEN}"}) as client:
        client.send(PICTURE)
        assert received(client)["width"] == 128
    assert TOKEN not in server.log.read_text()
    assert text not in server.log.read_text()


def test_pages_of_other_sites_open_no_stream(server: Server) -> None:
    """Browsers let every page open WebSockets to every address that its reader can reach."""
    address = server.address()
    assert address is not None
    for origin in ("http://evil.example", "null", "http://127.0.0.1", "http://[", "file://"):
        assert refused(server, origin=origin) == (403, "serve.other_origin")
    with stream(server, origin=f"http://127.0.0.1:{address.port}") as client:
        client.send(PICTURE)
        assert received(client)["width"] == 128


def test_a_stream_over_tls(start: Start, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    port = free_port()
    start(port=port, tls_certificate=cert, tls_key=key).wait_ready()
    trust = ssl.create_default_context(cafile=cert)
    url = f"wss://127.0.0.1:{port}/stream"
    with connect(url, ssl=trust, compression=None, max_size=None, open_timeout=LIMIT_S) as client:
        for frame in FRAMES:
            client.send(frame + bytes(1 << 20))
        assert [received(client)["width"] for _ in FRAMES] == [size[0] for size in SIZES]


def test_a_server_that_leaves_answers_what_it_took_and_says_so(
    start: Start, slow_model: Path
) -> None:
    server = start(slow_model, serving=Serving(threads=1)).wait_ready()
    with stream(server) as busy, stream(server) as idle:
        frames = FRAMES * 20  # more than it can answer before it leaves
        sender = threading.Thread(target=sends, args=(busy, frames))
        sender.start()
        until(lambda: in_flight(server) > 1, server)
        server.process.terminate()
        answers, ended = rest_of(busy)
        assert ended == closed(idle) == (1012, "the server is about to stop")
        sender.join()
    assert server.ended() == 0
    widths = [one["width"] for one in answers]
    assert widths == [size[0] for size in SIZES * 20][: len(answers)], "each in its turn"
    epochs = (Path(server.config.state_dir) / "epochs.msgpack").read_bytes()
    taken = sum(one.requests for one in msgspec.msgpack.decode(epochs, type=tuple[Epoch, ...]))
    assert len(answers) == taken > 1
