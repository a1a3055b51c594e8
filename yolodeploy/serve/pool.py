"""Workers: one thread a processor, each of which takes a request to its end.

Run to completion keeps a picture in one core's cache and needs no queue between stages; the
decoder, OpenCV and the engine give the interpreter lock back while they work.
"""

from __future__ import annotations

import asyncio
import logging
from math import inf
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

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


class _Job:
    """`end` (monotonic): nobody waits for the answer after it. `work` is None from then on."""

    __slots__ = ("done", "end", "work")

    def __init__(self, work: Work[Any], end: float, done: Callable[[Any], None]) -> None:
        self.work: Work[Any] | None = work
        self.end = end
        self.done = done


class Pool:
    """The workers and what waits for them. To be asked on the event loop only."""

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._admission = Admission(len(pipelines))
        self._workers = [_Worker(self, self._jobs, pipeline) for pipeline in pipelines]
        self.in_flight = 0  # waiting or worked on, also when nobody waits for it any more
        self.succeeded_at = -inf  # monotonic; when a worker last ended something well
        self._batched = 0  # pictures of batches under way, few of which are in flight at a time
        for worker in self._workers:
            worker.start()

    async def answer(self, asked: Asked, limit_s: float) -> Answer:
        """Have one request answered within `limit_s`.

        Raises:
            Unreachable: `serve.busy`, it would wait too long; `serve.deadline`, it has.
            Failed: `serve.*`.
        """
        self.demand_place(limit_s)
        return await self.run(lambda pipeline, alone: pipeline.answer(asked, alone=alone), limit_s)

    async def answers(
        self, asked: Sequence[Asked], limit_s: float
    ) -> list[Answer | YolodeployError]:
        """Have several requests answered within `limit_s`; in their order, errors in their place.

        No more of them than there are workers wait at a time: who comes meanwhile with a single
        picture is served between them, not behind them.

        Raises:
            Unreachable: `serve.busy`, they would wait too long.
        """
        ahead = max(self.in_flight, self._batched)
        self._admission.demand_place(ahead, limit_s, len(asked))
        clock = asyncio.get_running_loop().time
        end = clock() + limit_s
        places = asyncio.Semaphore(len(self._workers))

        async def one(it: Asked) -> Answer | YolodeployError:
            async with places:
                try:
                    return await self.run(
                        lambda pipeline, alone: pipeline.answer(it, alone=alone), end - clock()
                    )
                except YolodeployError as error:
                    return error

        self._batched += len(asked)
        try:
            return await asyncio.gather(*map(one, asked))
        finally:
            self._batched -= len(asked)

    def demand_place(self, limit_s: float) -> None:
        """Let somebody in who is about to `run` something.

        Raises:
            Unreachable: `serve.busy`, it would wait too long.
        """
        self._admission.demand_place(self.in_flight, limit_s)

    async def run(
        self, work: Work[T], limit_s: float, let_go: Callable[[], None] | None = None
    ) -> T:
        """Have a worker do something, whoever waits: for those who bound their number themselves.

        `let_go` is called when no worker will touch the work any more, which may be long after
        its time is over.

        Raises:
            Unreachable: `serve.deadline`.
            Failed: `serve.*`.
        """
        result = await self._settled(work, limit_s, let_go)
        if not isinstance(result, YolodeployError):
            return result
        try:
            raise result
        finally:
            # the error and the frame that raised it would hold each other, and with them the
            # request's body until the collector comes: 120 refused ones of 8 MB cost 200 MB
            del result

    async def _settled(
        self, work: Work[T], limit_s: float, let_go: Callable[[], None] | None
    ) -> T | YolodeployError:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T | YolodeployError] = loop.create_future()

        def settle(it: T | YolodeployError) -> None:
            self.in_flight -= 1
            if let_go is not None:
                let_go()
            if not outcome.done():
                outcome.set_result(it)

        self.in_flight += 1
        job = _Job(work, monotonic() + limit_s, lambda it: _call(loop, settle, it))
        self._jobs.put(job)
        try:
            async with asyncio.timeout(limit_s):
                return await outcome
        except TimeoutError as error:
            raise _late() from error
        finally:
            # nobody waits: its body is not counted as held any more, and the queue may be long
            job.work = None

    @property
    def waiting(self) -> int:
        """How many no worker has begun with; the others of `in_flight` are worked on."""
        return self._jobs.qsize()

    @property
    def working(self) -> int:
        """How many workers are at something."""
        return sum(worker.busy for worker in self._workers)

    def served(self, seconds: float, *, well: bool) -> None:
        """A worker took so long for one request."""
        self._admission.served(seconds)
        if well:
            self.succeeded_at = monotonic()

    @property
    def service_s(self) -> float:
        """What a request takes a worker, in the mean; 0 before the first."""
        return self._admission.service_s

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

    @property
    def busy(self) -> bool:
        return self._since is not None

    def busy_s(self) -> float:
        since = self._since
        return monotonic() - since if since is not None else 0.0

    def run(self) -> None:
        while (job := self._jobs.get()) is not None:
            began = self._since = monotonic()
            work, job.work = job.work, None
            if work is None or began >= job.end:
                job.done(_late())
            else:
                outcome = self._outcome(work)
                well = not isinstance(outcome, YolodeployError)
                self._pool.served(monotonic() - began, well=well)
                job.done(outcome)
            self._since = None
            del job, work  # while the next is waited for, nobody needs this one's picture

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
