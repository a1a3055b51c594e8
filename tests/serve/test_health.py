"""`/healthz` finds an engine that hangs, and stands in nobody's way."""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from yolodeploy.core.release import Serving

from .models import constant_model, raw_head, written
from .pictures import encoded, plain
from .running import until
from .test_endpoints import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Start

PICTURE = encoded(plain())
# linux/ptrace.h: stops one thread where a signal stops the whole process
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


def asleep(task: Path) -> bool:
    return (task / "stat").read_text().rpartition(")")[2].split()[0] == "S"


class Frozen:
    """All threads of a process but its first, stopped as if they hung inside a library."""

    def __init__(self) -> None:
        self._ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self._ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self._threads: list[int] = []

    def freeze(self, pid: int) -> None:
        """While they sleep: who works may have the interpreter's lock, and then all would hang."""
        others = [task for task in Path(f"/proc/{pid}/task").iterdir() if int(task.name) != pid]
        until(lambda: all(map(asleep, others)))
        for task in others:
            self._call(PTRACE_SEIZE, int(task.name))
            self._threads.append(int(task.name))
            self._call(PTRACE_INTERRUPT, int(task.name))

    def thaw(self) -> None:
        for thread in self._threads:
            # only who has stopped can be let go
            os.waitpid(thread, 0x40000000)  # __WALL
            self._call(PTRACE_DETACH, thread)
        self._threads.clear()

    def _call(self, request: int, thread: int) -> None:
        if self._ptrace(request, thread, None, None) == -1:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


@pytest.fixture
def frozen() -> Iterator[Frozen]:
    made = Frozen()
    yield made
    made.thaw()


def test_an_engine_that_hangs_turns_it_red_and_one_that_wakes_green(
    start: Start, frozen: Frozen
) -> None:
    server = start(serving=Serving(threads=1)).wait_ready()
    assert server.detect(PICTURE).status == 200
    assert server.ask("/healthz").status == 200
    frozen.freeze(server.process.pid)
    until(lambda: server.ask("/healthz").status != 200, server)
    refused(server.ask("/healthz"), 503, "serve.engine_silent")
    assert server.ask("/v2/health/live").status == 503
    assert server.ask("/info").status == 200, "everything else answers"
    frozen.thaw()
    until(lambda: server.ask("/healthz").status == 200, server)
    assert server.detect(PICTURE).status == 200
    assert server.report().epochs[-1].requests == 2, "a touch is nobody's request"


def test_it_never_waits_behind_traffic(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "slow.onnx"
    boxes = [(32, 32, 20, 20, 0.9, 1)]
    written(constant_model(raw_head(boxes), work=1500), path)
    server = start(path, serving=Serving(threads=1)).wait_ready()
    with ThreadPoolExecutor(8) as clients:
        asked = [clients.submit(server.detect, PICTURE) for _ in range(8)]
        for _ in range(5):
            assert server.ask("/healthz").status == 200
        assert not all(one.done() for one in asked), "it answered before them"


def test_a_server_that_loads_is_healthy(start: Start) -> None:
    server = start()
    until(lambda: server.address() is not None, server)
    assert server.ask("/healthz").status == 200
