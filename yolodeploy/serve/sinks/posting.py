"""One connection to a webhook, and what its answers mean.

`http.client`: 0.3 ms of CPU a message where httpx2 takes 0.8; it follows no redirect and logs no
URL, which may hold a secret.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from time import monotonic, time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from yolodeploy import __version__
from yolodeploy.core.errors import Unreachable, UsageError
from yolodeploy.serve.secret_files import token_of, trust_of
from yolodeploy.serve.timed_connection import TimedConnection

if TYPE_CHECKING:
    from yolodeploy.core.site_settings import WebhookSink
    from yolodeploy.serve.sinks.held import Held

# what an answer may have besides is not read: the connection is closed instead
MOST_ANSWER_BYTES = 64 << 10
_CREDENTIALS = frozenset({401, 403, 407})
# these are about the address, and the next message would fare no better
_ADDRESS = frozenset({404, 405, 410, 421})
_LATER = frozenset({408, 425, 429})


class Address:
    """Where to post."""

    def __init__(self, settings: WebhookSink) -> None:
        """Check the settings.

        Raises:
            UsageError: `sink.setting`, `sink.ca_file`.
        """
        self.settings = settings
        try:
            url = urlsplit(settings.url)
            self._port = url.port
            self._host = (url.hostname or "").encode("idna").decode()
        except ValueError as error:  # UnicodeError is one
            raise self._unfit("the URL is not well formed") from error
        if url.username is not None or url.password is not None:
            raise self._unfit("the URL holds a name or a password; use token_file")
        if not (self._host and settings.url.isascii() and settings.url.isprintable()):
            raise self._unfit("the URL has no host, or characters that are not ASCII")
        self.path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._tls = trust_of(settings.ca_file, "sink.ca_file") if url.scheme == "https" else None
        # the rest of the URL is nobody's business
        self.told = f"{url.scheme}://{self._host}" + (f":{self._port}" if self._port else "")

    def _unfit(self, reason: str) -> UsageError:
        return UsageError("sink.setting", name=self.settings.name, reason=reason)

    def headers(self) -> dict[str, str]:
        """Those of every request.

        Raises:
            UsageError: `sink.credentials_file`.
        """
        headers = {
            "content-type": "application/json",
            "user-agent": f"yolodeploy/{__version__}",
        }
        if self.settings.token_file:
            token = token_of(self.settings.token_file, "sink.credentials_file")
            headers["authorization"] = f"Bearer {token}"
        return headers

    def connection(self) -> TimedConnection:
        """One that is not connected yet."""
        return TimedConnection(self._host, self._port, self._tls)


class Post:
    """One connection, kept alive."""

    def __init__(self, address: Address, headers: dict[str, str]) -> None:
        self._address = address
        self._headers = headers
        self._connection = address.connection()
        self._cut_off = False

    def post(self, held: Held) -> str:
        """Post a message; why it was refused for good, empty where it was taken.

        All of it has `timeout_s`.

        Raises:
            Unreachable: `sink.*`, it is to be tried again.
        """
        if not (held.id.isascii() and held.id.isprintable()):
            return "its id is no header"
        self._connection.end = monotonic() + self._address.settings.timeout_s
        used_before = self._connection.sock is not None
        try:
            try:
                response = self._asked(held)
            except (ConnectionError, HTTPException):
                # the server may have closed a connection that lay idle; a double has the same id
                if not used_before or self._cut_off:
                    raise
                self._connection.close()
                response = self._asked(held)
            self._read(response)
        except (OSError, HTTPException) as error:
            self._connection.close()
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(
                "sink.unreachable", address=self._address.told, reason=reason
            ) from error
        return self._judged(response)

    def _asked(self, held: Held) -> HTTPResponse:
        headers = {**self._headers, "x-message-id": held.id}
        self._connection.request("POST", self._address.path, held.body, headers)
        return self._connection.getresponse()

    def _read(self, response: HTTPResponse) -> None:
        """Read the rest of an answer, so that the connection can be used again; or close it."""
        left = MOST_ANSWER_BYTES
        with suppress(OSError, HTTPException):  # its status is known
            while response.length != 0 and not response.isclosed():
                left -= len(response.read1(left))
                if left <= 0:
                    break
            else:
                response.read()  # nothing; until 3.13 it takes this to end the response
        if not response.isclosed():
            self._connection.close()

    def _judged(self, response: HTTPResponse) -> str:
        status = response.status
        told = {"address": self._address.told, "status": status}
        if 200 <= status < 300:
            return ""
        if status in _CREDENTIALS:
            raise Unreachable("sink.credentials", address=self._address.told, reason=status)
        if status in _LATER or status >= 500:
            asked_s = _seconds(response.headers.get("retry-after", ""))
            raise Unreachable("sink.answer", **told, retry_after_s=asked_s)
        if status in _ADDRESS or status < 400:
            raise Unreachable("sink.answer", **told)
        return f"{self._address.told} answers {status}"

    def cut_off(self) -> None:
        """Have what waits for an answer fail; any thread may."""
        self._cut_off = True
        sock = self._connection.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _seconds(retry_after: str) -> float:
    """What `Retry-After` asks for, in seconds from now; 0 where it asks for nothing."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time())
    except (ValueError, OverflowError):
        return 0.0
