"""What a registry answered, and what it means when that is no success."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import (
    Failed,
    NotFound,
    Refused,
    Unreachable,
    YolodeployError,
)

_LONGEST_REASON = 200  # characters of a registry's own words
_LONGEST_WAIT_S = 3600.0
_FULL = ("no space left", "disk full", "quota", "insufficient storage")


class Answer(NamedTuple):
    """One answer. `headers` are by lower-case name; `cut` tells that there was more content."""

    status: int
    headers: dict[str, str]
    url: str
    content: bytes
    cut: bool = False


class _Problem(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""
    detail: object = None


class _Problems(msgspec.Struct, frozen=True):
    errors: tuple[_Problem, ...] = ()


known(_Problems)


def looks_like_html(answer: Answer) -> bool:
    """Whether a page for people came, as from a captive portal."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("text/html", "application/xhtml+xml") or answer.content[:1] == b"<"


def refusal(answer: Answer, registry: str, what: str) -> YolodeployError:
    """What an answer means that is no success; `what` was asked for.

    Errors that a further try may mend are retryable and carry `wait_s`, what the registry asks for.
    """
    reason = _reason(answer)
    status = answer.status
    if status in (401, 403):
        code = "registry.unauthorized" if status == 401 else "registry.forbidden"
        return Refused(code, registry=registry, what=what, reason=reason)
    if status == 404:
        return NotFound("registry.absent", registry=registry, what=what)
    if status == 507 or any(word in reason.lower() for word in _FULL):
        return Failed("registry.full", registry=registry, reason=reason)
    if status == 429:
        wait_s = f"{retry_after_s(answer):.0f}"
        return Unreachable("registry.too_many", registry=registry, wait_s=wait_s)
    if status in (408, 425) or status >= 500:
        wait_s = f"{retry_after_s(answer):.0f}"
        return Unreachable(
            "registry.trouble", registry=registry, status=status, reason=reason, wait_s=wait_s
        )
    return Failed("registry.refused", registry=registry, what=what, status=status, reason=reason)


def retry_after_s(answer: Answer) -> float:
    """How long a registry wants to be left alone, RFC 9110 section 10.2.3; 0 if it says nothing."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return min(float(text), _LONGEST_WAIT_S)
    try:
        wait = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(wait, 0.0), _LONGEST_WAIT_S)


def _reason(answer: Answer) -> str:
    """The registry's own words, where they are what the specification says errors look like."""
    if looks_like_html(answer):
        return f"{answer.status}, an HTML page"
    try:
        problems = msgspec.json.decode(answer.content, type=_Problems).errors
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return str(answer.status)
    words = [problem.message or problem.code for problem in problems]
    words += [str(p.detail) for p in problems if isinstance(p.detail, str | dict) and p.detail]
    return "; ".join(words)[:_LONGEST_REASON] or str(answer.status)
