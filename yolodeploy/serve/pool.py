"""Workers: one thread a processor, each of which takes a request to its end.

Run to completion keeps a picture in one core's cache and needs no queue between stages; the
decoder, OpenCV and the engine give the interpreter lock back while they work.
"""

from __future__ import annotations

import asyncio
import logging
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from yolodeploy.core.errors import Failed, Unreachable, YolodeployError
from yolodeploy.serve.admission import Admission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yolodeploy.serve.pipeline import Answer, Asked, Pipeline

    # what a worker does with its pipeline; `alone`: nobody else waits just now
    Work = Callable[[Pipeline, bool], "T"]

T = TypeVar("T")
STUCK_S = 60.0  # the slowest gateway's slowest model takes a few seconds

logger = logging.getLogger(__name__)


class _Job(NamedTuple):
    work: Work[Any]
    end: float  # monotonic; nobody waits for the answer after it
    done: Callable[[Any], None]


class Pool:
    """The workers and what waits for them. To be asked on the event loop only."""

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._admission = Admission(len(pipelines))
        self._workers = [_Worker(self, self._jobs, pipeline) for pipeline in pipelines]
        self.in_flight = 0  # waiting or worked on, also when nobody waits for it any more
        for worker in self._workers:
            worker.start()

    async def answer(self, asked: Asked, limit_s: float) -> Answer:
        """Have one request answered within `limit_s`.

        Raises:
            Unreachable: `serve.busy`, it would wait too long; `serve.deadline`, it has.
            Failed: `serve.*`.
        """
        self._admission.demand_place(self.in_flight, limit_s)
        return await self.run(lambda pipeline, alone: pipeline.answer(asked, alone=alone), limit_s)

    async def run(self, work: Work[T], limit_s: float) -> T:
        """Have a worker do something, whoever waits: for those who bound their number themselves.

        Raises:
            Unreachable: `serve.deadline`.
            Failed: `serve.*`.
        """
        result = await self._settled(work, limit_s)
        if not isinstance(result, YolodeployError):
            return result
        try:
            raise result
        finally:
            # the error and the frame that raised it would hold each other, and with them the
            # request's body until the collector comes: 120 refused ones of 8 MB cost 200 MB
            del result

    async def _settled(self, work: Work[T], limit_s: float) -> T | YolodeployError:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T | YolodeployError] = loop.create_future()

        def settle(it: T | YolodeployError) -> None:
            self.in_flight -= 1
            if not outcome.done():
                outcome.set_result(it)

        self.in_flight += 1
        self._jobs.put(_Job(work, monotonic() + limit_s, lambda it: _call(loop, settle, it)))
        try:
            async with asyncio.timeout(limit_s):
                return await outcome
        except TimeoutError as error:
            raise _late() from error

    def served(self, seconds: float) -> None:
        """A worker took so long for one request."""
        self._admission.served(seconds)

    def stuck(self) -> bool:
        """Whether a worker died, or has been at one request for a minute."""
        return any(not worker.is_alive() or worker.busy_s() > STUCK_S for worker in self._workers)

    def stop(self, limit_s: float) -> None:
        """Let the workers end after what is queued, and wait for that so long."""
        deadline = monotonic() + limit_s
        for _ in self._workers:
            self._jobs.put(None)
        for worker in self._workers:
            worker.join(max(deadline - monotonic(), 0.0))


class _Worker(Thread):
    def __init__(self, pool: Pool, jobs: SimpleQueue[_Job | None], pipeline: Pipeline) -> None:
        super().__init__(name="worker", daemon=True)
        self._pool = pool
        self._jobs = jobs
        self._pipeline = pipeline
        self._since: float | None = None

    def busy_s(self) -> float:
        since = self._since
        return monotonic() - since if since is not None else 0.0

    def run(self) -> None:
        while (job := self._jobs.get()) is not None:
            began = self._since = monotonic()
            if began >= job.end:
                job.done(_late())
            else:
                job.done(self._outcome(job.work))
                self._pool.served(monotonic() - began)
            self._since = None
            del job  # a body is not kept until the next one comes

    def _outcome(self, work: Work[Any]) -> Any:
        try:
            return work(self._pipeline, self._pool.in_flight == 1)
        except YolodeployError as error:
            return error
        # whatever one picture brought about must not cost the worker
        except Exception:
            logger.exception("a worker's mistake")
            return Failed("serve.internal")


def _late() -> Unreachable:
    return Unreachable("serve.deadline")


def _call(
    loop: asyncio.AbstractEventLoop,
    settle: Callable[[Any], None],
    it: Any,
) -> None:
    try:
        loop.call_soon_threadsafe(settle, it)
    except RuntimeError:
        # the loop was closed: the shutdown's limit ran out
        logger.warning("an answer came after the end")
