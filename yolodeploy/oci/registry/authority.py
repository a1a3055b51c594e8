"""What is put into `Authorization`: nothing, a name and password, or a token that is fetched.

Distribution's token protocol (docs/spec/auth/token.md, auth/oauth.md): the registry names a realm,
the realm gives a token for a scope to whoever shows the credentials. Tokens live in memory alone.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import Failed
from yolodeploy.oci.registry.challenge import Challenge, parse_challenges
from yolodeploy.oci.registry.docker_config import Credentials

_LIFE_S = 60.0  # of a token that does not say how long it lives, by the specification
_EARLY_S = 10.0  # a token this close to its end is not used any more
_LARGEST = 1 << 20  # bytes of a realm's answer; tokens of Docker Hub have 3 kB
_CLIENT = "yolodeploy"


class _Token(msgspec.Struct, frozen=True):
    token: str = ""
    access_token: str = ""
    expires_in: float = _LIFE_S
    refresh_token: str = ""


known(_Token)


class AskRealm(Protocol):
    """Sends one request to a realm; the content of its answer, at most `largest` bytes.

    `form` makes it a POST. Refused like a registry's: by status.
    """

    def __call__(
        self, url: str, headers: Mapping[str, str], form: str | None, largest: int
    ) -> bytes:
        """Raises as `Wire.ask` does."""
        ...


class _Kept(NamedTuple):
    header: str
    until: float


class Authority:
    """Who we are for one registry. Safe for several threads at once."""

    def __init__(
        self, registry: str, credentials: Callable[[], Credentials | None], ask: AskRealm
    ) -> None:
        self._registry = registry
        self._find = credentials
        self._ask = ask
        self._lock = threading.Lock()
        self._challenge: Challenge | None = None
        self._credentials: Credentials | None = None
        self._kept: dict[str, _Kept] = {}

    def learn(self, header: str) -> bool:
        """Take a registry's challenges in; whether there is one that we can answer."""
        offered = {challenge.scheme: challenge for challenge in parse_challenges(header)}
        chosen = offered.get("bearer") or offered.get("basic")
        with self._lock:
            if chosen is not None and self._challenge is None:
                self._credentials = self._find()
            self._challenge = chosen or self._challenge
        return chosen is not None

    def header(self, scope: str) -> str:
        """The header for a scope such as `repository:a/b:pull,push`; empty for none.

        Several scopes are separated by spaces.

        Raises:
            Failed: `registry.realm`, the realm cannot be used; `registry.login_failed`.
            Unreachable: As `Wire.ask`.
        """
        with self._lock:
            if self._challenge is None:
                return ""
            if self._challenge.scheme == "basic":
                return _basic(self._credentials)
            kept = self._kept.get(scope)
            if kept is None or kept.until < time.monotonic():
                kept = self._kept[scope] = self._fetched(self._challenge, scope)
            return kept.header

    def forget(self, scope: str, header: str) -> None:
        """Do not use a token again that the registry did not want."""
        with self._lock:
            kept = self._kept.get(scope)
            if kept is not None and kept.header == header:
                del self._kept[scope]

    def _fetched(self, challenge: Challenge, scope: str) -> _Kept:
        realm = challenge.parameters.get("realm", "")
        fields = {"service": challenge.parameters.get("service", ""), "scope": scope}
        began = time.monotonic()
        if self._credentials is not None and self._credentials.identity_token:
            form = {
                **fields,
                "grant_type": "refresh_token",
                "client_id": _CLIENT,
                "refresh_token": self._credentials.identity_token,
            }
            answer = self._ask(realm, {}, urlencode(form), _LARGEST)
        else:
            query = [("service", fields["service"]), *(("scope", one) for one in scope.split())]
            joint = "&" if "?" in realm else "?"
            basic = _basic(self._credentials)
            headers = {"Authorization": basic} if basic else {}
            url = f"{realm}{joint}{urlencode([pair for pair in query if pair[1]])}"
            answer = self._ask(url, headers, None, _LARGEST)
        return self._understood(answer, began)

    def _understood(self, answer: bytes, began: float) -> _Kept:
        try:
            found = msgspec.json.decode(answer, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # not chained: the decoder's words may quote a token
            raise Failed("registry.realm", registry=self._registry, reason="no JSON") from None
        text = found.token or found.access_token
        if not text or not text.isascii() or not text.isprintable():
            raise Failed("registry.realm", registry=self._registry, reason="no token")
        return _Kept(f"Bearer {text}", began + max(found.expires_in, _LIFE_S) - _EARLY_S)


def _basic(credentials: Credentials | None) -> str:
    if credentials is None or credentials.identity_token:
        return ""
    plain = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(plain).decode()}"
