"""Whether the engine still answers, found out without standing in anybody's way.

Traffic proves it for nothing: whoever was answered lately was answered by the engine. Only a
server that has nothing to do is touched, with one grey picture through a worker, and so seldom
that it costs at most 1 % of that worker's time. Nobody waits behind work that is under way:
with traffic that gets no answer, a worker that hangs is what tells (`Pool.stuck`).
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Failed, Unreachable, YolodeployError

if TYPE_CHECKING:
    from yolodeploy.serve.pool import Pool

FRESH_S = 10.0  # the usual period of a probe
MOST_SHARE = 0.01
LEAST_PATIENCE_S = 5.0
MOST_PATIENCE_S = 60.0
PATIENCE = 10  # times what a request usually takes
ANSWER_S = 1.0  # how long a probe waits for a touch; Kubernetes gives it 1 s by default


class Health:
    """What is known of one pool's engine; used on the event loop only."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._touch: asyncio.Task[None] | None = None
        self._silent: tuple[float, str] | None = None  # since when (monotonic), and why

    async def demand(self) -> None:
        """Look, within `ANSWER_S`.

        Raises:
            Failed: `serve.stuck`, `serve.engine_silent`.
        """
        pool = self._pool
        if pool.stuck():
            raise Failed("serve.stuck")
        if self._touch is None and pool.in_flight == 0 and not self._fresh():
            self._touch = asyncio.create_task(self._touched())
        if self._touch is not None:
            # what it has not found by then it will have found by the next probe
            await asyncio.wait({self._touch}, timeout=ANSWER_S)
        if self._silent is not None and pool.succeeded_at < self._silent[0]:
            raise Failed("serve.engine_silent", reason=self._silent[1])

    def _fresh(self) -> bool:
        age_s = monotonic() - self._pool.succeeded_at
        return age_s < max(FRESH_S, self._pool.service_s / MOST_SHARE)

    def _patience_s(self) -> float:
        usual_s = self._pool.service_s
        if not usual_s:  # nobody was answered yet: a slow gateway's large model takes its time
            return MOST_PATIENCE_S
        return min(max(LEAST_PATIENCE_S, PATIENCE * usual_s), MOST_PATIENCE_S)

    async def _touched(self) -> None:
        patience_s = self._patience_s()
        try:
            await self._pool.run(lambda pipeline, _: pipeline.touch(), patience_s)
            self._silent = None
        except Unreachable:
            self._silent = monotonic(), f"no answer within {patience_s:.0f} s"
        except YolodeployError as error:
            self._silent = monotonic(), error.text()
        finally:
            self._touch = None
