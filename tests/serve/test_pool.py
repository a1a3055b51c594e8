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
    end = threading.Event()
    let_go = asyncio.Event()
    await pool.run(lambda pipeline, alone: None, 20)  # the worker is awake
    with pytest.raises(Unreachable, match="deadline"):
        # long enough for a busy machine to take it up, else it would be let go as too late
        await pool.run(lambda pipeline, alone: end.wait(20), 1.0, let_go.set)
    assert not let_go.is_set()
    # what waits behind it, and is late too, is let go without being worked on
    never = asyncio.Event()
    worked: list[int] = []
    with pytest.raises(Unreachable):
        await pool.run(lambda pipeline, alone: worked.append(1), 0.02, never.set)
    assert not never.is_set()
    end.set()
    await asyncio.wait_for(let_go.wait(), 20)
    await asyncio.wait_for(never.wait(), 20)
    assert worked == []


async def test_work_that_fails_is_let_go_too(pool: Pool) -> None:
    let_go = asyncio.Event()

    def fail(pipeline: object, alone: object) -> None:
        raise RuntimeError("a mistake")

    with pytest.raises(Failed):
        await pool.run(fail, 20.0, let_go.set)
    assert let_go.is_set()


async def test_what_nobody_waits_for_any_more_is_not_worked_on(pool: Pool) -> None:
    """A stream that ends gives its frames' memory back: they must not stay in the queue."""
    end = threading.Event()
    worked: list[int] = []
    first = asyncio.create_task(pool.run(lambda pipeline, alone: end.wait(20), 20.0))
    waiting = [
        asyncio.create_task(pool.run(lambda pipeline, alone: worked.append(1), 20.0))
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    end.set()
    await first
    assert await pool.run(lambda pipeline, alone: "after", 20.0) == "after"
    assert worked == []
    assert pool.in_flight == 0
