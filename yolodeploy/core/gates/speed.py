"""Gates on time: quantiles of the stages, and how many frames are answered in a second."""

from __future__ import annotations

from math import inf
from typing import Annotated

from msgspec import Meta

from yolodeploy.core.gates.observation import (
    GateResult,
    Observation,
    Positive,
    Rule,
    Samples,
    Share,
    Verdict,
)
from yolodeploy.core.sketch import TOTAL


class LatencyGate(Rule, frozen=True, tag="latency"):
    """A quantile of one stage against the old release's, against a budget in ms, or both.

    `max_ratio` is waived where there is no old release, or where the difference stays under
    `slack_ms`: a stage of 0.1 ms that takes 0.3 ms harms nobody.
    """

    stage: str = TOTAL
    quantile: Share = 0.95
    max_ratio: Positive = 1.5
    budget_ms: Positive | None = None
    slack_ms: Annotated[float, Meta(ge=0)] = 5.0
    min_samples: Samples = 20

    @property
    def name(self) -> str:
        """`latency total p95`."""
        return f"latency {self.stage} p{self.quantile * 100:g}"

    def judge(self, new: Observation, old: Observation | None) -> GateResult:
        """Inconclusive when either side has fewer than `min_samples`."""
        sketch = new.stages.get(self.stage)
        samples = sketch.count if sketch else 0
        figure = sketch.quantile(self.quantile) / 1000 if sketch else 0.0
        bound = self._bound_ms(old)
        if samples < self.min_samples or bound is None:
            verdict = Verdict.INCONCLUSIVE
        else:
            verdict = Verdict.FAILED if figure > bound else Verdict.PASSED
        limit = None if bound == inf else bound
        return GateResult(self.name, verdict, figure, limit, samples, "ms", passing=True)

    def _bound_ms(self, old: Observation | None) -> float | None:
        """The bound in ms; None when the old release was not seen often enough to tell."""
        budget = self.budget_ms if self.budget_ms is not None else inf
        if old is None:
            return budget
        sketch = old.stages.get(self.stage)
        if sketch is None or sketch.count < self.min_samples:
            return None
        before = sketch.quantile(self.quantile) / 1000
        return min(budget, max(before * self.max_ratio, before + self.slack_ms))


class ThroughputGate(Rule, frozen=True, tag="throughput"):
    """Frames answered in a second, sent one after the other, against the old release's.

    Both are measured over the same link, which is part of what is measured; `min_per_s` bounds it
    absolutely.
    """

    min_ratio: Share = 0.67
    min_per_s: Positive | None = None
    min_samples: Samples = 20

    def judge(self, new: Observation, old: Observation | None) -> GateResult:
        """Inconclusive when either side has answered fewer than `min_samples`."""
        rate, bound = _rate(new), self.min_per_s or 0.0
        enough = new.answered >= self.min_samples
        if old is not None:
            enough = enough and old.answered >= self.min_samples
            bound = max(bound, _rate(old) * self.min_ratio)
        verdict = Verdict.FAILED if rate < bound else Verdict.PASSED
        return GateResult(
            "throughput",
            verdict if enough else Verdict.INCONCLUSIVE,
            rate,
            bound,
            new.answered,
            "frames/s",
            passing=True,
            at_least=True,
        )


def _rate(seen: Observation) -> float:
    return seen.answered / seen.answering_s if seen.answering_s > 0 else 0.0
