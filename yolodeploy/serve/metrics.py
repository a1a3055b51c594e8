"""`GET /metrics`: what several rooms of the server have to tell, as Prometheus text.

Histograms are made from sketches when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from yolodeploy.core.sketch import Sketch

    # gives the families of one room; called at each scrape, in a thread
    Collect = Callable[[], Iterable[Metric]]

DOUBLINGS = range(5, 26)  # of a microsecond: 32 µs to 33 s


def metrics_text(collectors: Sequence[Collect]) -> bytes:
    """The text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    for collect in collectors:
        registry.register(_Families(collect))
    return generate_latest(registry)


def buckets_of(sketch: Sketch, doublings: Iterable[int] = DOUBLINGS) -> list[tuple[str, float]]:
    """(upper bound in millions, how many were at most that), ending with +Inf.

    A sketch of microseconds has bounds in seconds.
    """
    buckets = [(repr(bound_us / 1e6), below) for bound_us, below in sketch.cumulated(doublings)]
    return [*buckets, ("+Inf", sketch.count)]


class _Families(Collector):
    def __init__(self, collect: Collect) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()
