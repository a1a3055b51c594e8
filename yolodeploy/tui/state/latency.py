"""Latency of the last minutes as the screens show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from yolodeploy.core.sketch import CAMERA_STAGES, TOTAL, Sketch, Stages

MINUTES = 10
"""How far back figures and sparklines reach; the present minute is the last of them."""

Key = tuple[str, str]
"""Site and device."""


class Recent(NamedTuple):
    """One device's last minutes: p95 of all of them, and of each (None: nothing measured)."""

    p95_ms: float
    trend: tuple[float | None, ...]


class Bar(NamedTuple):
    """One stage: its share of the total time (0 to 1) and quantiles in ms."""

    stage: str
    share: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Measured(NamedTuple):
    """What one release measured on one device; `bars` ends with the total."""

    app: str
    release: str
    requests: int
    failures: int
    bars: tuple[Bar, ...]


def p95_ms(sketch: Sketch) -> float:
    """The 95th percentile in ms."""
    return sketch.quantile(0.95) / 1000


def measured(app: str, release: str, requests: int, failures: int, stages: Stages) -> Measured:
    """The bars of a release, in the order in which a request or a frame goes through them."""
    names = [*(name for name in CAMERA_STAGES if name in stages), *_others(stages)]
    whole = stages[TOTAL].sum_us if TOTAL in stages else sum(s.sum_us for s in stages.values())
    bars = [_bar(name, stages[name], whole) for name in names]
    if TOTAL in stages:
        bars.append(_bar(TOTAL, stages[TOTAL], whole))
    return Measured(app, release, requests, failures, tuple(bars))


def _others(stages: Mapping[str, Sketch]) -> list[str]:
    return sorted(name for name in stages if name not in CAMERA_STAGES and name != TOTAL)


def _bar(stage: str, sketch: Sketch, whole_us: float) -> Bar:
    share = sketch.sum_us / whole_us if whole_us > 0 else 0.0
    p50, p95, p99 = (sketch.quantile(q) / 1000 for q in (0.5, 0.95, 0.99))
    return Bar(stage, min(max(share, 0.0), 1.0), p50, p95, p99)
