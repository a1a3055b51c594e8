"""One cluster's API server: every call with a deadline, every answer bounded.

The client reads the kubeconfig and brings authentication; its models are not used, which decode a
list of pods a hundred times slower than a struct of the needed fields (FACTS, costs).
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlencode

import msgspec

from yolodeploy.core.cluster import MANAGER
from yolodeploy.core.errors import Failed, Unreachable, UsageError, YolodeployError
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes.faults import refusal
from yolodeploy.sites.kubernetes.kubeconfig import unusable
from yolodeploy.sites.kubernetes.session import Ends, Session
from yolodeploy.sites.kubernetes.wire import LARGEST_LINE, PIECE, Slow, TooLarge, Unsayable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from yolodeploy.sites.kubernetes.access import Way
    from yolodeploy.sites.kubernetes.wire import Answer

LIMIT_S = 10.0
SKEW_S = 3.0
"""Clocks that differ by less are called equal."""

LARGEST = 32 << 20
"""A list of 2,000 pods has 10 MB."""

AT_ONCE = 8
"""Requests under way at the same time: an API server on a gateway has other things to do."""

TRIES = 3
APPLY = "application/apply-patch+yaml"
_SAFE_TWICE = frozenset({"GET", "PATCH"})
_PASSES = frozenset({500, 502, 503, 504})
_UNAUTHORIZED, _BUSY = 401, 429
_AGAIN_S = 0.2

T = TypeVar("T")


class Connection:
    """Calls to one API server; threads may share it."""

    def __init__(self, site: str, way: Way) -> None:
        self.site = site
        self._way = way
        self._session: Session | None = None
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._ahead_s = 0.0

    def now(self) -> float:
        """Unix seconds by the site's clock, as the API server told it last."""
        return time.time() + self._ahead_s

    def ends(self) -> Ends:
        """Until when the server's certificate and what we show it are good."""
        session = self._session
        return session.ends() if session is not None else Ends()

    def get(self, path: str, kind: type[T], *, limit_s: float = LIMIT_S, **query: object) -> T:
        """An object or a list.

        Raises:
            Failed: `kubernetes.garbage`, the answer is none of what was asked for.
            NotFound: `kubernetes.absent`.
            Everything of `call`.
        """
        return self.decoded(self.call("GET", path, query, limit_s=limit_s), path, kind)

    def send(self, method: str, path: str, body: object, kind: type[T], **query: object) -> T:
        """POST, PUT or DELETE an object; what the server made of it.

        Raises:
            As `get`.
        """
        return self.decoded(self.call(method, path, query, body), path, kind)

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
        tries: int = TRIES,
    ) -> bytes:
        """The body of the answer to one request.

        What passes is waited for within `limit_s`: a server that has too much to do or is just
        starting, a link that is cut. What may not be done twice is not.

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
            method, path, query, body, content_type=content_type, limit_s=limit_s,
            largest=largest, tries=tries,
        )  # fmt: skip
        if 200 <= status < 300:
            return answer
        raise self._refusal(status, answer, f"{method} {path}")

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
        tries: int = 1,
    ) -> tuple[int, bytes]:
        """Status and body of the answer to one request, whatever the status.

        Raises:
            Unreachable, Failed, UsageError: As `call`, for what has no status.
        """
        content = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        with suppress(OSError):  # said where it is tried again
            self._opened()  # what it imports takes seconds on a gateway: no server's time
        request = _Request(
            method, path, f"{path}?{urlencode(query)}" if query else path, content, content_type,
            largest, time.monotonic() + limit_s,
        )  # fmt: skip
        with self._turn(request.deadline):
            return self._until_answered(request, tries)

    @contextmanager
    def stream(self, path: str, query: Mapping[str, object], idle_s: float) -> Iterator[Answer]:
        """A GET whose answer has no end. It takes no turn; `idle_s` is how long it may be silent.

        Raises:
            As `call`, also where its lines are read within the block.
        """
        request = _Request("GET", path, f"{path}?{urlencode(query)}", None, "", PIECE, 0.0)
        try:
            with self._sent(request, idle_s) as answer:
                if answer.status != 200:
                    body = answer.body(time.monotonic() + LIMIT_S, PIECE)
                    raise self._refusal(answer.status, body, f"GET {path}")
                yield answer
        except TooLarge:
            raise self._too_large(path, LARGEST_LINE) from None
        except OSError as error:
            raise self._silent(error) from error

    def decoded(self, answer: bytes, path: str, kind: type[T]) -> T:
        """An answer as what it should be.

        Raises:
            Failed: `kubernetes.garbage`.
        """
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.DecodeError as error:
            raise Failed("kubernetes.garbage", site=self.site, path=path, reason=error) from error

    def close(self) -> None:
        """Hang up; the next call connects again."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.wire.close()

    # inside ----------------------------------------------------------------------------------

    def _until_answered(self, request: _Request, tries: int) -> tuple[int, bytes]:
        renewed = False
        for attempt in count(1):
            last = attempt >= tries + int(renewed)
            try:
                with self._sent(request, request.left_s()) as answer:
                    status, body = answer.status, answer.body(request.deadline, request.largest)
            except TooLarge:
                raise self._too_large(request.path, request.largest) from None
            except OSError as error:
                pause_s = _AGAIN_S * attempt if request.method in _SAFE_TWICE else None
                last = last and (tries == 1 or self._way.fault() is None)
                if last or pause_s is None or pause_s > request.left_s():
                    raise self._silent(error) from error
            else:
                if status == _UNAUTHORIZED and not renewed:
                    renewed = True
                    self.close()  # the kubeconfig is read again: certificates and tokens change
                    continue
                told = answer.headers.get("Retry-After", "")
                pause_s = _pause_s(request, status, told, attempt)
                if last or pause_s is None or pause_s > request.left_s():
                    return status, body
            time.sleep(pause_s)
        raise AssertionError  # it counts for ever

    @contextmanager
    def _sent(self, request: _Request, limit_s: float) -> Iterator[Answer]:
        session = self._opened()
        try:
            headers = session.headers(request.content_type)
            with session.wire.asked(
                request.method, request.target, headers, request.content, limit_s
            ) as answer:
                self._compare_clocks(answer.headers.get("Date", ""))
                yield answer
        except Unsayable:
            self.close()  # it is read again: somebody may have mended it
            reason = "no request can be made of what it says"
            raise unusable(self.site, session.access, reason) from None
        except UsageError:
            self.close()
            raise

    @contextmanager
    def _turn(self, deadline: float) -> Iterator[None]:
        if not self._turns.acquire(timeout=max(deadline - time.monotonic(), 0.0)):
            raise self._silent(Slow("it is too slow"))
        try:
            yield
        finally:
            self._turns.release()

    def _opened(self) -> Session:
        with self._lock:
            if self._session is None:
                self._session = Session(self.site, self._way.access())
            return self._session

    def _refusal(self, status: int, answer: bytes, asked: str) -> YolodeployError:
        account = self._session is not None and self._session.access.account
        return refusal(self.site, status, answer, asked, account=account)

    def _silent(self, error: OSError) -> YolodeployError:
        fault = self._way.fault()
        if fault is not None:
            return fault
        reason = getattr(error, "verify_message", "") or error.strerror or str(error)
        told = one_line(reason or type(error).__name__, 160)
        return Unreachable("kubernetes.silent", site=self.site, reason=told)

    def _too_large(self, path: str, largest: int) -> Failed:
        return Failed("kubernetes.too_large", site=self.site, path=path, megabytes=largest >> 20)

    def _compare_clocks(self, date: str) -> None:
        try:
            ahead_s = parsedate_to_datetime(date).timestamp() - time.time()
        except ValueError:
            return
        # the header has whole seconds, and the answer was under way
        self._ahead_s = ahead_s if abs(ahead_s) > SKEW_S else 0.0


class _Request(NamedTuple):
    """What is asked; `deadline` is on the monotonic clock."""

    method: str
    path: str
    target: str
    content: bytes | None
    content_type: str
    largest: int
    deadline: float

    def left_s(self) -> float:
        return max(self.deadline - time.monotonic(), 0.0)


def _pause_s(request: _Request, status: int, told: str, attempt: int) -> float | None:
    """How long to wait before asking again; None where that is of no use, or not safe."""
    if status == _BUSY:  # it was not done
        seconds = float(told) if told.isdecimal() else 1.0
        return seconds + random.random() * _AGAIN_S  # noqa: S311 no secret
    if status in _PASSES and request.method in _SAFE_TWICE:
        return _AGAIN_S * attempt
    return None
