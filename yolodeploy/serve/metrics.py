"""`GET /metrics`: the measurements of this epoch as Prometheus text, a source each.

The histograms are made from the sketches when they are asked for: their bounds are powers of two
of a microsecond, which are bounds of the sketch too, so that nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.registry import Collector

from yolodeploy.core.sketch import BUCKETS_PER_DOUBLING

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from yolodeploy.core.site import Epoch
    from yolodeploy.core.sketch import Sketch

DOUBLINGS = range(5, 26)  # 32 µs to 33 s


def metrics_text(
    epochs: Sequence[Epoch], in_flight: int, info: Mapping[str, str], *more: Collector
) -> bytes:
    """The text format 0.0.4; all figures are of the same moment."""
    registry = CollectorRegistry(auto_describe=False)
    for collector in (_Reading(epochs, in_flight, info), *more):
        registry.register(collector)
    return generate_latest(registry)


def buckets_of(sketch: Sketch) -> list[tuple[str, float]]:
    """(upper bound in seconds, how many were at most that), ending with +Inf."""
    counts = sorted(sketch.counts.items())
    buckets: list[tuple[str, float]] = []
    below = position = 0
    for doubling in DOUBLINGS:
        while position < len(counts) and counts[position][0] < doubling * BUCKETS_PER_DOUBLING:
            below += counts[position][1]
            position += 1
        buckets.append((repr(2**doubling / 1e6), below))
    return [*buckets, ("+Inf", sketch.count)]


class _Reading(Collector):
    def __init__(self, epochs: Sequence[Epoch], in_flight: int, info: Mapping[str, str]) -> None:
        self._epochs = epochs
        self._in_flight = in_flight
        self._info = info

    def collect(self) -> Iterable[Metric]:
        stages = HistogramMetricFamily(
            "yolodeploy_stage_seconds",
            "Time of answered requests and frames by stage",
            labels=["source", "stage"],
        )
        requests = CounterMetricFamily(
            "yolodeploy_requests", "Answered requests and frames", labels=["source"]
        )
        failures = CounterMetricFamily(
            "yolodeploy_failures", "Those answered with 5xx, or lost to us", labels=["source"]
        )
        for epoch in self._epochs:
            for stage, sketch in epoch.stages.items():
                buckets = buckets_of(sketch)
                stages.add_metric([epoch.source, stage], buckets, sketch.sum_us / 1e6)
            requests.add_metric([epoch.source], epoch.requests)
            failures.add_metric([epoch.source], epoch.failures)
        yield from (stages, requests, failures)
        yield GaugeMetricFamily(
            "yolodeploy_in_flight", "Requests waiting or worked on", value=self._in_flight
        )
        yield InfoMetricFamily("yolodeploy_server", "What runs here", value=dict(self._info))
