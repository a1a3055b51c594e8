"""What is kept of the frames, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client.core import Metric

    from yolodeploy.serve.samples.store import Store


def families(store: Store, kept: Mapping[str, int], lost: Mapping[str, int]) -> Iterable[Metric]:
    """All of it; counts begin anew when the settings change."""
    yield GaugeMetricFamily("yolodeploy_samples", "Frames that are kept now", value=store.count)
    yield GaugeMetricFamily(
        "yolodeploy_samples_bytes", "What they and their JSON take on disk", value=store.bytes
    )
    for name, text, counts in (
        ("kept", "Frames that were kept, by reason", kept),
        ("lost", "Frames worth keeping that were not kept", lost),
    ):
        family = CounterMetricFamily(f"yolodeploy_samples_{name}", text, labels=["reason"])
        for reason, times in sorted(dict(counts).items()):
            family.add_metric([reason], times)
        yield family
