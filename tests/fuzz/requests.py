"""Whole requests to a real server over real sockets, made by a grammar and then damaged."""

from __future__ import annotations

import atexit
import errno
import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tests.fuzz import seeds as files
from tests.fuzz.mutation import mutated
from tests.fuzz.target import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from tests.fuzz.target import Feed
    from tests.serve.running import Server

ANSWER_S = 120.0  # on a machine that has other things to do
MOST_MB = 700  # 256 MB of bodies, their copies, and what it had at its start
EVERY = 100  # exchanges, a good picture is sent
UNAVAILABLE = frozenset({503, 504})
PATHS = (
    b"/detect", b"/detect?conf=0.1&format=annotated", b"/detect?classes=9", b"/readyz", b"/healthz",
    b"/metrics", b"/sketches", b"/info", b"/", b"/openapi.json", b"/nothing", b"//", b"/%00%ff",
    b"http://x/detect", b"*", b"/v2", b"/v2/models/model", b"/v2/models/model/infer",
    b"/v2/models/%2e%2e/ready", b"/v2/health/ready", b"/stream", b"/stream?latest=1",
    b"/cameras", b"/cameras/x/view", b"/shadow", b"/samples?before=%ff", b"/samples/..%2f..%2fx",
    b"/sinks",
)  # fmt: skip
METHODS = (b"POST", b"POST", b"POST", b"POST", b"GET", b"GET", b"HEAD", b"PUT", b"OPTIONS", b"get")
FIELDS = (
    b"expect: 100-continue", b"connection: close", b"connection: keep-alive", b"x-deadline-ms: 1",
    b"x-request-id: \xff\x01", b"connection: upgrade\r\nupgrade: h2c", b"authorization: Bearer x",
    b"content-encoding: gzip", b"inference-header-content-length: 106", b"host: y", b"x-shadow: 1",
    b"content-type: multipart/form-data; boundary=XX", b"content-type: application/json", b"te: x",
    b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    b"a:" + b"b" * 5000, b"range: bytes=0-", b" folded", b"transfer-encoding: gzip", b"cookie:",
)  # fmt: skip
WORDS = (
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\0",
    b"chunked",
    b"content-length: 5\r\n",
    b"0\r\n\r\n",
    b":",
)


class Exchange(msgspec.Struct, array_like=True):
    """What is sent on one connection, piece by piece; and whether it is half-closed behind it."""

    pieces: list[bytes]
    half_closed: bool = True


def seeds() -> Sequence[bytes]:
    """The bodies that requests are made of."""
    return [*files.pictures(), files.form(files.pictures()[0]), *files.INFER, b"", b"text"]


def made(chance: Random, bodies: Sequence[bytes]) -> bytes:
    """An exchange of one to four requests."""
    sent = b"".join(
        _request(chance, chance.choice(bodies)) for _ in range(chance.choice((1, 1, 1, 2, 4)))
    )
    if chance.random() < 0.5:
        sent = mutated(chance, sent, bodies, WORDS, 1 << 17)
    pieces = []
    for _ in range(chance.choice((0, 0, 1, 3))):
        cut = chance.randrange(len(sent) + 1)
        pieces.append(sent[:cut])
        sent = sent[cut:]
    return msgspec.msgpack.encode(Exchange([*pieces, sent], chance.random() < 0.9))


def _request(chance: Random, body: bytes) -> bytes:
    line = chance.choice(METHODS) + b" " + chance.choice(PATHS) + b" HTTP/1.1"
    if chance.random() < 0.1:
        line = line[:-1] + chance.choice((b"0", b"2", b""))
    fields = [b"host: x"] if chance.random() < 0.95 else []
    fields += chance.sample(FIELDS, chance.choice((0, 0, 1, 2, 5)))
    if b"websocket" in b"".join(fields):
        body = b"".join(_frame(chance, body) for _ in range(chance.randrange(4)))
        return b"\r\n".join((b"GET " + line.partition(b" ")[2], *fields, b"", body))
    framing, body = _framed(chance, body)
    fields += framing
    chance.shuffle(fields)
    return b"\r\n".join((line, *fields, b"", body))


def _framed(chance: Random, body: bytes) -> tuple[list[bytes], bytes]:
    """The fields that say where a body ends, mostly truly."""
    length = b"content-length: %d"
    match chance.randrange(10):
        case 0:
            return [], body
        case 1:
            return [length % (len(body) + chance.choice((-1, 1, 1 << 40)))], body
        case 2:
            return [length % len(body), b"transfer-encoding: chunked"], body
        case 3 | 4 | 5:
            return [b"transfer-encoding: chunked"], _chunks(chance, body)
        case _:
            return [length % len(body)], body


