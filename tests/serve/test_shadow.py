"""Mirroring to a second server: what a gate reads of it, and that it costs the first one nothing.

If these fail, a candidate is judged by frames that it was not asked, or one that hangs takes the
server with it that people depend on.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np
import pytest

from tests.ports import free_port
from yolodeploy.core.detections import Agreement
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.shadowing import ShadowReport
from yolodeploy.core.site_settings import Shadow, SiteSettings
from yolodeploy.serve.onlookers import Onlookers
from yolodeploy.serve.postprocess import Wanted
from yolodeploy.serve.shadow.shadowing import Shadowing
from yolodeploy.serve.shown import shown

from .models import constant_model, raw_head, written
from .pictures import encoded, plain
from .running import LIMIT_S, until
from .scripted import Scripted, raw, saying
from .test_endpoints import detected, refused
from .test_limits import TOKEN, certificate, token_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .conftest import Start
    from .running import Server
    from .scripted import Behaviour

PICTURE = encoded(plain(128, 96))
WANTED = Wanted(0.25, 0.7, 300)
# of BOXES, the second of class 1 overlaps the first; here: one moved a little and less sure, one
# of another class, and the one of class 0 is not found
OTHER_BOXES = [(33, 32, 20, 20, 0.7, 1), (50, 50, 8, 8, 0.5, 2)]


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "other.onnx"
    return written(constant_model(raw_head(OTHER_BOXES)), path)


@pytest.fixture
def scripted() -> Iterator[Callable[[Behaviour], Scripted]]:
    made: list[Scripted] = []

    def begin(behaviour: Behaviour) -> Scripted:
        made.append(Scripted(behaviour))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def url_of(server: Server) -> str:
    address = server.address()
    assert address is not None
    return f"http://127.0.0.1:{address.port}"


def settings_file(folder: Path, **settings: Any) -> str:
    path = folder / f"settings-{free_port()}.json"
    path.write_bytes(msgspec.json.encode(SiteSettings(**settings)))
    return str(path)


def report_of(server: Server) -> ShadowReport:
    reply = server.ask("/shadow")
    assert reply.status == 200, reply.body
    return msgspec.json.decode(reply.body, type=ShadowReport)


def detect_and_wait(server: Server, times: int, query: str = "") -> None:
    """One after the other, so that none is skipped."""
    for _ in range(times):
        before = report_of(server)
        done = before.compared + sum(before.failed.values())
        assert server.detect(PICTURE, query).status == 200
        until(lambda done=done: _done(server) > done, server)  # type: ignore[misc]


def _done(server: Server) -> int:
    report = report_of(server)
    return report.compared + sum(report.failed.values())


def counts(server: Server) -> dict[str, tuple[int, int]]:
    epochs = server.report().epochs
    return {epoch.source: (epoch.requests, epoch.failures) for epoch in epochs}


def test_the_comparison_is_exact(start: Start, other_model: Path, tmp_path: Path) -> None:
    second = start(other_model, release="sha256:other").wait_ready()
    first = start(settings=settings_file(tmp_path, shadow=Shadow(url=url_of(second)))).wait_ready()
    detect_and_wait(first, 5)
    report = report_of(first)
    assert report.agreement == Agreement(frames=5, expected=10, matched=5, gained=5)
    assert (report.lost, report.mirrored, report.compared, report.skipped) == (5, 5, 5, 0)
    assert (report.lost_by_class, report.gained_by_class) == ({"scratch": 5}, {"hole": 5})
    assert (report.failed, report.problem) == ({}, "")
    assert report.release == "sha256:other"
    assert report.model == detected(second.detect(PICTURE)).model
    # 0.9 became 0.7
    assert (report.down.count, report.up.count) == (5, 0)
    assert report.down.quantile(0.5) == pytest.approx(200_000, rel=0.02)
    assert report.score_shift == pytest.approx(-0.2)
    assert report.here.count == report.there.count == 5
    assert report.there_ms.p50 == pytest.approx(report.there.quantile(0.5) / 1000, abs=0.001)
    # the first one's limits hold on both sides: nothing below 0.8 is found on either
    detect_and_wait(first, 1, "?conf=0.8&classes=1,2")
    assert report_of(first).agreement == report.agreement + Agreement(frames=1, expected=1, empty=1)
    # where it arrives it is told apart from the second server's own clients
    assert counts(second) == {"http": (1, 0), "shadow": (6, 0)}
    text = first.ask("/metrics").body.decode()
    assert 'yolodeploy_shadow_boxes_total{outcome="lost"} 6.0' in text
    assert 'yolodeploy_stage_seconds_count{source="shadow"' in second.ask("/metrics").body.decode()


def test_a_share_is_taken_by_counting(start: Start, model: Path, tmp_path: Path) -> None:
    second = start(model).wait_ready()
    shadow = Shadow(url=url_of(second), share=0.3)
    first = start(settings=settings_file(tmp_path, shadow=shadow)).wait_ready()
    for _ in range(20):
        first.detect(PICTURE)
        first.detect(b"no picture")  # not answered, so not mirrored, and not counted
    until(lambda: _done(first) + report_of(first).skipped == 6, first)
    assert report_of(first).agreement.lost == 0


def test_two_that_shadow_each_other_do_not_echo(start: Start, tmp_path: Path) -> None:
    ports = free_port(), free_port()
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    first, second = (
        start(
            instance_port=port, settings=settings_file(tmp_path, shadow=Shadow(url=other))
        ).wait_ready()
        for port, other in zip(ports, reversed(urls), strict=True)
    )
    detect_and_wait(first, 3)
    assert report_of(second).mirrored == 0
    assert counts(first) == {"http": (3, 0)}
    assert counts(second) == {"http": (0, 0), "shadow": (3, 0)}


def test_a_shadow_that_dies_and_comes_back_changes_nothing(
    start: Start, model: Path, tmp_path: Path
) -> None:
    port = free_port()
    shadow = Shadow(url=f"http://127.0.0.1:{port}")
    first = start(settings=settings_file(tmp_path, shadow=shadow)).wait_ready()
    for _ in range(10):
        assert first.detect(PICTURE).status == 200
    until(lambda: report_of(first).failed.get("unreachable", 0) > 0, first)
    assert report_of(first).problem == "shadow.unreachable"
    second = start(model, instance_port=port).wait_ready()
    until(lambda: _seen(first) > 0, first)
    second.stop(9)
    for _ in range(10):
        assert first.detect(PICTURE).status == 200
    until(lambda: report_of(first).problem == "shadow.unreachable", first)
    assert counts(first)["http"][1] == 0
    until(lambda: first.log.read_text().count("shadow.unreachable") >= 2, first)  # it counts first
    assert first.log.read_text().count("shadow.unreachable") == 2, "one line a change"


def _seen(first: Server) -> int:
    first.detect(PICTURE)
    return report_of(first).compared


def test_the_token_goes_over_tls_and_into_no_log(start: Start, model: Path, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    port = free_port()
    tokens = token_file(tmp_path)
    guarded = {"tls_certificate": cert, "tls_key": key, "token_file": str(tokens)}
    second = start(model, port=port, **guarded).wait_ready()
    url = f"https://127.0.0.1:{port}"
    right = Shadow(url=url, ca_file=cert, token_file=str(tokens))
    first = start(
        settings=settings_file(tmp_path, shadow=right), token_file=str(tokens)
    ).wait_ready()
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert first.detect(PICTURE, authorization=bearer["authorization"]).status == 200

    def told() -> ShadowReport:
        return msgspec.json.decode(first.ask("/shadow", headers=bearer).body, type=ShadowReport)

    until(lambda: told().compared == 1, first)
    refused(first.ask("/shadow"), 401, "serve.unauthorized")
    assert TOKEN not in first.log.read_text() + second.log.read_text()
    # who is not trusted is not told the token
    assert missed(Shadow(url=url, token_file=str(tokens))) == {"unreachable": 1}
    assert missed(Shadow(url=url, ca_file=cert)) == {"unauthorized": 1}


def answer(**changed: Any) -> bytes:
    """What a second server could answer to `PICTURE`."""
    values = {
        "boxes": [], "classes": ["a", "b"], "width": 128, "height": 96,
        "stages_ms": {"inference": 1.5, "total": 1.5},
    }  # fmt: skip
    return json.dumps({**values, **changed}).encode()


OURS = DetectResponse(
    boxes=(), classes=("a", "b"), width=128, height=96, stages_ms={"inference": 1.0}
)


def dripping(connection: socket.socket) -> None:
    """Never ends, and never is silent for long."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b"x")


