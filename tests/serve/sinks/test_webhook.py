"""The webhook: what is sent, what is tried again, what is given up, and what never leaks."""

from __future__ import annotations

import ssl
import subprocess
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from tests.ports import free_port
from yolodeploy.core.errors import UsageError
from yolodeploy.core.site_settings import WebhookSink

from ..running import until
from .messages import dropped, frames, message, state_of, wait_for
from .webhook_server import (
    Answer,
    Posted,
    WebhookServer,
    dribbling_port,
    one_by_one,
    silent_port,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from yolodeploy.serve.sinks.sinks import Sinks


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    made = WebhookServer()
    yield made
    made.close()


def sink(server: WebhookServer, **settings: Any) -> WebhookSink:
    return WebhookSink(name="hook", url=server.url, **settings)


def test_a_message_is_one_post_with_its_id(sinks: Sinks, server: WebhookServer) -> None:
    sinks.follow([sink(server)])
    for frame in range(20):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.delivered == 20)
    assert frames(server.taken) == list(range(20))
    first = server.posted[0]
    assert first.path == "/results?line=1"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["x-message-id"] == "line-1-0"
    # one camera, one connection, which is kept
    assert len({posted.connection for posted in server.posted}) == 1


def test_cameras_go_side_by_side_and_each_in_its_order(sinks: Sinks, server: WebhookServer) -> None:
    server.answer = lambda posted: Answer(200, after_s=0.005)
    sinks.follow([sink(server)])
    for frame in range(200):
        sinks.publish(message(frame // 8, f"line-{frame % 8}"))
    wait_for(sinks, lambda state: state.delivered == 200)
    for number in range(8):
        assert frames(server.taken, f"line-{number}") == list(range(25))
    assert len({posted.connection for posted in server.posted}) > 1


@pytest.mark.parametrize("status", [500, 429, 404, 307])
def test_what_may_pass_is_tried_again_and_nothing_overtakes_it(
    sinks: Sinks, server: WebhookServer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    other = {"location": "http://127.0.0.1:1/elsewhere"}
    server.answer = one_by_one(Answer(200), Answer(status, other), Answer(status, other))
    sinks.follow([sink(server)])
    for frame in range(10):
        sinks.publish(message(frame))
    state = wait_for(sinks, lambda state: state.state == "waiting")
    assert str(status) in state.reason
    state = wait_for(sinks, lambda state: state.held == 0)
    assert frames(server.taken) == list(range(10))
    assert (state.delivered, dropped(state)) == (10, 0)
    assert caplog.text.count("sink.answer") == 1


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_message_that_is_refused_for_good_does_not_stop_the_others(
    sinks: Sinks, server: WebhookServer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    poison = {"line-1-3", "line-1-4"}

    def answer(posted: Posted) -> Answer:
        return Answer(status if posted.headers["x-message-id"] in poison else 200)

    server.answer = answer
    sinks.follow([sink(server)])
    for frame in range(10):
        sinks.publish(message(frame))
    state = wait_for(sinks, lambda state: state.held == 0)
    assert (state.delivered, state.dropped) == (8, {"refused": 2})
    assert str(status) in state.last_error
    assert caplog.text.count("sink.refused") == 1
    assert frames(server.taken) == [0, 1, 2, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("in_words", [False, True])
def test_a_server_that_asks_for_time_gets_it(
    sinks: Sinks, server: WebhookServer, in_words: bool
) -> None:
    answered = one_by_one(Answer(429))

    def answer(posted: Posted) -> Answer:
        # a date has whole seconds
        asked = formatdate(time.time() + 3, usegmt=True) if in_words else "2"
        return answered(posted)._replace(headers={"retry-after": asked})

    server.answer = answer
    sinks.follow([sink(server)])
    sinks.publish(message(0))
    wait_for(sinks, lambda state: state.delivered == 1)
    assert server.at_s[1] - server.at_s[0] >= 1.9


@pytest.mark.parametrize("asked", ["999999999999", "-5", "soon", "9" * 5000])
def test_a_server_that_asks_for_nonsense_is_tried_again_within_five_minutes(
    sinks: Sinks, server: WebhookServer, asked: str
) -> None:
    server.answer = one_by_one(Answer(503, {"retry-after": asked}))
    sinks.follow([sink(server)])
    sinks.publish(message(0))
    until(lambda: len(server.posted) > 0)
    state = wait_for(sinks, lambda state: state.state == "waiting" or state.delivered == 1)
    assert state.retry_s <= 300


def test_a_server_that_closes_its_connections_gets_every_message(
    sinks: Sinks, server: WebhookServer
) -> None:
    server.answer = lambda posted: Answer(200, close=True)
    sinks.follow([sink(server)])
    for frame in range(30):
        sinks.publish(message(frame))
    state = wait_for(sinks, lambda state: state.held == 0)
    assert frames(server.taken) == list(range(30))
    assert state.last_error == ""


def test_a_server_that_hangs_up_without_an_answer_gets_every_message(
    sinks: Sinks, server: WebhookServer
) -> None:
    server.answer = one_by_one(Answer(200), Answer(0), Answer(0), Answer(0))
    sinks.follow([sink(server)])
    for frame in range(10):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.held == 0)
    assert frames(server.taken) == list(range(10))


def test_a_server_that_never_answers_is_left_after_the_time_out(sinks: Sinks) -> None:
    with silent_port() as silent:
        port = silent.getsockname()[1]
        sinks.follow([WebhookSink(name="hook", url=f"http://127.0.0.1:{port}/", timeout_s=0.2)])
        sinks.publish(message(0))
        state = wait_for(sinks, lambda state: state.state == "waiting")
    assert "timed out" in state.reason
    assert state.held == 1


def test_a_server_that_answers_byte_by_byte_is_left_after_the_time_out(sinks: Sinks) -> None:
    """Each byte would begin the wait anew, and all cameras of its lane be held up for ever."""
    with dribbling_port() as port:
        sinks.follow([WebhookSink(name="hook", url=f"http://127.0.0.1:{port}/", timeout_s=0.3)])
        sinks.publish(message(0))
        state = wait_for(sinks, lambda state: state.state == "waiting")
    assert "timed out" in state.reason
    assert state.held == 1


def test_an_answer_that_breaks_off_after_its_head_counts(
    sinks: Sinks, server: WebhookServer
) -> None:
    """Or each such message would come again and again."""
    server.answer = lambda posted: Answer(200, body=b"x" * 100, short=50)
    sinks.follow([sink(server)])
    for frame in range(5):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.delivered == 5)
    assert frames(server.taken) == list(range(5))


def test_an_answer_without_end_holds_nothing_up(sinks: Sinks, server: WebhookServer) -> None:
    server.answer = lambda posted: Answer(200, body=b"x" * 10_000_000)
    sinks.follow([sink(server)])
    for frame in range(5):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.delivered == 5)


def test_a_server_that_is_away_gets_all_when_it_is_back(sinks: Sinks) -> None:
    port = free_port()
    sinks.follow([WebhookSink(name="hook", url=f"http://localhost:{port}/results")])
    for frame in range(100):
        sinks.publish(message(frame))
    state = wait_for(sinks, lambda state: state.state == "waiting" and state.spooled == 100)
    assert "refused" in state.reason
    server = WebhookServer(port)
    try:
        wait_for(sinks, lambda state: state.held == 0)
        assert frames(server.taken) == list(range(100))
        assert state_of(sinks).state == "delivering"
    finally:
        server.close()


def test_the_token_goes_to_the_server_and_nowhere_else(
    sinks: Sinks, server: WebhookServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = tmp_path / "token"
    token.write_text("hunter2-hunter2\n")
    token.chmod(0o600)
    server.answer = lambda posted: Answer(401)
    url = f"{server.url}&key=hunter2"
    sinks.follow([WebhookSink(name="hook", url=url, token_file=str(token))])
    sinks.publish(message(0))
    state = wait_for(sinks, lambda state: state.state == "waiting")
    assert server.posted[0].headers["authorization"] == "Bearer hunter2-hunter2"
    assert state.retry_s > 15  # an account may be locked by who tries it often
    assert (state.held, dropped(state)) == (1, 0)
    assert "sink.credentials" in caplog.text
    assert "hunter2" not in caplog.text + repr(sinks.states())


def authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that nobody knows, and a server's context that has it."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        f"-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def test_a_private_authority_is_trusted_where_it_is_named(sinks: Sinks, tmp_path: Path) -> None:
    certificate, context = authority(tmp_path)
    server = WebhookServer(tls=context)
    try:
        sinks.follow([sink(server)])
        sinks.publish(message(0))
        state = wait_for(sinks, lambda state: state.state == "waiting")
        assert "certificate" in state.reason.lower()
        assert server.posted == []
        sinks.follow([sink(server, ca_file=str(certificate))])
        wait_for(sinks, lambda state: state.delivered == 1)
    finally:
        server.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://user:password@host/",
        "http://host:port/",
        "http:///path",
        "http://host:99999/",
        "http://[::1/",
        "http://host/ü",
    ],
)
def test_a_url_that_cannot_work_is_refused_without_showing_it(sinks: Sinks, url: str) -> None:
    with pytest.raises(UsageError, match="sink hook") as caught:
        sinks.follow([WebhookSink(name="hook", url=url)])
    assert "password@" not in str(caught.value)


def test_a_ca_file_that_is_none_is_refused(sinks: Sinks, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for path in (tmp_path / "ca.pem", tmp_path / "nowhere.pem"):
        with pytest.raises(UsageError, match=path.name):
            sinks.follow([WebhookSink(name="hook", url="https://host/", ca_file=str(path))])
