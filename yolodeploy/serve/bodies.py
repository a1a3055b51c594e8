"""Reading request bodies on the event loop: a slow sender holds a connection, never a worker."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from yolodeploy.core.errors import Failed, Unreachable, YolodeployError
from yolodeploy.serve.pictures import LARGEST_BODY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    # looks at each chunk as it comes; raises what it is refused with
    Look = Callable[[bytes], None]

PAUSE_S = 5.0  # without a byte
GRACE_S = 10.0
SLOWEST = 32_000  # bytes a second after that: 300 kB over a bad mobile link in 20 s
MOST_HELD = 256 << 20  # bytes of all bodies in memory
MOST_DISCARDED = 4 * LARGEST_BODY


class Held:
    """How much of what was sent is in memory; one for the process, used on the event loop only."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._bytes = 0

    def take(self, size: int) -> None:
        """Count so many bytes more.

        Raises:
            Unreachable: `serve.busy`, that would be too much.
        """
        if self._bytes + size > self._most:
            raise Unreachable("serve.busy", waiting=f"{self._most >> 20} MB")
        self._bytes += size

    def give_back(self, size: int) -> None:
        """They are no longer in memory."""
        self._bytes -= size


class Bodies:
    """The bodies in memory; used on the event loop only."""

    def __init__(self, held: Held) -> None:
        self._held = held

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
            self._held.give_back(sum(map(len, chunks)))

    @asynccontextmanager
    async def seen_by(self, request: Request, look: Look) -> AsyncIterator[None]:
        """A body that is looked at while it comes, and counted as held until the block is left.

        Raises:
            YolodeployError: As `of`, and what `look` raises; it is not called again then.
        """
        chunks: list[bytes] = []
        size = 0
        try:
            await self._collect(request, chunks, look)
            size = sum(map(len, chunks))
            chunks.clear()  # who looked has kept what he needs
            yield
        finally:
            self._held.give_back(size + sum(map(len, chunks)))

    async def _collect(
        self, request: Request, chunks: list[bytes], look: Look | None = None
    ) -> None:
        # who sends `expect: 100-continue` waits for our word, and is told before it sends
        if "expect" in request.headers and _announced(request) > LARGEST_BODY:
            raise _too_large()
        clock = asyncio.get_running_loop().time
        began = clock()
        size = 0
        refused: YolodeployError | None = None
        try:
            async with asyncio.timeout(PAUSE_S) as limit:
                async for chunk in request.stream():
                    size += len(chunk)
                    if refused is None:
                        refused = self._keep(chunks, chunk, size, look)
                    elif size > MOST_DISCARDED:
                        raise _too_large() from refused
                    limit.reschedule(min(clock() + PAUSE_S, began + GRACE_S + size / SLOWEST))
        except TimeoutError as error:
            raise Failed("serve.body_slow", bytes=size) from error
        except ClientDisconnect as error:
            raise Failed("serve.body_cut", bytes=size) from error
        if refused is not None:
            raise refused

    def _keep(
        self, chunks: list[bytes], chunk: bytes, size: int, look: Look | None
    ) -> YolodeployError | None:
        """Keep a chunk; what is refused is dropped, and so is the rest that comes.

        Who looks may have kept what came before, so that it counts until the end.

        It is read on nevertheless: a sender that is cut off while it sends never sees our answer.
        """
        if size <= LARGEST_BODY:
            self._held.take(len(chunk))
            chunks.append(chunk)
            if look is None:
                return None
            try:
                look(chunk)
            except YolodeployError as error:
                refused = error
            else:
                return None
        else:
            refused = _too_large()
        if look is None:
            self._held.give_back(sum(map(len, chunks)))
            chunks.clear()
        return refused


def _announced(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isdecimal() else 0


def _too_large() -> Failed:
    return Failed("serve.body_too_large", megabytes=LARGEST_BODY >> 20)