def dripping_head(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def silent(connection: socket.socket) -> None:
    connection.recv(1)


def mirrored_once(shadow: Shadow, deadline_s: float = 10.0) -> ShadowReport:
    """What is counted of one picture."""
    shadowing = Shadowing(lambda *_: None, deadline_s)
    shadowing.follow(shadow)
    assert shadowing.takes()
    shadowing.answered(shown(PICTURE, WANTED, "http", "id-1"), OURS)

    def told() -> ShadowReport:
        report = shadowing.report()
        assert report is not None
        return report

    until(lambda: told().compared + sum(told().failed.values()) == 1)
    report = told()
    shadowing.follow(None)
    assert shadowing.report() is None
    return report


def missed(shadow: Shadow, deadline_s: float = 10.0) -> dict[str, int]:
    report = mirrored_once(shadow, deadline_s)
    assert report.agreement == Agreement()
    return report.failed


BOX = {"class_id": 0, "score": 0.5, "x1": 1, "y1": 1, "x2": 5, "y2": 5}
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LYING = {
    "nothing": (raw(b""), "unreachable"),
    "no http": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "answer"),
    "half an answer": (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"), "answer"),
    "chunks of garbage": (raw(CHUNKED + b"zz\r\n"), "answer"),
    "a chunk of 2^70 bytes": (raw(CHUNKED + b"f" * 17 + b"\r\nx"), "answer"),
    "a head without end": (raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200), "answer"),
    "a line without end": (raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000), "answer"),
    "4 MB": (saying(b" " * (4 << 20)), "answer"),
    "no json": (saying(b"<html>"), "answer"),
    "other json": (saying(b'{"boxes": 3}'), "answer"),
    "deep json": (saying(b"[" * 100_000), "answer"),
    "another picture": (saying(answer(width=64)), "answer"),
    "a million boxes": (saying(answer(boxes=[BOX] * 301)), "answer"),
    "a class without a name": (saying(answer(boxes=[{**BOX, "class_id": 2}])), "answer"),
    "a class below none": (saying(answer(boxes=[{**BOX, "class_id": -1}])), "answer"),
    "a score of 7": (saying(answer(boxes=[{**BOX, "score": 7}])), "answer"),
    "a score that is endless": (
        saying(answer(boxes=[BOX]).replace(b"0.5", b"1e999")), "answer",
    ),
    "a time before it was asked": (saying(answer(stages_ms={"decode": -1.0})), "answer"),
    "a classifier's answer": (
        saying(answer(probabilities=[{"class_id": 0, "score": 1.0}])), "answer",
    ),
    "somewhere else": (saying(b"", "302 Found", "location: http://127.0.0.1:1/\r\n"), "refused"),
    "not allowed": (saying(b"{}", "401 Unauthorized"), "unauthorized"),
    "too busy": (saying(b"{}", "429 Too Many Requests"), "busy"),
    "broken": (saying(b"{}", "500 Internal Server Error"), "failed"),
    "no picture": (saying(b"{}", "415 Unsupported Media Type"), "refused"),
}  # fmt: skip


