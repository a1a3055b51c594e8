"""Reading request bodies on the event loop: a slow sender holds a connection, never a worker."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.serve.pictures import LARGEST_BODY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

PAUSE_S = 5.0  # without a byte
GRACE_S = 10.0
SLOWEST = 32_000  # bytes a second after that: 300 kB over a bad mobile link in 20 s
MOST_HELD = 256 << 20  # bytes of all bodies in memory
MOST_DISCARDED = 4 * LARGEST_BODY


class Bodies:
    """The bodies in memory; one for the process, used on the event loop only."""

    def __init__(self) -> None:
        self._held = 0

    @asynccontextmanager
    async def of(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body of a request, counted as held until the block is left.

        Raises:
            Failed: `serve.body_too_large`, `serve.body_slow`, `serve.body_cut`.
            Unreachable: `serve.busy`, too much is held already.
        """
        chunks: list[bytes] = []
        try:
            await self._collect(request, chunks)
            body = b"".join(chunks)
            chunks[:] = [body]  # not twice, while it waits for a worker
            yield body
        finally:
            self._held -= sum(map(len, chunks))

    async def _collect(self, request: Request, chunks: list[bytes]) -> None:
        # who sends `expect: 100-continue` waits for our word, and is told before it sends
        if "expect" in request.headers and _announced(request) > LARGEST_BODY:
            raise _too_large()
        clock = asyncio.get_running_loop().time
        began = clock()
        size = 0
        try:
            async with asyncio.timeout(PAUSE_S) as limit:
                async for chunk in request.stream():
                    size += len(chunk)
                    self._keep(chunks, chunk, size)
                    limit.reschedule(min(clock() + PAUSE_S, began + GRACE_S + size / SLOWEST))
        except TimeoutError as error:
            raise Failed("serve.body_slow", bytes=size) from error
        except ClientDisconnect as error:
            raise Failed("serve.body_cut", bytes=size) from error
        if size > LARGEST_BODY:
            raise _too_large()

    def _keep(self, chunks: list[bytes], chunk: bytes, size: int) -> None:
        if size > LARGEST_BODY:
            # read on and drop it: a sender that is cut off while it sends never sees our answer
            self._held -= sum(map(len, chunks))
            chunks.clear()
            if size > MOST_DISCARDED:
                raise _too_large()
            return
        if self._held + len(chunk) > MOST_HELD:
            raise Unreachable("serve.busy", waiting=f"{MOST_HELD >> 20} MB")
        self._held += len(chunk)
        chunks.append(chunk)


def _announced(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isdecimal() else 0


def _too_large() -> Failed:
    return Failed("serve.body_too_large", megabytes=LARGEST_BODY >> 20)
