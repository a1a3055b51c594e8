"""A double of a registry, for what a real one does not do: it lies, breaks off, asks for patience.

Written after the OCI distribution specification 1.1, in memory. Unlike docker's registry 2.8 it
keeps what arrived of a chunk that was cut. `meddle` sees each request first and may answer it.
"""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import NamedTuple
from urllib.parse import parse_qs

LIMIT_S = 300.0


class Seen(NamedTuple):
    """A request that came; headers by lower-case name."""

    method: str
    path: str
    headers: dict[str, str]


Meddle = Callable[["Handler"], bool]


class Double:
    """What it has, what it saw, and how it misbehaves."""

    def __init__(self) -> None:
        self.host = ""
        self.server: ThreadingHTTPServer
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.uploads: dict[str, bytearray] = {}
        # never by how many there are: two at once, one of which ends, would meet in the third
        self.upload_names = map("upload-{}".format, count(1))
        self.seen: list[Seen] = []
        self.meddle: Meddle = lambda _handler: False
        self.ranges = True
        self.connections = 0
        self.lock = threading.Lock()

    def wait_until_alone(self) -> None:
        """Until it has taken in what dead clients had sent, and their connections have ended."""
        deadline = time.monotonic() + LIMIT_S
        while self.connections:
            assert time.monotonic() < deadline, "somebody lives"
            time.sleep(0.02)

    def asked(self, method: str, part: str = "") -> list[Seen]:
        """The requests of a method whose path has a part."""
        return [one for one in self.seen if one.method == method and part in one.path]

    def behind(self, certificate: str, key: str, clients: str = "") -> None:
        """Speak TLS from now on, and ask who the clients of an authority are."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if clients:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_OPTIONAL
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    def put(self, media_type: str, content: bytes, tag: str = "") -> str:
        """Have a manifest, under its digest and a tag."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        for name in filter(None, (digest, tag)):
            self.manifests[name] = (media_type, content)
        return digest


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    double: Double

    def handle(self) -> None:
        with self.double.lock:
            self.double.connections += 1
        try:
            super().handle()
        finally:
            with self.double.lock:
                self.double.connections -= 1

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError, ValueError):
            self.close_connection = True

    def _any(self) -> None:
        self.path_only, _, query = self.path.partition("?")
        self.query = {name: values[0] for name, values in parse_qs(query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.double.lock:
            self.double.seen.append(Seen(self.command, self.path, headers))
        if not self.double.meddle(self):
            self._answer_well()

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = _any  # noqa: N815

    def log_message(self, *_arguments: object) -> None:
        pass

    def answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        """A whole answer; `Content_Type` stands for `Content-Type`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **named}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def body(self) -> Iterator[bytes]:
        """What is sent, as it arrives."""
        left = int(self.headers.get("Content-Length", "0"))
        while left:
            piece = self.rfile.read1(min(left, 65536))  # type: ignore[attr-defined]
            if not piece:
                raise ConnectionError
            left -= len(piece)
            yield piece

    def _answer_well(self) -> None:
        if self.path_only == "/v2/":
            self.answer(200, b"{}", Content_Type="application/json")
        elif "/blobs/uploads/" in self.path_only:
            self._upload()
        elif "/blobs/" in self.path_only:
            self._blob(self.path_only.rpartition("/")[2])
        elif "/manifests/" in self.path_only:
            self._manifest(self.path_only.rpartition("/")[2])
        else:
            self.answer(404)

    def _blob(self, digest: str) -> None:
        content = self.double.blobs.get(digest)
        if content is None:
            self.answer(404)
            return
        asked = self.headers.get("Range", "") if self.double.ranges else ""
        if asked:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            told = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.answer(206, content[start:], Content_Range=told)
        else:
            self.answer(200, content, Content_Type="application/octet-stream")

    def _manifest(self, name: str) -> None:
        if self.command == "PUT":
            content = b"".join(self.body())
            digest = self.double.put(self.headers["Content-Type"], content, name)
            self.answer(201, Docker_Content_Digest=digest)
            return
        if name not in self.double.manifests:
            self.answer(404)
            return
        media_type, content = self.double.manifests[name]
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.answer(200, content, Content_Type=media_type, Docker_Content_Digest=digest)

    def _upload(self) -> None:
        uploads = self.double.uploads
        name = self.path_only.rpartition("/")[2]
        if self.command == "POST":
            name = next(self.double.upload_names)
            uploads[name] = bytearray()
            self.answer(202, Location=f"{self.path_only}{name}?state=secret", Range="0-0")
        elif name not in uploads:
            list(self.body())
            self.answer(404)
        elif self.command == "GET":
            self.answer(204, Range=f"0-{max(len(uploads[name]) - 1, 0)}")
        else:
            self._receive(name, uploads[name])

    def _receive(self, name: str, upload: bytearray) -> None:
        start = int(self.headers.get("Content-Range", "0-").partition("-")[0])
        if start != len(upload):
            list(self.body())
            self.answer(416, Range=f"0-{max(len(upload) - 1, 0)}")
            return
        for piece in self.body():
            upload += piece
        if self.command == "PATCH":
            told = f"0-{len(upload) - 1}"
            self.answer(202, Location=f"{self.path_only}?state=secret", Range=told)
            return
        digest = self.query["digest"]
        del self.double.uploads[name]
        if digest != f"sha256:{hashlib.sha256(upload).hexdigest()}":
            self.answer(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"wrong digest"}]}')
            return
        self.double.blobs[digest] = bytes(upload)
        self.answer(201, Docker_Content_Digest=digest)


@contextmanager
def double() -> Iterator[Double]:
    """Run one on a port of its own."""
    one = Double()
    handler = type("OfThisDouble", (Handler,), {"double": one})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    one.server = server
    one.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
