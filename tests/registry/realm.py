"""A realm that gives tokens: the part of the protocol that a registry leaves to somebody else.

The tokens are signed, and Debian's registry checks them.
"""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.registry.certificates import Certificate
from tests.registry.real import PASSWORD, USER

ISSUER, SERVICE = "test realm", "test registry"
IDENTITY = "an identity token"


class Asked(NamedTuple):
    """One request for a token."""

    method: str
    scopes: tuple[str, ...]
    authorization: str
    refused: bool


class Realm:
    """Its address, and who asked it for what."""

    def __init__(self, signer: Certificate) -> None:
        self.signer = signer
        self.url = ""
        self.asked: list[Asked] = []
        self.life_s = 300

    def token(self, scopes: tuple[str, ...]) -> str:
        """A JSON web token, signed by openssl."""
        now = int(time.time())
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        claims = {"iss": ISSUER, "sub": USER, "aud": SERVICE, "exp": now + 300, "nbf": now - 10,
                  "iat": now - 10, "jti": "1", "access": access}  # fmt: skip
        pem = self.signer.certificate.read_text()
        inside = pem.partition("CERTIFICATE-----\n")[2].partition("-----END")[0]
        header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(inside.split())]}
        signed = f"{_web(json.dumps(header).encode())}.{_web(json.dumps(claims).encode())}"
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", str(self.signer.key)],
            input=signed.encode(), capture_output=True, check=True,
        ).stdout  # fmt: skip
        return f"{signed}.{_web(signature)}"


def _web(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class _Handler(BaseHTTPRequestHandler):
    realm: Realm

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        authorization = self.headers.get("Authorization", "")
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self._give(tuple(query.get("scope", [])), authorization == f"Basic {expected}")

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        scopes = tuple(form["scope"][0].split())
        self._give(scopes, form["refresh_token"] == [IDENTITY], name="access_token")

    def _give(self, scopes: tuple[str, ...], known: bool, name: str = "token") -> None:
        authorization = self.headers.get("Authorization", "")
        self.realm.asked.append(Asked(self.command, scopes, authorization, not known))
        content = json.dumps(
            {name: self.realm.token(scopes), "expires_in": self.realm.life_s} if known else {}
        ).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def realm(signer: Certificate) -> Iterator[Realm]:
    """Run one."""
    one = Realm(signer)
    handler = type("OfThisRealm", (_Handler,), {"realm": one})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    one.url = f"http://127.0.0.1:{server.server_address[1]}/token"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