@pytest.mark.parametrize(("behaviour", "reason"), LYING.values(), ids=LYING)
def test_a_shadow_that_lies_is_not_believed(
    scripted: Callable[[Behaviour], Scripted], behaviour: Behaviour, reason: str
) -> None:
    assert missed(Shadow(url=scripted(behaviour).url)) == {reason: 1}


@pytest.mark.parametrize("behaviour", [dripping, dripping_head, silent])
def test_a_shadow_that_never_ends_is_given_up_on(
    scripted: Callable[[Behaviour], Scripted], behaviour: Behaviour
) -> None:
    assert missed(Shadow(url=scripted(behaviour).url), deadline_s=0.3)["late"] == 1


def test_a_shadow_that_is_slow_is_sent_what_it_can_take(
    scripted: Callable[[Behaviour], Scripted], start: Start, tmp_path: Path
) -> None:
    """And the first server answers at its own pace, with a queue that does not grow."""
    second = scripted(silent)
    first = start(settings=settings_file(tmp_path, shadow=Shadow(url=second.url))).wait_ready()
    for _ in range(30):
        assert first.detect(PICTURE).status == 200
    report = report_of(first)
    # one at a time, but for those that it has given up on meanwhile
    assert report.mirrored <= 1 + report.failed.get("late", 0)
    assert report.skipped >= 30 - report.mirrored - 4
    assert first.stop() == 0