def _chunks(chance: Random, body: bytes) -> bytes:
    parts = []
    while body:
        size = chance.choice((1, 7, 300, len(body)))
        part, body = body[:size], body[size:]
        extension = chance.choice((b"", b"", b"", b";a=b", b';"\\\\"', b" "))
        parts += [b"%x" % (len(part) + (chance.random() < 0.02)), extension, b"\r\n", part, b"\r\n"]
    trailer = chance.choice((b"", b"", b"x-more: y\r\n", b"a:\r\n" * 200))
    return b"".join(parts) + b"0\r\n" + trailer + b"\r\n"


def _frame(chance: Random, body: bytes) -> bytes:
    """A frame of a WebSocket, mostly a whole picture with its mask of zeros."""
    body = body[:60_000]
    first = chance.choice((0x82, 0x82, 0x82, 0x81, 0x02, 0x80, 0x88, 0x89, 0x8A, 0xF2))
    masked = 0x80 if chance.random() < 0.95 else 0
    return bytes((first, masked | 126)) + len(body).to_bytes(2, "big") + bytes(4) + body


class _Running(NamedTuple):
    server: Server
    port: int


def opened() -> Feed:
    """Start a server; what is fed goes to it."""
    running = _started()
    picture = files.pictures()[0]
    count = 0
    log = running.server.log.open("rb")

    def feed(content: bytes) -> None:
        nonlocal count
        try:
            exchange = msgspec.msgpack.decode(content, type=Exchange)
        except msgspec.DecodeError:
            return
        received = _received(running.port, exchange)
        if running.server.process.poll() is not None:
            raise Wrong(f"the server ended: {running.server.log.read_text()[-3000:]}")
        _demand_answers(received)
        # of this exchange, or of one just before it
        if b"Traceback" in (said := log.read()):
            raise Wrong(f"in the log: {said[-3000:].decode(errors='replace')}")
        count += 1
        if count % EVERY == 1:
            _demand_health(running, picture)

    return feed


def _started() -> _Running:
    from tests.serve.models import constant_model, raw_head, written
    from tests.serve.running import Server
    from yolodeploy.core.serving import ServeConfig

    folder = Path(tempfile.mkdtemp(prefix="fuzzed-server-"))
    model = written(constant_model(raw_head([(32, 32, 20, 20, 0.9, 1)])), folder / "model.onnx")
    # it ends with this process, however that ends
    config = ServeConfig(
        model=str(model), state_dir=str(folder / "state"), app="model", exit_with_parent=True
    )
    server = Server(config, folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.stop)
    _patiently(lambda: (found := server.address()) is not None and found.ready)
    address = server.address()
    assert address is not None
    return _Running(server, address.port)


def _patiently(holds: Callable[[], bool]) -> None:
    import time

    end = time.monotonic() + ANSWER_S
    while not holds():
        if time.monotonic() > end:
            raise Wrong("the server does not start")
        time.sleep(0.02)


def _received(port: int, exchange: Exchange) -> bytes:
    """All that comes back; a reset is an end like another one."""
    received = b""
    with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), ANSWER_S) as it:
        for piece in exchange.pieces:
            it.sendall(piece)
        if not exchange.half_closed:
            return b""  # gone, whatever would come
        try:
            it.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:  # it was reset meanwhile
                raise
        while part := it.recv(1 << 16):
            received += part
    return received


def _demand_answers(received: bytes) -> None:
    """Each answer is one, and none says that we have made a mistake."""
    while received:
        head, found, rest = received.partition(b"\r\n\r\n")
        status = head[9:12]
        if not head.startswith(b"HTTP/1.1 ") or not status.isdigit():
            raise Wrong(f"no answer: {received[:300]!r}")
        if status == b"101":
            return  # frames follow
        if int(status) >= 500 and int(status) not in UNAVAILABLE:
            raise Wrong(f"{head!r} {rest[:500]!r}")
        if not found:
            return
        lines = head.lower().split(b"\r\n")
        lengths = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
        received = rest[lengths[0] if lengths else 0 :]
        if not lengths and status not in {b"100", b"204"}:
            raise Wrong(f"an answer without a length: {head!r}")
        if received and not received.startswith(b"HTTP/1.1 "):
            return  # of a HEAD: its length is that of a body that did not come


def _demand_health(running: _Running, picture: bytes) -> None:
    from tests.serve.limits import peak_mb

    asked = b"POST /detect HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(picture)
    answer = _received(running.port, Exchange([asked + picture]))
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise Wrong(f"a good picture was answered with {answer[:300]!r}")
    if (peak := peak_mb(running.server)) > MOST_MB:
        raise Wrong(f"the server has taken {peak:.0f} MB")
