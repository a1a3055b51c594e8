"""The sinks as Prometheus metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from yolodeploy.serve.metrics import buckets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prometheus_client.core import Metric

    from yolodeploy.core.sink_state import SinkState
    from yolodeploy.core.sketch import Sketch

DELIVERED = "delivered"
_GAUGES: tuple[tuple[str, str, Callable[[SinkState], float]], ...] = (
    ("held", "Messages that are not acknowledged", lambda state: state.held),
    ("spooled", "Those of them that are on disk", lambda state: state.spooled),
    ("spool_bytes", "Bytes of the spool on disk", lambda state: state.spool_bytes),
    ("oldest_seconds", "Age of the oldest of them", lambda state: state.oldest_age_s),
    ("delivering", "Whether its place is there", lambda state: state.state == "delivering"),
)


def sink_families(states: Sequence[SinkState], times: Mapping[str, Sketch]) -> Iterable[Metric]:
    """What `Sinks.states` and `Sinks.times` told; `outcome`: `delivered`, or why it was dropped."""
    messages = CounterMetricFamily(
        "yolodeploy_sink_messages",
        "Messages that were delivered or dropped",
        labels=["sink", "outcome"],
    )
    for state in states:
        for outcome, count in {DELIVERED: state.delivered, **state.dropped}.items():
            messages.add_metric([state.name, outcome], count)
    yield messages
    for name, told, value in _GAUGES:
        gauge = GaugeMetricFamily(f"yolodeploy_sink_{name}", told, labels=["sink"])
        for state in states:
            gauge.add_metric([state.name], value(state))
        yield gauge
    seconds = HistogramMetricFamily(
        "yolodeploy_sink_delivery_seconds",
        "Time from publishing to acknowledgement",
        labels=["sink"],
    )
    for name, sketch in times.items():
        seconds.add_metric([name], buckets_of(sketch), sketch.sum_us / 1e6)
    yield seconds