def test_what_is_sent_is_what_was_asked(scripted: Callable[[Behaviour], Scripted]) -> None:
    second = scripted(saying(answer()))
    report = mirrored_once(Shadow(url=f"{second.url}/line-3/"))
    assert report.agreement == Agreement(frames=1)
    (request,) = second.requests
    assert request.body == PICTURE
    path = "/line-3/detect?conf=0.25&iou=0.7&max_det=300"
    assert request.line == f"POST {path} HTTP/1.1"
    assert request.headers["x-yolodeploy-shadow"] == "1"
    assert request.headers["x-request-id"] == "id-1"


@pytest.mark.parametrize("width", [64, 33, 34, 35])
def test_a_cameras_pixels_arrive_as_they_were(start: Start, model: Path, width: int) -> None:
    """Also when the camera's buffer is written to again at once."""
    second = start(model).wait_ready()
    pixels = np.random.default_rng(width).integers(0, 255, (48, width, 3), np.uint8)
    kept = pixels.copy()
    found: list[bytes] = []
    shadowing = Shadowing(lambda shown, *_: found.append(bitmap_of(shown)))
    shadowing.follow(Shadow(url=url_of(second)))
    assert shadowing.takes()
    ours = DetectResponse(
        boxes=(), classes=("scratch", "crack", "hole"), width=width, height=48, stages_ms={}
    )
    shadowing.answered(shown(pixels, WANTED, "camera:gate", "frame-1"), ours)
    pixels[:] = 0
    until(lambda: bool(found))
    report = shadowing.report()
    assert report is not None
    assert (report.compared, report.agreement.gained) == (1, 2)
    assert (cv2.imdecode(np.frombuffer(found[0], np.uint8), cv2.IMREAD_COLOR) == kept).all()
    shadowing.follow(None)


def bitmap_of(shown: Any) -> bytes:
    from yolodeploy.serve.shadow.mirrored import mirrored

    return b"".join(mirrored(shown).parts)


def test_a_connection_is_kept_and_a_stale_one_replaced(
    scripted: Callable[[Behaviour], Scripted],
) -> None:
    second = scripted(saying(answer()))
    shadowing = Shadowing(lambda *_: None)
    shadowing.follow(Shadow(url=second.url))

    def mirror(total: int) -> None:
        shadowing.answered(shown(PICTURE, WANTED, "http", "x"), OURS)
        until(lambda: (report := shadowing.report()) is not None and report.compared == total)

    mirror(1)
    mirror(2)
    assert [request.connection for request in second.requests] == [1, 1]

    hung_up = threading.Event()

    def once_more(connection: socket.socket) -> None:
        saying(answer())(connection)
        connection.shutdown(socket.SHUT_RDWR)
        hung_up.set()

    second.behaviour = once_more
    mirror(3)
    assert hung_up.wait(LIMIT_S)  # else it would read the next request before it hangs up
    second.behaviour = saying(answer())
    mirror(4)
    assert [request.connection for request in second.requests] == [1, 1, 1, 2]
    report = shadowing.report()
    assert report is not None
    assert report.failed == {}
    shadowing.follow(None)


