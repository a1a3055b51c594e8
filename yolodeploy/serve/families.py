"""What the server itself tells Prometheus: its measurements of this epoch, a source each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)

from yolodeploy.serve.metrics import buckets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric

    from yolodeploy.serve.measure import Measurements
    from yolodeploy.serve.service import Service

_process = ProcessCollector(registry=None)


def server_families(service: Service) -> Iterable[Metric]:
    """All of it."""
    yield from _measured(service.measurements)
    yield from _load(service)
    if service.batch_sizes:
        yield _batches(service.batch_sizes)
    yield InfoMetricFamily("yolodeploy_server", "What runs here", value=service.labels())
    yield from _process.collect()


def _measured(measurements: Measurements) -> Iterable[Metric]:
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
    for epoch in measurements.snapshot():
        for stage, sketch in epoch.stages.items():
            stages.add_metric([epoch.source, stage], buckets_of(sketch), sketch.sum_us / 1e6)
        requests.add_metric([epoch.source], epoch.requests)
        failures.add_metric([epoch.source], epoch.failures)
    refused = CounterMetricFamily(
        "yolodeploy_refused", "Answers that are an error, by its code", labels=["source", "code"]
    )
    for (source, code), times in sorted(measurements.refusals().items()):
        refused.add_metric([source, code], times)
    yield from (stages, requests, failures, refused)


def _load(service: Service) -> Iterable[Metric]:
    pool = service.pool
    for name, text, value in (
        ("in_flight", "Requests waiting or worked on", pool.in_flight if pool else 0),
        (
            "waiting",
            "Requests and frames that no worker has begun with",
            pool.waiting if pool else 0,
        ),
        ("working", "Workers that are at one", pool.working if pool else 0),
        ("connections", "Open connections", service.connections()),
    ):
        yield GaugeMetricFamily(f"yolodeploy_{name}", text, value=value)


def _batches(sizes: Sequence[int]) -> Metric:
    """Bounds are powers of two and the largest batch; the warm-up is among them."""
    most = len(sizes)
    bounds = sorted({most, *(2**power for power in range(most.bit_length()))})
    buckets: list[tuple[str, float]] = [(str(float(bound)), sum(sizes[:bound])) for bound in bounds]
    family = HistogramMetricFamily(
        "yolodeploy_batch_size", "Pictures that the GPU was given at once"
    )
    total = sum(size * times for size, times in enumerate(sizes, 1))
    family.add_metric([], [*buckets, ("+Inf", sum(sizes))], total)
    return family
