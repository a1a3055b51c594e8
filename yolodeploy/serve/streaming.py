"""One stream of frames: taken, worked on and answered in order, never more than a few at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.errors import Refused, Unreachable, YolodeployError
from yolodeploy.serve.formats import JPEG
from yolodeploy.serve.http import told
from yolodeploy.serve.pipeline import Answer, Asked

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from yolodeploy.serve.bodies import Held
    from yolodeploy.serve.pool import Pool
    from yolodeploy.serve.postprocess import Wanted
    from yolodeploy.serve.service import Service

MOST_UNANSWERED = 4
MOST_AT_WORK = 3  # one at least waits, so that there is one to drop
MOST_UNREAD = 256  # answers, those to dropped frames among them
DRAIN_S = 8.0  # less than the server's own
IDLE_S = 300.0  # without a frame: the places are few
IDLE = 1000  # RFC 6455, section 7.4
UNSUPPORTED = 1003
LEAVING = 1012  # its registry: service restart


class Streaming(NamedTuple):
    """What the client asked for. `latest`: a frame that waits is dropped when a newer one comes."""

    wanted: Wanted
    request_id: str
    limit_s: float
    latest: bool


class _Frame:
    """A frame that is not answered yet."""

    def __init__(self, body: bytes, number: int) -> None:
        loop = asyncio.get_running_loop()
        self.body = body
        self.number = number
        self.came_s = loop.time()
        self.came_ns = perf_counter_ns()
        self.answer: asyncio.Future[Answer | YolodeployError] = loop.create_future()


class Stream:
    """A stream from its first frame to its end."""

    def __init__(
        self,
        socket: WebSocket,
        asked: Streaming,
        pool: Pool,
        service: Service,
        held: Held,
    ) -> None:
        self._socket = socket
        self._asked = asked
        self._pool = pool
        self._service = service
        self._held = held
        self._kept = 0  # bytes of frames
        self._count = 0
        self._places = asyncio.Semaphore(MOST_UNREAD if asked.latest else MOST_UNANSWERED)
        self._order: asyncio.Queue[_Frame] = asyncio.Queue()
        self._waiting: deque[_Frame] = deque()
        self._at_work: set[asyncio.Task[None]] = set()

    async def run(self) -> int | None:
        """Answer frame by frame; the code to close with, None when the client is gone.

        Raises:
            WebSocketDisconnect: It went without a word.
        """
        reading = asyncio.create_task(self._read())
        answering = asyncio.create_task(self._answer())
        try:
            await asyncio.wait({reading, answering}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                await answering  # ends with an error only
            code = await reading
            if code is not None:
                answered = asyncio.create_task(self._order.join())
                await asyncio.wait(
                    {answered, answering}, timeout=DRAIN_S, return_when=asyncio.FIRST_COMPLETED
                )
                answered.cancel()
                if answering.done():
                    await answering
            return code
        finally:
            self._waiting.clear()  # none of them is begun any more
            for task in (reading, answering, *self._at_work):
                task.cancel()
            self._held.give_back(self._kept)

    async def _read(self) -> int | None:
        """Take frames as long as there are places; without one the socket is not read."""
        while True:
            await self._places.acquire()
            try:
                async with asyncio.timeout(IDLE_S):
                    message = await self._socket.receive()
            except TimeoutError:
                return IDLE
            if message["type"] == "websocket.disconnect":
                return LEAVING if message.get("code") == LEAVING else None
            body = message.get("bytes")
            if body is None:
                return UNSUPPORTED
            self._take(bytes(body))

    def _take(self, body: bytes) -> None:
        frame = _Frame(body, self._count)
        self._count += 1
        self._order.put_nowait(frame)
        try:
            self._held.take(len(body))
        except Unreachable as error:
            frame.body = b""
            self._settle(frame, error)
            return
        self._kept += len(body)
        if self._asked.latest and len(self._waiting) + len(self._at_work) == MOST_UNANSWERED:
            self._settle(self._waiting.popleft(), Refused("serve.frame_dropped"))
        self._waiting.append(frame)
        self._begin()

    def _begin(self) -> None:
        while self._waiting and len(self._at_work) < MOST_AT_WORK:
            task = asyncio.create_task(self._work(self._waiting.popleft()))
            self._at_work.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._at_work.discard(task)
        if not task.cancelled():
            self._begin()

    async def _work(self, frame: _Frame) -> None:
        asked, wanted = self._asked, self._asked.wanted
        one = Asked(frame.body, wanted, f"{asked.request_id}/{frame.number}", frame.came_ns)
        waited_s = asyncio.get_running_loop().time() - frame.came_s
        answer: Answer | YolodeployError
        try:
            answer = await self._pool.run(
                lambda pipeline, alone: pipeline.answer(one, alone=alone), asked.limit_s - waited_s
            )
        except YolodeployError as error:
            answer = error
        self._settle(frame, answer)
        self._service.show(one, answer)

    def _settle(self, frame: _Frame, answer: Answer | YolodeployError) -> None:
        """It is known what is answered; whether its turn has come is another matter."""
        if isinstance(answer, YolodeployError):
            self._service.refused(answer)
        else:
            self._service.measurements.detected(answer.stages_us)
        self._held.give_back(len(frame.body))
        self._kept -= len(frame.body)
        frame.body = b""
        frame.answer.set_result(answer)

    async def _answer(self) -> None:
        while True:
            frame = await self._order.get()
            answer = await frame.answer
            if isinstance(answer, YolodeployError):
                await self._socket.send_text(msgspec.json.encode(told(answer)).decode())
            elif answer.media_type == JPEG:
                await self._socket.send_bytes(answer.body)
            else:
                await self._socket.send_text(answer.body.decode())
            self._order.task_done()
            self._places.release()
