"""Playing a file at its own speed, as if a camera sent it."""

from __future__ import annotations

from time import perf_counter_ns, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LATE_NS = 500_000_000  # a machine that is too slow plays it slower
GAP_NS = 30_000_000_000  # a file that says so has its timestamps wrong
TICK_S = 0.25


class Playback:
    """When each packet of a file is due. `tick` is called while it waits."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._began_ns: int | None = None

    def wait(self, order_ns: int) -> None:
        """Sleep until the packet with this decoding timestamp is due."""
        now = perf_counter_ns()
        began = self._began_ns
        if began is None or not -LATE_NS <= began + order_ns - now <= GAP_NS:
            began = self._began_ns = now - order_ns
        while (left_ns := began + order_ns - perf_counter_ns()) > 0:
            sleep(min(left_ns / 1e9, TICK_S))
            self._tick()
