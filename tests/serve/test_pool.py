"""What a worker holds is nobody else's until it lets go, whatever became of who asked."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.serve.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_S = 120.0  # a machine that does several things at a time
NO_PIPELINE: Any = None  # what is asked of the workers here touches none


@pytest.fixture
def pool() -> Iterator[Pool]:
    """One worker."""
    made = Pool([NO_PIPELINE])
    yield made
    made.stop(5.0)


async def test_what_is_in_work_is_let_go_when_the_worker_is_done_and_not_before(
    pool: Pool,
) -> None:
    """A camera's frame would be written over while a worker still reads it."""
    begun, end = threading.Event(), threading.Event()
    let_go = asyncio.Event()

    def work(pipeline: object, alone: object) -> None:
        begun.set()
        end.wait(LIMIT_S)

    limit_s = 0.1
    while not begun.is_set():
        # what a busy machine takes up too late is let go as such: then it is given longer
        let_go.clear()
        with pytest.raises(Unreachable, match="deadline"):
            await pool.run(work, limit_s, let_go.set)
        limit_s *= 2
    assert not let_go.is_set()
    # what waits behind it, and is late too, is let go without being worked on
    never = asyncio.Event()
    worked: list[int] = []
    with pytest.raises(Unreachable):
        await pool.run(lambda pipeline, alone: worked.append(1), 0.02, never.set)
    assert not never.is_set()
    end.set()
    await asyncio.wait_for(let_go.wait(), LIMIT_S)
    await asyncio.wait_for(never.wait(), LIMIT_S)
    assert worked == []


async def test_work_that_fails_is_let_go_too(pool: Pool) -> None:
    let_go = asyncio.Event()

    def fail(pipeline: object, alone: object) -> None:
        raise RuntimeError("a mistake")

    with pytest.raises(Failed):
        await pool.run(fail, LIMIT_S, let_go.set)
    assert let_go.is_set()


async def test_what_nobody_waits_for_any_more_is_not_worked_on(pool: Pool) -> None:
    """A stream that ends gives its frames' memory back: they must not stay in the queue."""
    end = threading.Event()
    worked: list[int] = []
    first = asyncio.create_task(pool.run(lambda pipeline, alone: end.wait(LIMIT_S), LIMIT_S))
    waiting = [
        asyncio.create_task(pool.run(lambda pipeline, alone: worked.append(1), LIMIT_S))
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    end.set()
    await first
    assert await pool.run(lambda pipeline, alone: "after", LIMIT_S) == "after"
    assert worked == []
    assert pool.in_flight == 0
