"""What is no honest HTTP: refused with a code, never taken for another request, and bounded."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import UsageError
from yolodeploy.core.release import Serving
from yolodeploy.serve.connection import LARGEST_HEADER, MOST_AHEAD, MOST_FIELDS
from yolodeploy.serve.question import wanted_of

from .limits import forget_peak, peak_mb, rss_mb
from .pictures import encoded, plain
from .raw import Answered, answers, connected, exchanged, one, post, rest

if TYPE_CHECKING:
    from .conftest import Start
    from .running import Server

PICTURE = encoded(plain())
HEAD = b"POST /detect HTTP/1.1\r\nhost: x\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n"
LAST = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
# what a proxy before us may take for a second request
SMUGGLED = b"GET /info HTTP/1.1\r\nhost: x\r\n\r\n"


def statuses(found: list[Answered]) -> list[int]:
    return [answer.status for answer in found]


MALFORMED: dict[str, bytes] = {
    "length and chunks": CHUNKED + b"content-length: 3\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks and length": HEAD
    + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "two lengths": HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello" + SMUGGLED,
    "the same length twice": HEAD + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello",
    "a list of lengths": HEAD + b"content-length: 5, 5\r\n\r\nhello",
    "a length with a sign": HEAD + b"content-length: +5\r\n\r\nhello",
    "a negative length": HEAD + b"content-length: -5\r\n\r\n",
    "a length of 23 digits": HEAD + b"content-length: 99999999999999999999999\r\n\r\n",
    "a length in hex": HEAD + b"content-length: 0x5\r\n\r\nhello",
    "an empty length": HEAD + b"content-length:\r\n\r\nhello",
    "a space before the colon": HEAD + b"content-length : 5\r\n\r\nhello",
    "a folded line": HEAD + b"x-a: b\r\n content-length: 5\r\n\r\nhello",
    "an unknown coding": HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "identity": HEAD + b"transfer-encoding: identity\r\n\r\n" + SMUGGLED,
    "chunked is not last": HEAD + b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked, then identity": CHUNKED + b"transfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "a vertical tab before chunked": HEAD + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a chunk size that is none": CHUNKED + b"\r\nzzzz\r\n",
    "a chunk size of 18 digits": CHUNKED + b"\r\nffffffffffffffffff\r\nx",
    "a negative chunk": CHUNKED + b"\r\n-3\r\nabc\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"\r\n3\r\nabcdef\r\n0\r\n\r\n",
    "chunks with bare line feeds": CHUNKED + b"\r\n3\nabc\n0\n\n",
    "bare line feeds": b"GET /readyz HTTP/1.1\nhost: x\n\n",
    "a bare carriage return": b"GET /readyz HTTP/1.1\r\nhost: x\rfoo: y\r\n\r\n",
    "a zero byte in a value": b"GET /readyz HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n",
    "no host": b"GET /readyz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /readyz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "an absolute form without a path": b"GET http://x HTTP/1.1\r\nhost: x\r\n\r\n",
    "a proxy is wanted": b"CONNECT x:443 HTTP/1.1\r\nhost: x:443\r\n\r\n",
    "a small method": b"get /readyz HTTP/1.1\r\nhost: x\r\n\r\n",
    "bytes above 127 in the path": b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": b"GET /readyz HTTP/9.9\r\nhost: x\r\n\r\n",
    "TLS on the plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    "a text": b"hello, world\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_request_is_refused_once_and_the_connection_closed(
    server: Server, name: str
) -> None:
    (answer,) = exchanged(server, MALFORMED[name])
    assert (answer.status, answer.code) == (400, "serve.request_malformed")
    assert b"connection: close" in answer.head
    assert server.detect(PICTURE).status == 200


UNUSUAL: dict[str, tuple[bytes, int]] = {
    "absolute form": (b"GET http://elsewhere/readyz HTTP/1.1\r\nhost: x\r\n", 200),
    "the whole server": (b"OPTIONS * HTTP/1.1\r\nhost: x\r\n", 404),
    "HTTP/1.0 without a host": (b"GET /readyz HTTP/1.0\r\n", 200),
    "a host that is none": (b"GET /nothing HTTP/1.1\r\nhost: [\r\n", 404),
    "a slash too many": (b"POST /detect/ HTTP/1.1\r\nhost: evil.example\r\n", 404),
    "escapes in the path": (b"GET /%ff%00%0d%0a%1b HTTP/1.1\r\nhost: x\r\n", 404),
    "another method": (b"DELETE /detect HTTP/1.1\r\nhost: x\r\n", 405),
    "a body for a GET": (b"GET /readyz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n", 200),
    "an unknown expectation": (HEAD + b"expect: 200-ok\r\ncontent-length: 0\r\n", 400),
    "a web socket where there is none": (
        b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n", 200,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_is_answered(server: Server, name: str) -> None:
    head, status = UNUSUAL[name]
    (answer,) = exchanged(server, head + b"connection: close\r\n\r\n")
    assert answer.status == status
    assert status == 200 or answer.code.startswith("serve.")
    assert b"location" not in answer.head


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "TLS/1.0, h2c", "x"])
def test_who_would_rather_speak_another_protocol_is_answered_in_this_one(
    server: Server, upgrade: str
) -> None:
    """Java's own client does so with its first picture; uvicorn would drop the body."""
    fields = "connection: upgrade, http2-settings", f"upgrade: {upgrade}", "http2-settings: AAMA"
    found = exchanged(server, post(PICTURE, *fields) * 2 + LAST)
    assert statuses(found) == [200, 200, 200]
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(PICTURE), PICTURE)
    asked = CHUNKED + f"connection: upgrade\r\nupgrade: {upgrade}\r\n\r\n".encode()
    assert statuses(exchanged(server, asked, chunks, LAST)) == [200, 200]


