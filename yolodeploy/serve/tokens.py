"""Who may ask: tokens of the app, in a file that only its owner can read."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import UsageError
from yolodeploy.core.serving import ErrorResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHORTEST = 16
MOST_TOKENS = 100
# what probes, Prometheus and the site's collector read, and the page that has a field for a token
OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/metrics", "/sketches"})


def tokens_of(path: str) -> tuple[bytes, ...]:
    """The digests of the tokens in a file, one a line.

    Raises:
        UsageError: `serve.token_file`.
    """
    try:
        with Path(path).open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise UsageError("serve.token_file", path=path, reason="others can read it")
            lines = file.read(1 << 16).split()
    except OSError as error:
        raise UsageError("serve.token_file", path=path, reason=error.strerror) from error
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
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            for message in _REFUSAL:
                await send(message)

    def _known(self, token: bytes) -> bool:
        digest = hashlib.sha256(token).digest()
        # every one is compared: the time tells nothing of which fits, or how far
        return sum(hmac.compare_digest(digest, known) for known in self._tokens) > 0


def _brought(scope: Scope) -> bytes:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")


def _refusal() -> tuple[Message, Message]:
    error = UsageError("serve.unauthorized")
    body = msgspec.json.encode(
        ErrorResponse(code=error.code, text=error.text(), remedy=error.remedy())
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", b"Bearer"),
        # the body is not read
        (b"connection", b"close"),
    ]
    start: Message = {"type": "http.response.start", "status": 401, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


_REFUSAL = _refusal()
