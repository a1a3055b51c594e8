"""Too much, too late, too slow, not allowed: told at once, and everybody else is served."""

from __future__ import annotations

import http.client
import os
import resource
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ports import free_port
from yolodeploy.core.errors import Unreachable, UsageError
from yolodeploy.core.release import Serving
from yolodeploy.serve.admission import MOST_WAIT_S, MOST_WAITING, Admission
from yolodeploy.serve.tokens import tokens_of

from .limits import open_files, rss_mb
from .pictures import encoded, plain
from .running import LIMIT_S, Reply, Server, ask
from .test_endpoints import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Start

PICTURE = encoded(plain())
TOKEN = "a-token-of-the-app-1"


@given(st.integers(1, 16), st.floats(0.001, 5), st.integers(0, 100), st.floats(0.1, 60))
def test_nobody_waits_longer_than_the_bound(
    workers: int, service_s: float, in_flight: int, limit_s: float
) -> None:
    admission = Admission(workers)
    admission.served(service_s)
    ahead = in_flight - workers + 1
    expected_s = max(ahead, 0) * service_s / workers
    fits = expected_s <= min(MOST_WAIT_S, limit_s) and ahead <= MOST_WAITING
    if ahead <= 0 or fits:
        admission.demand_place(in_flight, limit_s)
        return
    with pytest.raises(Unreachable) as caught:
        admission.demand_place(in_flight, limit_s)
    assert int(caught.value.fields["retry_after_s"]) >= max(1, expected_s)


def test_an_idle_worker_takes_whatever_comes() -> None:
    admission = Admission(1)
    admission.served(1000.0)
    admission.demand_place(0, 0.001)


def test_a_request_that_would_be_late_is_refused_and_one_that_is_late_is_told(
    start: Start, slow_model: Path
) -> None:
    server = start(slow_model, serving=Serving(threads=1)).wait_ready()
    server.detect(PICTURE)
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: server.detect(PICTURE, x_deadline_ms="1"), range(12)))
    codes = {(reply.status, reply.json.get("code")) for reply in replies}
    assert codes <= {(429, "serve.busy"), (504, "serve.deadline")}
    assert (504, "serve.deadline") in codes
    assert server.detect(PICTURE).status == 200


def test_the_release_sets_the_deadline_for_those_who_name_none(
    start: Start, slow_model: Path
) -> None:
    server = start(slow_model, serving=Serving(deadline_ms=1)).wait_ready()
    refused(server.detect(PICTURE), 504, "serve.deadline")
    assert server.detect(PICTURE, x_deadline_ms="20000").status == 200


@pytest.mark.parametrize("value", ["0", "-1", "x", "1e3", "9999999", "٣"])
def test_a_deadline_out_of_bounds_is_refused(server: Server, value: str) -> None:
    reply = server.detect(PICTURE, x_deadline_ms=value.encode().decode("latin-1"))
    refused(reply, 400, "serve.parameter_invalid")


def token_file(folder: Path, mode: int = 0o600, content: str = f"{TOKEN}\n") -> Path:
    path = folder / "tokens"
    path.write_text(content)
    path.chmod(mode)
    return path


def test_only_who_brings_a_token_is_answered(start: Start, tmp_path: Path) -> None:
    content = f"another-token-123456\n{TOKEN}\n"
    server = start(token_file=str(token_file(tmp_path, content=content))).wait_ready()
    reply = server.detect(PICTURE)
    refused(reply, 401, "serve.unauthorized")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in reply.body.decode()
    for wrong in ("Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}"):
        assert server.detect(PICTURE, authorization=wrong).status == 401
    assert server.detect(PICTURE, authorization=f"Bearer {TOKEN}").status == 200
    assert server.detect(PICTURE, authorization=f"bearer {TOKEN}").status == 200
    assert server.detect(PICTURE, x_api_key="another-token-123456").status == 200
    # what probes, Prometheus and the collector read stays open
    for path in ("/healthz", "/readyz", "/metrics", "/sketches"):
        assert server.ask(path).status == 200
    assert server.ask("/info").status == 401
    assert TOKEN not in server.log.read_text()


@pytest.mark.parametrize(
    ("mode", "content"),
    [(0o644, f"{TOKEN}\n"), (0o640, f"{TOKEN}\n"), (0o600, ""), (0o600, "short\n")],
)
def test_a_token_file_that_is_open_or_weak_is_refused(
    tmp_path: Path, mode: int, content: str
) -> None:
    with pytest.raises(UsageError) as caught:
        tokens_of(str(token_file(tmp_path, mode, content)))
    assert caught.value.code == "serve.token_file"
    assert TOKEN not in caught.value.text()


