"""TLS, tokens and the end of a process, by those who do not mean well."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ports import free_port
from yolodeploy.core.serving import ServeConfig

from .pictures import encoded, plain
from .raw import connected, one, post
from .running import LIMIT_S, Reply, Server, ask, until
from .test_limits import TOKEN, certificate, secure_ask, token_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Start

PICTURE = encoded(plain())


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_an_end_serves_who_waits_and_is_not_held_up_by_who_does_not_speak(
    start: Start, tmp_path: Path, tls: bool
) -> None:
    """In the queue of a port that is left are honest clients, port scans and silent ones."""
    cert, key = certificate(tmp_path)
    port = free_port()
    settings = {"tls_certificate": cert, "tls_key": key} if tls else {}
    server = start(port=port, **settings).wait_ready()
    replies: list[Reply] = []

    def honest() -> None:
        if tls:
            replies.append(secure_ask(port, cert, "/detect"))
        else:
            replies.append(ask(port, "/detect", PICTURE, method="POST"))

    server.process.send_signal(signal.SIGSTOP)
    with ExitStack() as stack:
        for content in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", None) * 5:
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", port), LIMIT_S))
            if content is None:  # gone with a reset
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                stranger.close()
            else:
                stranger.sendall(content)
        threads = [threading.Thread(target=honest) for _ in range(8)]
        for thread in threads:
            thread.start()
        until(lambda: waiting(port) >= 8)
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGCONT)
        for thread in threads:
            thread.join()
        assert [reply.status for reply in replies] == [200] * 8
        assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


def waiting(port: int) -> int:
    """Established connections to a local port whose first bytes (a greeting) nobody has read."""
    count = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues = line.split(maxsplit=5)[:5]
        unread = int(queues.rpartition(":")[2], 16)
        count += local.endswith(f":{port:04X}") and state == "01" and unread > 100
    return count


def test_a_body_under_way_at_the_end_is_waited_for(start: Start) -> None:
    server = start().wait_ready()
    with connected(server) as connection:
        connection.sendall(post(PICTURE)[:-10])
        until(lambda: server.ask("/metrics").status == 200)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: (found := server.address()) is not None and not found.ready)
        connection.sendall(PICTURE[-10:])
        assert one(connection).status == 200
    assert server.stop() == 0


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
def test_old_tls_is_refused(start: Start, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    port = free_port()
    start(port=port, tls_certificate=cert, tls_key=key).wait_ready()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as stranger, pytest.raises(OSError):
        context.wrap_socket(stranger)
    assert secure_ask(port, cert).status == 200


@pytest.mark.parametrize("fault", ["another key", "an encrypted key", "a certificate only"])
def test_a_key_that_does_not_fit_is_told_and_nobody_is_asked_for_a_password(
    start: Start, tmp_path: Path, fault: str
) -> None:
    cert, key = certificate(tmp_path)
    wrong = tmp_path / "wrong.pem"
    if fault == "another key":
        command = ["openssl", "genrsa", "-out", str(wrong), "2048"]
    else:
        command = ["openssl", "rsa", "-aes128", "-passout", "pass:secret", "-in", key]
        command += ["-out", str(wrong)]
    subprocess.run(command, check=True, capture_output=True)
    given = "" if fault == "a certificate only" else str(wrong)
    server = start(port=free_port(), tls_certificate=cert, tls_key=given)
    assert server.ended() == 2
    assert "serve.tls" in server.log.read_text()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[int]:
    """The port of a server that wants a token."""
    folder = tmp_path_factory.mktemp("guarded")
    tokens = str(token_file(folder))
    config = ServeConfig(model=str(model), state_dir=str(folder / "state"), token_file=tokens)
    server = Server(config, folder).wait_ready()
    address = server.address()
    assert address is not None
    yield address.port
    assert server.stop() == 0


@pytest.mark.parametrize(
    "line",
    [
        "POST /detect", "POST //detect", "POST /healthz/../detect", "POST /./detect",
        "POST /detect/", "POST /DETECT", "POST /detect;/healthz", "POST /healthz%2f..%2fdetect",
        "POST /detect?/healthz", "POST http://x/detect", "POST http://x/healthz/../detect",
        "GET /info", "GET /%69nfo", "HEAD /info", "OPTIONS /info", "GET /info?authorization=x",
        "GET /healthz%00/info", "PUT /readyz/info",
    ],
)  # fmt: skip
def test_no_way_of_writing_a_path_leads_past_the_tokens(guarded: int, line: str) -> None:
    asked = f"{line} HTTP/1.1\r\nhost: x\r\nx-original-url: /healthz\r\ncontent-length: 0\r\n"
    for more in ("", "authorization: \r\n", "authorization: Bearer \r\n", "x-api-key: \r\n"):
        answer = talk(guarded, f"{asked}connection: close\r\n{more}\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 401 "), answer


@pytest.mark.parametrize("length", [300_000, 8 << 20])
def test_who_sends_a_picture_without_a_token_sees_why_it_is_refused(
    guarded: int, length: int
) -> None:
    """A server that closes at once resets the connection under the sender's feet."""
    answer = talk(guarded, post(bytes(length)) + b"GET / HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"serve.unauthorized" in answer


def talk(port: int, asked: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as connection:
        connection.sendall(asked)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_a_token_file_too_large_to_be_read_whole_is_refused(tmp_path: Path, start: Start) -> None:
    """What is cut off may leave half a token."""
    content = f"{TOKEN}\n" + "x" * 70_000
    server = start(token_file=str(token_file(tmp_path, content=content)))
    assert server.ended() == 2
    assert "64 kB" in server.log.read_text()
