"""One cluster's API server: every call with a deadline, every answer bounded.

The client brings authentication, TLS and a connection pool; its models are not used, which decode
a list of pods a hundred times slower than a struct of the needed fields (FACTS, costs).
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import msgspec

from yolodeploy.core.cluster import MANAGER
from yolodeploy.core.errors import Failed, Refused, Unreachable, UsageError
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes.faults import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolodeploy.sites.kubernetes.access import Access

LIMIT_S = 10.0
SKEW_S = 3.0
"""Clocks that differ by less are called equal."""

LARGEST = 32 << 20
"""A list of 2,000 pods has 10 MB."""

APPLY = "application/apply-patch+yaml"
_PIECE = 64 << 10

T = TypeVar("T")


class Connection:
    """Calls to one API server; threads may share it."""

    def __init__(self, site: str, access: Access) -> None:
        self.site = site
        self._access = access
        self._client: Any = None
        self._ahead_s = 0.0

    def now(self) -> float:
        """Unix seconds by the site's clock, as the API server told it last."""
        return time.time() + self._ahead_s

    def get(self, path: str, kind: type[T], *, limit_s: float = LIMIT_S, **query: object) -> T:
        """An object or a list.

        Raises:
            Failed: `kubernetes.garbage`, the answer is none of what was asked for.
            NotFound: `kubernetes.absent`.
            Everything of `call`.
        """
        return self._decoded(self.call("GET", path, query, limit_s=limit_s), path, kind)

    def send(self, method: str, path: str, body: object, kind: type[T], **query: object) -> T:
        """POST, PUT or DELETE an object; what the server made of it.

        Raises:
            As `get`.
        """
        return self._decoded(self.call(method, path, query, body), path, kind)

    def apply(self, path: str, body: object, *, force: bool = False, dry_run: bool = False) -> None:
        """Server-side apply as our field manager.

        Raises:
            Refused: `kubernetes.conflict`, somebody else manages one of the fields.
            Everything of `call`.
        """
        query = {"fieldManager": MANAGER, "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        self.call("PATCH", path, query, body, content_type=APPLY)

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        *,
        content_type: str = "application/json",
        limit_s: float = LIMIT_S,
        largest: int = LARGEST,
    ) -> bytes:
        """The body of the answer to one request.

        Raises:
            Unreachable: `kubernetes.silent`, `kubernetes.unauthorized`, `kubernetes.busy`,
                `kubernetes.broken`.
            Refused: `kubernetes.forbidden`, `kubernetes.conflict`, `kubernetes.changed`,
                `kubernetes.invalid`.
            NotFound: `kubernetes.absent`.
            Failed: `kubernetes.too_large`.
            UsageError: `kubernetes.kubeconfig`.
        """
        status, answer = self.ask(
            method, path, query, body, content_type=content_type, limit_s=limit_s, largest=largest
        )
        if 200 <= status < 300:
            return answer
        raise refusal(self.site, status, answer, f"{method} {path}")

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        *,
        content_type: str = "application/json",
        limit_s: float = LIMIT_S,
        largest: int = LARGEST,
    ) -> tuple[int, bytes]:
        """Status and body of the answer to one request, whatever the status.

        Raises:
            Unreachable, Failed, UsageError: As `call`, for what has no status.
        """
        client = self._opened()
        target = f"{path}?{urlencode(query)}" if query else path
        headers = {"Content-Type": content_type, "Accept": "application/json, */*"}
        content = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        deadline = time.monotonic() + limit_s
        from urllib3.exceptions import HTTPError

        try:
            serialised = client.param_serialize(
                method, target, header_params=headers, body=None, auth_settings=["BearerToken"]
            )
            answer = client.rest_client.pool_manager.request(
                method,
                serialised[1],
                headers=serialised[2],
                body=content,
                timeout=_timeout(limit_s),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            self._compare_clocks(answer.headers.get("Date", ""))
            try:
                return int(answer.status), self._read(answer, deadline, largest, path)
            finally:
                answer.release_conn()
        except (HTTPError, OSError) as error:
            raise Unreachable("kubernetes.silent", site=self.site, reason=_told(error)) from error

    def _read(self, answer: Any, deadline: float, largest: int, path: str) -> bytes:
        pieces = []
        total = 0
        for piece in answer.stream(_PIECE):
            pieces.append(piece)
            total += len(piece)
            if total > largest:
                answer.close()  # the rest is not worth a connection
                raise Failed(
                    "kubernetes.too_large", site=self.site, path=path, megabytes=largest >> 20
                )
            if time.monotonic() > deadline:
                answer.close()
                raise Unreachable("kubernetes.silent", site=self.site, reason="too slow")
        return b"".join(pieces)

    def _compare_clocks(self, date: str) -> None:
        try:
            ahead_s = parsedate_to_datetime(date).timestamp() - time.time()
        except ValueError:
            return
        # the header has whole seconds, and the answer was under way
        self._ahead_s = ahead_s if abs(ahead_s) > SKEW_S else 0.0

    def _decoded(self, answer: bytes, path: str, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.DecodeError as error:
            raise Failed("kubernetes.garbage", site=self.site, path=path, reason=error) from error

    def _opened(self) -> Any:
        if self._client is None:
            self._client = _client(self.site, self._access)
        return self._client


def _client(site: str, access: Access) -> Any:
    try:
        from kubernetes.config import ConfigException, new_client_from_config
    except ImportError as error:
        raise Refused("kubernetes.not_installed", site=site) from error
    if not access.file.is_file():
        reason = f"{access.file} is not there"
        raise UsageError("kubernetes.kubeconfig", site=site, file=access.file, reason=reason)
    try:
        return new_client_from_config(  # type: ignore[no-untyped-call]
            config_file=str(access.file), context=access.context or None, persist_config=False
        )
    # a damaged file makes the client's loader raise whatever its parser meets
    except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = one_line(str(error))
        raise UsageError(
            "kubernetes.kubeconfig", site=site, file=access.file, reason=reason
        ) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "yaml":
            raise
        raise UsageError(
            "kubernetes.kubeconfig", site=site, file=access.file, reason="it is not YAML"
        ) from error


def _timeout(seconds: float) -> Any:
    from urllib3 import Timeout

    return Timeout(connect=min(seconds, 5.0), read=seconds)


def _told(error: Exception) -> str:
    """The last cause is what a person can use; the rest is the client's own."""
    cause: BaseException = error
    while (inner := cause.__cause__ or getattr(cause, "reason", None)) is not None:
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return one_line(str(cause) or type(cause).__name__, 160)
