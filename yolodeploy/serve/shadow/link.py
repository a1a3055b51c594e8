"""The connection to the second server: kept open, bounded in time and in what it may bring."""

from __future__ import annotations

from http.client import HTTPException, RemoteDisconnected
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Failed, Unreachable, YolodeployError
from yolodeploy.serve.onlookers import SHADOW_HEADER
from yolodeploy.serve.secret_files import token_of, trust_of
from yolodeploy.serve.shadow.address import address_of
from yolodeploy.serve.timed_connection import TimedConnection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.site_settings import Shadow

DEADLINE_S = 10.0
LARGEST_ANSWER = 2 << 20  # three hundred outlines of a segment have 600 kB
# who closes a connection that was kept says so in one of these ways
_STALE = (RemoteDisconnected, BrokenPipeError, ConnectionResetError)


class Mirrored(NamedTuple):
    """A request as it goes to the second server; `parts` are its body."""

    parts: Sequence[bytes | memoryview]
    query: str
    id: str


class Link:
    """One connection, used by one thread; opened when it is needed."""

    def __init__(self, shadow: Shadow, deadline_s: float = DEADLINE_S) -> None:
        self._shadow = shadow
        self._deadline_s = deadline_s
        self.url = ""
        self._path = ""
        self._headers: dict[str, str] = {}
        self._connection: TimedConnection | None = None

    def detect(self, mirrored: Mirrored) -> bytes:
        """The answer's body.

        Raises:
            UsageError: `shadow.address`, `shadow.token_file`, `shadow.ca_file`.
            Unreachable: `shadow.unreachable`, `shadow.late`, `shadow.busy`.
            Failed: `shadow.unauthorized`, `shadow.refused`, `shadow.failed`, `shadow.answer`.
        """
        connection = self._connection or self._opened()
        connection.end = monotonic() + self._deadline_s
        fresh = connection.sock is None
        try:
            try:
                return self._asked(connection, mirrored)
            except _STALE:
                if fresh:
                    raise
                connection.close()
                return self._asked(connection, mirrored)
        except YolodeployError:
            raise
        except TimeoutError as error:
            self.close()
            raise Unreachable("shadow.late", url=self.url, seconds=self._deadline_s) from error
        except OSError as error:
            self.close()
            reason = error.strerror or str(error) or type(error).__name__
            raise Unreachable("shadow.unreachable", url=self.url, reason=reason) from error
        except (HTTPException, ValueError) as error:
            self.close()
            reason = str(error) or type(error).__name__
            raise Failed("shadow.answer", url=self.url, reason=reason) from error

    def close(self) -> None:
        """Close it; the token and the certificates are read again before it is opened again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> TimedConnection:
        shadow = self._shadow
        address = address_of(shadow.url)
        tls = trust_of(shadow.ca_file, "shadow.ca_file") if address.tls else None
        self.url, self._path = address.url, address.path
        self._headers = {SHADOW_HEADER: "1", "x-deadline-ms": str(int(self._deadline_s * 1000))}
        if shadow.token_file:
            token = token_of(shadow.token_file, "shadow.token_file")
            self._headers["authorization"] = f"Bearer {token}"
        self._connection = TimedConnection(address.host, address.port, tls)
        return self._connection

    def _asked(self, connection: TimedConnection, mirrored: Mirrored) -> bytes:
        headers = {
            **self._headers,
            "content-length": str(sum(map(len, mirrored.parts))),
            "x-request-id": mirrored.id,
        }
        connection.request("POST", f"{self._path}?{mirrored.query}", mirrored.parts, headers)
        response = connection.getresponse()
        content = response.read(LARGEST_ANSWER + 1)
        if response.status != 200 or len(content) > LARGEST_ANSWER:
            self.close()  # whatever else it would send is not waited for
            raise self._refusal(response.status)
        return content

    def _refusal(self, status: int) -> YolodeployError:
        url = self.url
        if status == 200:
            return Failed("shadow.answer", url=url, reason=f"more than {LARGEST_ANSWER >> 20} MB")
        if status in {401, 403}:
            return Failed("shadow.unauthorized", url=url)
        if status in {429, 503}:
            return Unreachable("shadow.busy", url=url)
        if status >= 500:
            return Failed("shadow.failed", url=url, status=status)
        return Failed("shadow.refused", url=url, status=status)
