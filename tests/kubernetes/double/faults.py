"""What a test may have the API server of a double do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp.web


class Fault(NamedTuple):
    """An answer in the place of the right one.

    `after_s` is how long it takes; `cut` ends the connection in the middle of the body, and with
    the status 0 before there is any. `done`: what was asked for is done all the same.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}
    after_s: float = 0.0
    cut: bool = False
    done: bool = False


class No(Exception):
    """A refusal."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason or message


def refused(no: No) -> aiohttp.web.Response:
    """As the API says it."""
    body = {"kind": "Status", "code": no.status, "message": str(no), "reason": no.reason}
    return aiohttp.web.json_response(body, status=no.status)


async def served(fault: Fault, request: Any) -> aiohttp.web.StreamResponse:
    """Give a fault as the answer to a request."""
    await asyncio.sleep(fault.after_s)
    if not fault.cut:
        return aiohttp.web.Response(status=fault.status, body=fault.body, headers=fault.headers)
    if not fault.status:
        hang_up(request)
        return aiohttp.web.Response()
    answer = aiohttp.web.StreamResponse(status=fault.status, headers=fault.headers)
    answer.content_length = 2 * len(fault.body) + 2
    await answer.prepare(request)
    await answer.write(fault.body)
    hang_up(request)
    return answer


def hang_up(request: Any) -> None:
    """As when the link is cut."""
    if request.transport is not None:
        request.transport.abort()
