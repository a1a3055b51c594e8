"""The comparison with the shadow, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, InfoMetricFamily

from yolodeploy.serve.metrics import buckets_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from yolodeploy.core.shadowing import ShadowReport

SHIFT_DOUBLINGS = range(10, 21)  # 0.001 to 1.05 of a score, in millionths


def families(report: ShadowReport) -> Iterable[Metric]:
    """All of it; counts begin anew when another model answers."""
    yield InfoMetricFamily(
        "yolodeploy_shadow",
        "The second server that pictures are mirrored to",
        value={"url": report.url, "model": report.model, "release": report.release},
    )
    for name, text, value in (
        ("mirrored", "Pictures that were sent to the shadow", report.mirrored),
        ("compared", "Those whose answer was compared with ours", report.compared),
        ("skipped", "Those not sent, because too many waited", report.skipped),
        ("empty", "Those on which only we found anything", report.agreement.empty),
    ):
        yield CounterMetricFamily(f"yolodeploy_shadow_{name}", text, value=value)
    failed = CounterMetricFamily(
        "yolodeploy_shadow_failed", "Pictures that could not be compared", labels=["reason"]
    )
    for reason, times in sorted(report.failed.items()):
        failed.add_metric([reason], times)
    yield failed
    yield from _boxes(report)
    yield from _histograms(report)


def _boxes(report: ShadowReport) -> Iterable[Metric]:
    boxes = CounterMetricFamily(
        "yolodeploy_shadow_boxes",
        "Boxes that both found, only we (lost), only the shadow (gained), or that are none",
        labels=["outcome"],
    )
    agreement = report.agreement
    for outcome in ("matched", "lost", "gained", "invalid"):
        boxes.add_metric([outcome], getattr(agreement, outcome))
    yield boxes


def _histograms(report: ShadowReport) -> Iterable[Metric]:
    times = HistogramMetricFamily(
        "yolodeploy_shadow_seconds", "Total time of both for compared pictures", labels=["side"]
    )
    for side, sketch in (("here", report.here), ("there", report.there)):
        times.add_metric([side], buckets_of(sketch), sketch.sum_us / 1e6)
    yield times
    shifts = HistogramMetricFamily(
        "yolodeploy_shadow_score_shift",
        "By how much the shadow's score of a matched box is up or down",
        labels=["direction"],
    )
    for direction, sketch in (("up", report.up), ("down", report.down)):
        shifts.add_metric([direction], buckets_of(sketch, SHIFT_DOUBLINGS), sketch.sum_us / 1e6)
    yield shifts
