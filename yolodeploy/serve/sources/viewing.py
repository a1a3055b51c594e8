"""Showing people what a camera sees: drawn only while somebody looks, and never waited for."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Unreachable

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

MOST_VIEWERS = 8  # of all cameras: each costs a copy, drawing and a JPEG, 15 ms in 1080p
EVERY_S = 0.095  # ten pictures a second, and a frame that comes a little early
WRITE_S = 30.0  # a viewer whose connection takes no more than this goes
BOUNDARY = b"yolodeploy"
HEADERS = [
    (b"content-type", b"multipart/x-mixed-replace; boundary=" + BOUNDARY),
    (b"cache-control", b"no-store"),
]


class Seats:
    """How many may look."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self) -> None:
        """Have one.

        Raises:
            Unreachable: `camera.viewers`.
        """
        if self.taken >= MOST_VIEWERS:
            raise Unreachable("camera.viewers", most=MOST_VIEWERS)
        self.taken += 1

    def leave(self) -> None:
        """Give it back."""
        self.taken -= 1


class Screen:
    """The latest drawn picture of one camera. To be used on the event loop."""

    def __init__(self, seats: Seats) -> None:
        self.viewers = 0
        self._seats = seats
        self._due_s = 0.0
        self._picture: bytes | None = None
        self._changed = asyncio.Event()
        self._closed = False

    def wants(self) -> bool:
        """Whether the next frame is to be drawn."""
        now = monotonic()
        if not self.viewers or now < self._due_s:
            return False
        self._due_s = now + EVERY_S
        return True

    def show(self, picture: bytes) -> None:
        """A JPEG, for all who look."""
        self._picture = picture
        self._wake()

    def close(self) -> None:
        """Nothing more comes: everybody goes."""
        self._closed = True
        self._wake()

    async def picture(self) -> bytes | None:
        """The next one; None when nothing more comes."""
        if not self._closed:
            await self._changed.wait()
        return None if self._closed else self._picture

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def enter(self) -> View:
        """One more who looks.

        Raises:
            Unreachable: `camera.viewers`.
        """
        self._seats.take()
        self.viewers += 1
        return View(self)

    def left(self) -> None:
        """One goes."""
        self._seats.leave()
        self.viewers -= 1


class View:
    """The answer to one who looks: pictures until he goes, or nothing more comes."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send each picture that is the newest when the one before it is through."""
        gone = asyncio.create_task(_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            while scope["method"] != "HEAD" and (part := await self._next(gone)) is not None:
                async with asyncio.timeout(WRITE_S):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            # closing politely would wait for who reads nothing
            scope["yolodeploy.abort"]()
            await gone
        finally:
            gone.cancel()
            self._screen.left()

    async def _next(self, gone: asyncio.Task[None]) -> bytes | None:
        """The next part of the answer; None when it is over."""
        coming = asyncio.create_task(self._screen.picture())
        await asyncio.wait({coming, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not coming.done():
            coming.cancel()
            return None
        picture = coming.result()
        if picture is None:
            return None
        head = b"--%s\r\ncontent-type: image/jpeg\r\ncontent-length: %d\r\n\r\n"
        return head % (BOUNDARY, len(picture)) + picture + b"\r\n"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