def test_a_web_socket_behind_a_request_costs_it_nothing(server: Server) -> None:
    upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    stream = f"GET /stream HTTP/1.1\r\nhost: x\r\n{upgrade}sec-websocket-key: AAAA\r\n\r\n"
    found = exchanged(server, post(PICTURE) + stream.encode() + LAST)
    assert statuses(found) == [200, 426, 200]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_request_of_either_version_is_answered(server: Server, version: str) -> None:
    (answer,) = exchanged(server, post(PICTURE, "connection: close", version=version))
    assert answer.status == 200
    assert b"connection: close" in answer.head
    assert b"transfer-encoding" not in answer.head


def test_http_1_0_waits_for_no_permission(server: Server) -> None:
    (answer,) = exchanged(server, post(PICTURE, "expect: 100-continue", version="1.0"))
    assert answer.status == 200


def test_who_asks_first_is_told_to_go_on(server: Server) -> None:
    with connected(server) as connection:
        for _ in range(2):
            asked = post(PICTURE, "expect: 100-continue")
            connection.sendall(asked.removesuffix(PICTURE))
            assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(PICTURE)
            assert one(connection).status == 200


def test_who_asks_first_and_is_refused_cannot_be_misunderstood(server: Server) -> None:
    """It may send its body or not: what came next could be either."""
    asked = post(PICTURE, "expect: 100-continue", path="/detect?nonsense=1")
    (answer,) = exchanged(server, asked.removesuffix(PICTURE))
    assert (answer.status, answer.code) == (400, "serve.parameter_unknown")


def test_requests_sent_ahead_are_answered_in_order(server: Server) -> None:
    bodies = [PICTURE, b"no picture", b"", PICTURE]
    found = exchanged(server, b"".join(map(post, bodies)) + LAST)
    assert statuses(found) == [200, 415, 400, 200, 200]


def test_a_large_body_before_the_next_head_is_no_large_head(server: Server) -> None:
    """What comes in one piece is the end of a body and the begin of a head."""
    large = encoded(plain(4000, 3000), "BMP")[: 1 << 20]
    whole = post(large)
    with connected(server) as connection:
        connection.sendall(whole[:-200_000])
        time.sleep(0.05)
        connection.sendall(whole[-200_000:] + LAST[:10])
        assert one(connection).status == 422
        connection.sendall(LAST[10:])
        assert one(connection).status == 200


