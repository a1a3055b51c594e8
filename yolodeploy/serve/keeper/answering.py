"""The keeper over HTTP, by the standard library: a pod of a moment, with little memory.

GET  /engines                         `KeeperTold`
POST /engines/KEY/NAME?offset=BYTES   a piece; how much is there then (`Taken`)
"""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from yolodeploy.core.engines import PIECE, Taken
from yolodeploy.serve.keeper.taking import NotOffered, OtherContent, OtherOffset, Taking

MOST_AT_ONCE = 8
PATIENCE_S = 60.0  # for the rest of a piece: 9 kB/s do


class Answering(ThreadingHTTPServer):
    """One keeper; `asked_at` is when somebody last asked (monotonic)."""

    daemon_threads = True
    request_queue_size = MOST_AT_ONCE

    def __init__(self, address: tuple[str, int], taking: Taking) -> None:
        super().__init__(address, _Handler)
        self.taking = taking
        self.asked_at = time.monotonic()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Answering
    protocol_version = "HTTP/1.1"
    server_version = "keeper"
    sys_version = ""
    timeout = PATIENCE_S
    _STATUS: ClassVar[dict[type[Exception], int]] = {
        NotOffered: 404, OtherOffset: 409, OtherContent: 422,
    }  # fmt: skip

    def do_GET(self) -> None:
        self.server.asked_at = time.monotonic()
        if urlsplit(self.path).path != "/engines":
            self._say(404, b"{}")
            return
        self._say(200, msgspec.json.encode(self.server.taking.told()))

    def do_POST(self) -> None:
        asked = urlsplit(self.path)
        parts = asked.path.split("/")
        length = self.headers.get("Content-Length", "")
        offset = (parse_qs(asked.query).get("offset") or ["0"])[0]
        if len(parts) != 4 or parts[1] != "engines" or not offset.isdecimal():
            self._refuse(404)
        elif not length.isdecimal() or int(length) > PIECE:
            self._refuse(413)
        else:
            self._take(parts[2], parts[3], int(offset), self.rfile.read(int(length)))

    def _take(self, key: str, name: str, offset: int, piece: bytes) -> None:
        self.server.asked_at = time.monotonic()
        try:
            there = self.server.taking.take(key, name, offset, piece)
        except (NotOffered, OtherOffset, OtherContent) as error:
            self._say(self._STATUS[type(error)], msgspec.json.encode(Taken()))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self._say(507, msgspec.json.encode(Taken(reason=reason)))
        else:
            self._say(200, msgspec.json.encode(Taken(there=there)))

    def _refuse(self, status: int) -> None:
        """Its body is not read: the connection ends."""
        self.close_connection = True
        self._say(status, b"{}")

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
        """Who asks is no news."""