def test_it_can_be_switched_at_any_time(scripted: Callable[[Behaviour], Scripted]) -> None:
    one, two = scripted(saying(answer(model="m1"))), scripted(saying(answer(model="m2")))
    shadowing = Shadowing(lambda *_: None)

    def mirror() -> None:
        before = shadowing.report()
        assert before is not None
        shadowing.answered(shown(PICTURE, WANTED, "http", "x"), OURS)
        until(lambda: (now := shadowing.report()) is not None and now.compared > before.compared)

    assert not shadowing.takes()
    shadowing.follow(Shadow(url=one.url))
    mirror()
    mirror()
    # another share of the same: the counts stay
    shadowing.follow(Shadow(url=one.url, share=0.5))
    assert [shadowing.takes() for _ in range(4)] == [False, True, False, True]
    mirror()
    report = shadowing.report()
    assert report is not None
    assert (report.compared, report.share, report.model) == (3, 0.5, "m1")
    # another server: they begin anew
    shadowing.follow(Shadow(url=two.url))
    mirror()
    report = shadowing.report()
    assert report is not None
    assert (report.compared, report.url, report.model) == (1, two.url, "m2")
    # another model behind the same address too
    two.behaviour = saying(answer(model="m3"))
    shadowing.answered(shown(PICTURE, WANTED, "http", "x"), OURS)
    until(lambda: (now := shadowing.report()) is not None and now.model == "m3")
    report = shadowing.report()
    assert report is not None
    assert (report.compared, report.mirrored) == (1, 1)
    shadowing.follow(None)
    shadowing.answered(shown(PICTURE, WANTED, "http", "x"), OURS)
    assert shadowing.report() is None


@pytest.mark.parametrize(
    ("shadow", "reason"),
    [
        (Shadow(url="http://user:secret-word@127.0.0.1:1/?key=secret-word"), "address"),
        (Shadow(url="http://127.0.0.1:99999"), "address"),
        (Shadow(url="http://:80"), "address"),
        (Shadow(url="http://127.0.0.1:1", token_file="/none/token"), "token_file"),
        (Shadow(url="https://127.0.0.1:1", ca_file="/none/ca.pem"), "ca_file"),
    ],
)
def test_settings_that_cannot_be_used_are_told(
    shadow: Shadow, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    report = mirrored_once(shadow)
    assert report.failed == {reason: 1}
    until(lambda: f"shadow.{reason}" in caplog.text)  # it counts first
    assert "secret-word" not in caplog.text + repr(report)


def test_a_token_that_others_can_read_is_not_sent(
    scripted: Callable[[Behaviour], Scripted], tmp_path: Path
) -> None:
    second = scripted(saying(answer()))
    path = token_file(tmp_path, mode=0o644)
    assert missed(Shadow(url=second.url, token_file=str(path))) == {"token_file": 1}
    assert second.requests == []


def test_without_a_shadow_nothing_is_there(server: Server) -> None:
    refused(server.ask("/shadow"), 404, "shadow.off")
    assert "yolodeploy_shadow" not in server.ask("/metrics").body.decode()
    check = (
        "import sys, yolodeploy.serve.server; "
        "assert not [name for name in sys.modules if name.startswith(("
        "'yolodeploy.serve.shadow', 'yolodeploy.serve.samples', 'pynvml', 'prometheus_client'))]"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_a_mistake_of_an_onlooker_reaches_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    onlookers = Onlookers(str(tmp_path))
    onlookers.follow(Shadow(url="http://127.0.0.1:1"), None)
    onlookers.answered(None, OURS)  # type: ignore[arg-type]
    onlookers.failed(None, "serve.not_finite")  # type: ignore[arg-type]
    assert "an onlooker's mistake" in caplog.text
    onlookers.follow(None, None)