def test_garbage_behind_a_request_costs_it_nothing(server: Server) -> None:
    """The answer to the first must not be a complaint about what follows."""
    (answer,) = exchanged(server, post(PICTURE) + b"\0garbage\r\n\r\n" + SMUGGLED)
    assert answer.status == 200
    found = exchanged(server, post(PICTURE) * 2 + CHUNKED + b"\r\nzz\r\n")
    assert statuses(found) == [200, 200]


def test_more_requests_ahead_than_may_wait_are_left_unanswered(server: Server) -> None:
    """14,000 in one piece of 256 kB would take 30 MB; a client asks again for what is missing."""
    count = 14_000
    before = forget_peak(server)
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(server)) for _ in range(30)]
        for connection in connections:
            with suppress(ConnectionError):
                connection.sendall(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n" * count)
        for connection in connections:
            found = answers(rest(connection))
            assert set(statuses(found)) <= {200}
            assert len(found) <= MOST_AHEAD + 2
    assert peak_mb(server) - before < 100
    assert server.detect(PICTURE).status == 200


def test_a_half_closed_connection_is_answered(server: Server) -> None:
    """`nc -N` and some proxies: nothing more will come, and they still listen."""
    (answer,) = exchanged(server, post(PICTURE), half_closed=True)
    assert answer.status == 200
    found = exchanged(server, post(PICTURE) * 3, half_closed=True)
    assert statuses(found) == [200, 200, 200]


@pytest.mark.parametrize("missing", [1, 100, len(PICTURE)])
def test_a_body_shorter_than_it_says_is_told(server: Server, missing: int) -> None:
    (answer,) = exchanged(server, post(PICTURE)[:-missing], half_closed=True)
    assert (answer.status, answer.code) == (400, "serve.body_cut")


def test_a_body_longer_than_it_says_is_the_next_request(server: Server) -> None:
    found = exchanged(server, post(PICTURE) + b"more")
    assert statuses(found)[0] == 200
    assert all(answer.code == "serve.request_malformed" for answer in found[1:])


def test_a_head_that_stops_is_told(server: Server) -> None:
    with ExitStack() as stack:
        begun = [stack.enter_context(connected(server)) for _ in range(3)]
        begun[0].sendall(b"POST /detect HTTP/1.1\r\nhost: x\r\n")
        # behind an answer too, and after a line break, which stops uvicorn's own clock
        for connection, more in zip(begun[1:], (b"\r\n", b"\r\nGET"), strict=True):
            connection.sendall(post(PICTURE))
            assert one(connection).status == 200
            connection.sendall(more)
        assert server.detect(PICTURE).status == 200
        for connection in begun:
            (answer,) = answers(rest(connection))
            assert (answer.status, answer.code) == (408, "serve.head_slow")


FLOODS: dict[str, tuple[bytes, bytes]] = {
    "a long line": (b"GET /", b"x" * 1000),
    "a long value": (b"GET /readyz HTTP/1.1\r\nhost: x\r\na: ", b"x" * 1000),
    "many fields": (b"GET /readyz HTTP/1.1\r\nhost: x\r\n", b"a:\r\n" * 1000),
    "many fields behind an answer": (
        b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\nGET /readyz HTTP/1.1\r\nhost: x\r\n",
        b"a:\r\n" * 1000,
    ),
    "fields behind the last chunk": (CHUNKED + b"\r\n1\r\nx\r\n0\r\n", b"a:\r\n" * 1000),
    "a line behind the last chunk": (CHUNKED + b"\r\n1\r\nx\r\n0\r\na: ", b"x" * 1000),
    "a chunk's extension": (CHUNKED + b"\r\n1;", b"x" * 1000),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_before_or_behind_a_body_is_cut_off(server: Server, name: str) -> None:
    begin, more = FLOODS[name]
    before = forget_peak(server)
    sent = 0
    with connected(server) as connection:
        connection.sendall(begin)
        connection.settimeout(0.01)
        received = b""
        while sent < 100 << 20:
            try:
                sent += connection.send(more * 50)
                received += connection.recv(1 << 16)
            except TimeoutError:
                continue
            except ConnectionError:
                break
    assert sent < 100 << 20
    assert peak_mb(server) - before < 30
    # a sender that does not stop may never see it
    assert {answer.status for answer in answers(received)} <= {200, 400, 431}
    assert server.detect(PICTURE).status == 200


def test_a_large_head_is_told_whether_it_comes_at_once_or_in_pieces(server: Server) -> None:
    too_many = b"a: b\r\n" * (MOST_FIELDS + 1)
    too_long = b"a: " + b"x" * LARGEST_HEADER + b"\r\n"
    for more in (too_many, too_long):
        for parts in ((LAST[:-2] + more + b"\r\n",), (LAST[:-2], more[:-9], more[-9:])):
            (answer,) = exchanged(server, *parts)
            assert (answer.status, answer.code) == (431, "serve.head_too_large")
    most = LAST[:-2] + b"a: b\r\n" * (MOST_FIELDS - 2) + b"\r\n"
    assert statuses(exchanged(server, most)) == [200]


def test_a_body_that_nobody_wants_is_read_to_its_end(start: Start) -> None:
    """Who is cut off while it sends never sees the answer."""
    server = start().wait_ready()
    large = bytes(8 << 20)
    with connected(server) as connection:
        for path, status in (("/detect?nonsense=1", 400), ("/readyz", 405), ("/detect", 415)):
            connection.sendall(post(large, path=path))
            assert one(connection).status == status


def test_a_body_that_nobody_wants_and_that_never_ends_is_cut_off(server: Server) -> None:
    with connected(server) as connection:
        connection.sendall(post(b"", path="/readyz").replace(b"length: 0", b"length: 99999999999"))
        assert one(connection).status == 405
        sent = 0
        with pytest.raises(ConnectionError):
            while sent < 1 << 30:
                connection.sendall(bytes(1 << 20))
                sent += 1 << 20
    assert rss_mb(server) < 500


def test_a_keep_alive_connection_survives_odd_requests(server: Server) -> None:
    """Each of these leaves the next request where it is."""
    with connected(server) as connection:
        for asked, status in (
            (b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n", 404),
            (post(b"", path="/detect?conf=nan"), 400),
            (post(b"", "x-deadline-ms: -1"), 400),
            (CHUNKED + b"\r\n0\r\n\r\n", 400),
            (CHUNKED + b"\r\n3;a=b\r\nabc\r\n0\r\nx-more: y\r\n\r\n", 415),
            (b"\r\n\r\n" + post(PICTURE), 200),
        ):
            connection.sendall(asked)
            assert one(connection).status == status


@given(st.lists(st.sampled_from(["0", "01", "2", "3", "b", "c", "3x", "", "9" * 5]), min_size=1))
def test_classes_are_ids_or_names_and_what_could_be_either_is_an_id(parts: list[str]) -> None:
    names = ("a", "b", "c", "2", "b")
    known = {"0": 0, "01": 1, "2": 2, "3": 3, "b": 1, "c": 2}
    asked = [("classes", ",".join(parts))]
    if set(parts) <= known.keys():
        wanted = wanted_of(asked, Serving(), names)
        assert wanted.classes == tuple(dict.fromkeys(known[part] for part in parts))
    else:
        with pytest.raises(UsageError):
            wanted_of(asked, Serving(), names)


def test_many_classes_do_not_hold_up_the_others() -> None:
    names = tuple(f"a class of number {number}" for number in range(10_000))
    query = ",".join([*names[:500], *(f"unknown {number}" for number in range(2000))] * 5)
    began = time.process_time()
    with pytest.raises(UsageError):
        wanted_of([("classes", query)], Serving(), names)
    assert time.process_time() - began < 0.4  # 11 ms; a search for each took 0.7 s


def test_the_log_says_nothing_of_what_strangers_send(server: Server) -> None:
    exchanged(server, b"\x1b[31mred\r\n\r\n")
    log = server.log.read_text()
    assert re.fullmatch(r"(\S+Z [^\n]+\n)*", log)
    assert "Traceback" not in log
    assert "red" not in log
