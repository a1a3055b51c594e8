"""Who may ask: tokens of the app, in a file that only its owner can read."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from yolodeploy.core.errors import UsageError
from yolodeploy.serve.http import refusal
from yolodeploy.serve.secret_files import content_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

SHORTEST = 16
MOST_TOKENS = 100
# what probes, Prometheus and the site's collector read, and the page that has a field for a token
OPEN_PATHS = frozenset(
    {
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/sketches",
        "/openapi.json",
        "/v2/health/live",
        "/v2/health/ready",
    }
)
# Browsers cannot give a WebSocket headers. They offer protocols: this one, which is accepted, and
# one more that carries the token in base64url; an address would end up in logs and histories
PROTOCOL = "yolodeploy"
BEARER = "yolodeploy.bearer."


def tokens_of(path: str) -> tuple[bytes, ...]:
    """The digests of the tokens in a file, one a line.

    Raises:
        UsageError: `serve.token_file`.
    """
    lines = content_of(path, "serve.token_file").split()
    if not lines or len(lines) > MOST_TOKENS or min(map(len, lines)) < SHORTEST:
        reason = f"1 to {MOST_TOKENS} tokens of {SHORTEST} characters or more are needed"
        raise UsageError("serve.token_file", path=path, reason=reason)
    return tuple(hashlib.sha256(line).digest() for line in lines)


class Guarded:
    """An application that answers 401 to who brings none of the tokens."""

    def __init__(
        self, application: ASGIApp, tokens: tuple[bytes, ...], refused: Callable[[str], None]
    ) -> None:
        """`refused` is told the code of each refusal."""
        self._application = application
        self._tokens = tokens
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through or refuse it."""
        if scope["path"] in OPEN_PATHS or self._known(_brought(scope)):
            await self._application(scope, receive, send)
            return
        self._refused("serve.unauthorized")
        response = refusal(UsageError("serve.unauthorized"), scope["path"])
        await response(scope, receive, send)

    def _known(self, token: bytes) -> bool:
        digest = hashlib.sha256(token).digest()
        # every one is compared: the time tells nothing of which fits, or how far
        return sum(hmac.compare_digest(digest, known) for known in self._tokens) > 0


def _brought(scope: Scope) -> bytes:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip()
    if b"x-api-key" in headers:
        return headers[b"x-api-key"]
    for protocol in scope.get("subprotocols", ()):
        if protocol.startswith(BEARER):
            return _decoded(protocol[len(BEARER) :])
    return b""


def _decoded(text: str) -> bytes:
    """Base64url without its padding, as Kubernetes' API server takes tokens over WebSockets."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