def test_a_server_without_its_token_file_does_not_start(start: Start, tmp_path: Path) -> None:
    server = start(token_file=str(tmp_path / "none"))
    assert server.ended() == 2
    assert "serve.token_file" in server.log.read_text()


def certificate(folder: Path) -> tuple[str, str]:
    paths = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(paths[1]),
         "-out", str(paths[0])],
        check=True, capture_output=True,
    )  # fmt: skip
    return str(paths[0]), str(paths[1])


def secure_ask(port: int, cert: str, path: str = "/readyz") -> Reply:
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port, timeout=LIMIT_S, context=ssl.create_default_context(cafile=cert)
    )
    try:
        connection.request("POST" if path == "/detect" else "GET", path, PICTURE)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()


def test_the_shared_port_speaks_tls(start: Start, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    port = free_port()
    server = start(port=port, tls_certificate=cert, tls_key=key).wait_ready()
    assert secure_ask(port, cert, "/detect").status == 200
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as plain_text:
        plain_text.sendall(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"200" not in plain_text.recv(1000)
    assert server.stop() == 0


def test_a_certificate_that_is_none_is_told(start: Start, tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    server = start(port=free_port(), tls_certificate=str(junk), tls_key=str(junk))
    assert server.ended() == 2
    assert "serve.tls" in server.log.read_text()


@pytest.mark.parametrize(("files", "connections"), [(4096, 4096 - 512), (256, 128)])
def test_cameras_and_sinks_have_files_of_their_own(files: int, connections: int) -> None:
    """Eighty cameras are not kept from being read by those who only hold connections open."""
    asked = f"""
import resource
from yolodeploy.serve.crowd import most_connections
resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))
print(most_connections(secure=False))
"""
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True)
    assert int(told.stdout) == connections


@pytest.fixture
def most_files() -> Iterator[int]:
    """How many files this process may open, after it has asked for all it can get."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_thousands_of_connections_that_owe_us_something_keep_nobody_out(
    start: Start, most_files: int, tmp_path: Path, tls: bool
) -> None:
    """Slowloris: whoever has been idle, in his handshake, head or body longest, makes room."""
    count = min(3_600 if tls else 11_000, most_files - 500)
    if count < 2000:
        pytest.skip(f"only {most_files} files may be open here")
    settings = dict(zip(("tls_certificate", "tls_key"), certificate(tmp_path), strict=True))
    port = free_port()
    server = start(port=port, **(settings if tls else {})).wait_ready()
    before = rss_mb(server)
    begun = (
        b"",
        b"POST /detect HTTP/1.1\r\nhost: x\r\n",
        b"POST /detect HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc",
        b"\x16\x03\x01",
    )
    with ExitStack() as stack:
        for index in range(count):
            # from another address: they take a third of all ports, which other tests listen on
            connected = socket.create_connection(("127.0.0.1", port), LIMIT_S, ("127.0.0.9", 0))
            made = stack.enter_context(connected)
            made.sendall(begun[3 * (index % 2) if tls else index % 3])
        asked = secure_ask(port, settings["tls_certificate"]) if tls else ask(port, "/readyz")
        assert asked.status == 200
        assert server.detect(PICTURE).status == 200
        assert open_files(server) <= (3_100 if tls else 10_100)
        assert rss_mb(server) - before < 400
    assert server.detect(PICTURE).status == 200


def test_a_sender_that_drips_is_given_up_on(start: Start) -> None:
    server = start().wait_ready()
    address = server.address()
    assert address is not None
    with socket.create_connection(("127.0.0.1", address.port), timeout=LIMIT_S) as connection:
        connection.sendall(b"POST /detect HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\r\n")
        end = time.monotonic() + LIMIT_S
        answer = b""
        connection.settimeout(0.5)
        while not answer and time.monotonic() < end:
            try:
                connection.sendall(b"x" * 100)
                answer = connection.recv(4096)
            except TimeoutError:
                continue
        assert b"408" in answer.partition(b"\r\n")[0]


def test_half_closed_and_chunked_garbage_break_nothing(start: Start) -> None:
    server = start().wait_ready()
    address = server.address()
    assert address is not None
    head = b"POST /detect HTTP/1.1\r\nhost: x\r\n"
    sent = [
        head + b"transfer-encoding: chunked\r\n\r\nzzzz\r\n",
        head + b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
        head + b"content-length: -5\r\n\r\n",
        head + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        head + b"content-length: 100\r\n\r\nshort",
        head + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00" + os.urandom(200),
        os.urandom(3000),
    ]
    for content in sent:
        with socket.create_connection(("127.0.0.1", address.port), timeout=LIMIT_S) as connection:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            try:
                while connection.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    assert server.detect(PICTURE).status == 200
    assert server.ask("/healthz").status == 200
