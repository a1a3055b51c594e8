"""The GPUs' figures for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from yolodeploy.serve.gpus.nvml import THROTTLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client.core import Metric

    from yolodeploy.serve.gpus.nvml import GpuFigures, Reading

LABELS = ["gpu", "slice", "uuid"]
GAUGES = (
    ("memory", "memory_bytes", "GPU memory there is"),
    ("used", "memory_used_bytes", "GPU memory that all processes use"),
    ("own", "process_memory_bytes", "GPU memory that this process uses"),
    ("load", "utilization_ratio", "Share of the last moment in which the GPU worked, 0 to 1"),
    ("celsius", "temperature_celsius", "Temperature of the GPU"),
)


def families(reading: Reading | None, missed: Mapping[str, int]) -> Iterable[Metric]:
    """Only what the GPUs tell; without a reading only how often there was none."""
    gpus = reading.gpus if reading else ()
    for field, name, text in GAUGES:
        family = GaugeMetricFamily(f"yolodeploy_gpu_{name}", text, labels=LABELS)
        for gpu in gpus:
            value = getattr(gpu, field)
            if value is not None:
                family.add_metric(_labels(gpu), value)
        if family.samples:
            yield family
    throttled = GaugeMetricFamily(
        "yolodeploy_gpu_throttled",
        "Whether it is slowed down, by reason",
        labels=[*LABELS, "reason"],
    )
    for gpu in gpus:
        for reason in THROTTLES if gpu.throttled is not None else ():
            throttled.add_metric([*_labels(gpu), reason], float(reason in (gpu.throttled or ())))
    if throttled.samples:
        yield throttled
    failures = CounterMetricFamily(
        "yolodeploy_gpu_missed", "Readings that were late, failed or lack a GPU", labels=["reason"]
    )
    for reason in ("late", "driver", "lost"):
        failures.add_metric([reason], missed.get(reason, 0))
    yield failures


def _labels(gpu: GpuFigures) -> list[str]:
    return [gpu.gpu, gpu.slice, gpu.uuid]
