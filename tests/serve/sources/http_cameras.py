"""HTTP cameras, good and bad, a path each: what a server of a few lines sends over real sockets."""

from __future__ import annotations

import base64
import os
import ssl
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

USER, PASSWORD = "viewer", "p@ss/w:ord ü"
RATE_S = 0.05


def jpeg(number: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """A picture that differs from the one before it."""
    width, height = size
    picture = np.full((height, width, 3), 90, np.uint8)
    x = 8 * number % width
    cv2.rectangle(picture, (x, 40), (x + 60, 140), (250, 200, 30), -1)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def moving(number: int) -> bytes:
    return jpeg(number)


def black(number: int) -> bytes:
    return cv2.imencode(".jpg", np.full((240, 320, 3), 5, np.uint8))[1].tobytes()


def changing(number: int) -> bytes:
    """The size changes every five pictures."""
    return jpeg(number, ((320, 240), (640, 360), (160, 120))[number // 5 % 3])


def broken(number: int) -> bytes:
    """Every third is noise, every sixth is cut."""
    whole = jpeg(number)
    if number % 6 == 0:
        return whole[: len(whole) // 3]
    return os.urandom(len(whole)) if number % 3 == 0 else whole


class HttpCameras:
    """A server; `url("moving")` is a camera."""

    def __init__(self, certificate: Path | None = None) -> None:
        """`certificate`: a PEM file with its key, which makes it speak TLS."""
        self.opened: dict[str, int] = {}
        self.video = b""
        self._end = threading.Event()
        cameras = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                name = self.path.strip("/").partition("?")[0]
                cameras.opened[name] = cameras.opened.get(name, 0) + 1
                with suppress(OSError):
                    getattr(cameras, f"_{name}")(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, name: str) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/{name}"

    def close(self) -> None:
        self._end.set()
        self._server.shutdown()

    def _stream(
        self, answer: BaseHTTPRequestHandler, picture: Callable[[int], bytes], most: int = 100_000
    ) -> None:
        answer.send_response(200)
        answer.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        answer.end_headers()
        for number in range(most):
            body = picture(number)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
            answer.wfile.write(head.encode() + body + b"\r\n")
            if self._end.wait(RATE_S):
                return

    def _moving(self, answer: BaseHTTPRequestHandler) -> None:
        self._stream(answer, moving)

    def _black(self, answer: BaseHTTPRequestHandler) -> None:
        self._stream(answer, black)

    def _still(self, answer: BaseHTTPRequestHandler) -> None:
        self._stream(answer, lambda _: jpeg(1))

    def _changing(self, answer: BaseHTTPRequestHandler) -> None:
        self._stream(answer, changing)

    def _broken(self, answer: BaseHTTPRequestHandler) -> None:
        self._stream(answer, broken)

    def _rubbish(self, answer: BaseHTTPRequestHandler) -> None:
        """Good at first, noise from then on."""
        self._stream(answer, lambda number: jpeg(number) if number < 5 else os.urandom(5000))

    def _cut(self, answer: BaseHTTPRequestHandler) -> None:
        self._stream(answer, moving, most=5)

    def _guarded(self, answer: BaseHTTPRequestHandler) -> None:
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if answer.headers.get("Authorization") == f"Basic {wanted}":
            self._stream(answer, moving)
            return
        answer.send_response(401)
        answer.send_header("WWW-Authenticate", 'Basic realm="camera"')
        answer.end_headers()

    def _missing(self, answer: BaseHTTPRequestHandler) -> None:
        answer.send_error(404)

    def _loop(self, answer: BaseHTTPRequestHandler) -> None:
        self._redirect(answer, "/loop")

    def _inside(self, answer: BaseHTTPRequestHandler) -> None:
        self._redirect(answer, "file:///etc/hostname")

    def _video(self, answer: BaseHTTPRequestHandler) -> None:
        self._whole(answer, self.video)

    def _page(self, answer: BaseHTTPRequestHandler) -> None:
        self._whole(answer, b"<html>sign in</html>" * 500)

    def _playlist(self, answer: BaseHTTPRequestHandler) -> None:
        lines = ("#EXTM3U", "#EXT-X-TARGETDURATION:9", "#EXTINF:9,", "file:///etc/hostname")
        self._whole(answer, "\n".join(lines).encode())

    def _zeros(self, answer: BaseHTTPRequestHandler) -> None:
        answer.send_response(200)
        answer.end_headers()
        for block in self._endless(bytes(1 << 20), 1000):
            answer.wfile.write(block)

    def _silent(self, answer: BaseHTTPRequestHandler) -> None:
        self._end.wait(60)

    def _stalls(self, answer: BaseHTTPRequestHandler) -> None:
        """Sends some pictures, and then nothing more."""
        self._stream(answer, moving, most=10)
        self._end.wait(60)

    def _endless(self, block: bytes, times: int) -> Iterator[bytes]:
        for _ in range(times):
            if self._end.is_set():
                return
            yield block
            time.sleep(0)

    def _redirect(self, answer: BaseHTTPRequestHandler, where: str) -> None:
        answer.send_response(302)
        answer.send_header("Location", where)
        answer.end_headers()

    def _whole(self, answer: BaseHTTPRequestHandler, body: bytes) -> None:
        answer.send_response(200)
        answer.send_header("Content-Length", str(len(body)))
        answer.end_headers()
        answer.wfile.write(body)
