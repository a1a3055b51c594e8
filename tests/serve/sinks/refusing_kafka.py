"""A double: a Kafka broker that refuses every password.

librdkafka's mock cluster knows no SASL, and no broker that does can be installed on a test machine.
This speaks the three requests that come before the refusal, as the protocol describes them
(kafka.apache.org/protocol): ApiVersions 0, SaslHandshake 1, SaslAuthenticate 0.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

METADATA, HANDSHAKE, VERSIONS, AUTHENTICATE = 3, 17, 18, 36
UNSUPPORTED_VERSION, AUTHENTICATION_FAILED = 35, 58
SPOKEN = ((METADATA, 0, 1), (HANDSHAKE, 0, 1), (VERSIONS, 0, 0), (AUTHENTICATE, 0, 0))


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def _versions(version: int) -> bytes:
    error = UNSUPPORTED_VERSION if version else 0
    keys = b"".join(struct.pack(">hhh", *spoken) for spoken in SPOKEN)
    return struct.pack(">hi", error, len(SPOKEN)) + keys


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while head := self.rfile.read(4):
            request = self.rfile.read(*struct.unpack(">i", head))
            key, version, correlation = struct.unpack(">hhi", request[:8])
            if key == VERSIONS:
                body = _versions(version)
            elif key == HANDSHAKE:
                body = struct.pack(">hi", 0, 2) + _text("PLAIN") + _text("SCRAM-SHA-512")
            elif key == AUTHENTICATE:
                body = struct.pack(">h", AUTHENTICATION_FAILED) + _text("who are you?") + bytes(4)
            else:
                return
            answer = struct.pack(">i", correlation) + body
            self.wfile.write(struct.pack(">i", len(answer)) + answer)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def refusing_kafka() -> Iterator[str]:
    """Its address."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield "{}:{}".format(*server.server_address)
        server.shutdown()
        thread.join()
