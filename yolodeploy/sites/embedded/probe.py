"""Talking to one server process on loopback.

The standard library's client is enough here: no TLS, no redirects, no proxies, bounded bodies.
"""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.core.serving import InstanceAddress

LARGEST_ANSWER = 8 << 20
LARGEST_PICTURE = 64 << 20  # 50 megapixels as JPEG


class Answer(NamedTuple):
    """Status and body of an HTTP answer."""

    status: int
    body: bytes


def request(
    url: str,
    *,
    body: bytes | None = None,
    timeout_s: float = 10.0,
    who: str = "",
    largest: int = LARGEST_ANSWER,
) -> Answer:
    """GET `url`, or POST `body` to it; an answer has at most `largest` bytes.

    Raises:
        Unreachable: `site.no_answer`, nothing came back in time.
        Failed: `site.answer_too_large`.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("POST" if body is not None else "GET", target, body)
        response = connection.getresponse()
        answer = response.read(largest + 1)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable("site.no_answer", instance=who or url, reason=error) from error
    finally:
        connection.close()
    if len(answer) > largest:
        raise Failed("site.answer_too_large", instance=who or url)
    return Answer(response.status, answer)


def address(state: Path) -> InstanceAddress | None:
    """Where the process of a state folder says that it answers; None before it does."""
    try:
        return msgspec.json.decode((state / "instance.json").read_bytes(), type=InstanceAddress)
    except (OSError, msgspec.DecodeError):
        return None


def url_of(found: InstanceAddress) -> str:
    """`http://127.0.0.1:40123`."""
    return f"http://{found.host}:{found.port}"


def answers(found: InstanceAddress, path: str = "/readyz", timeout_s: float = 2.0) -> bool:
    """Whether the process says yes."""
    try:
        return request(url_of(found) + path, timeout_s=timeout_s).status == 200
    except (Unreachable, Failed):
        return False
