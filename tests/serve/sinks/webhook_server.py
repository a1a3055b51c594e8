"""A web server that takes messages, or answers as a test wants it to."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message


class Posted(NamedTuple):
    """One request."""

    path: str
    headers: Message
    body: bytes
    connection: int


class Answer(NamedTuple):
    """What a request is answered with; status 0: the connection is closed instead.

    `short` bytes of the body are missing when it is closed.
    """

    status: int
    headers: dict[str, str] = {}  # noqa: RUF012 - a named tuple's
    body: bytes = b"ok"
    after_s: float = 0.0
    close: bool = False
    short: int = 0


TAKEN = Answer(200)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # head and body go apart, and the client's kernel acknowledges the head 40 ms later
    disable_nagle_algorithm = True
    server: _Listener

    def do_POST(self) -> None:
        webhook = self.server.webhook
        body = self.rfile.read(int(self.headers["content-length"]))
        posted = Posted(self.path, self.headers, body, self.client_address[1])
        with webhook.lock:
            webhook.posted.append(posted)
            webhook.at_s.append(time.monotonic())
        answer = webhook.answer(posted)
        webhook.released.wait(answer.after_s)
        if 200 <= answer.status < 300:
            with webhook.lock:
                webhook.taken.append(body)
        self._answer(answer)

    def _answer(self, answer: Answer) -> None:
        self.close_connection = answer.close or not answer.status or bool(answer.short)
        if not answer.status:
            return
        with suppress(ConnectionError):
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[answer.short :])

    def log_message(self, *_: object) -> None:
        pass


class _Listener(ThreadingHTTPServer):
    webhook: WebhookServer
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


class WebhookServer:
    """`posted` is all that came, `taken` the bodies that were answered with 2xx."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.posted: list[Posted] = []
        self.taken: list[bytes] = []
        self.at_s: list[float] = []
        self.lock = threading.Lock()
        self.answer: Callable[[Posted], Answer] = lambda posted: TAKEN
        self.released = threading.Event()
        self._scheme = "https" if tls else "http"
        self._server = _Listener(("127.0.0.1", port), _Handler)
        self._server.webhook = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://localhost:{self.port}/results?line=1"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def one_by_one(*answers: Answer) -> Callable[[Posted], Answer]:
    """These answers, then 200."""
    left = iter(answers)
    lock = threading.Lock()

    def answer(_: Any) -> Answer:
        with lock:
            return next(left, TAKEN)

    return answer


@contextmanager
def dribbling_port() -> Iterator[int]:
    """Who takes a connection and answers it a byte at a time, for ever."""
    left = threading.Event()

    def dribble(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not left.wait(0.02):
                connection.sendall(b"y")

    with silent_port() as listener:
        thread = threading.Thread(target=dribble, args=(listener,), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            left.set()
            thread.join()


def silent_port() -> socket.socket:
    """Who takes connections and never says anything."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener
