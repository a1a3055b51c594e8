"""Gates on whether servers run: failures, restarts, how long they start, GPU memory."""

from __future__ import annotations

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


class ErrorsGate(Rule, frozen=True, tag="errors"):
    """At most `max_share` (0 to 1) of the requests may fail."""

    max_share: Share = 0.01
    min_samples: Samples = 20

    def judge(self, new: Observation, old: Observation | None) -> GateResult:
        """Failed as soon as even a full window could not bring the share back under the bound."""
        share = new.failures / new.requests if new.requests else 0.0
        window = max(new.requests, self.min_samples)
        if new.failures > self.max_share * window:
            verdict = Verdict.FAILED
        elif new.requests < self.min_samples:
            verdict = Verdict.INCONCLUSIVE
        else:
            verdict = Verdict.PASSED
        return GateResult("errors", verdict, share, self.max_share, new.requests, "share")


class RestartsGate(Rule, frozen=True, tag="restarts"):
    """At most `max_restarts` processes may die while the release is observed."""

    max_restarts: Annotated[int, Meta(ge=0)] = 0

    def judge(self, new: Observation, old: Observation | None) -> GateResult:
        """Never inconclusive: no restart in a window without traffic is still none."""
        verdict = Verdict.FAILED if new.restarts > self.max_restarts else Verdict.PASSED
        return GateResult("restarts", verdict, new.restarts, self.max_restarts, 1, "times")


class ReadinessGate(Rule, frozen=True, tag="readiness"):
    """A server may take `max_s` from its start until it can answer."""

    max_s: Positive

    def judge(self, new: Observation, old: Observation | None) -> GateResult:
        """Inconclusive where no server says how long it took: an older one does not."""
        return _level("readiness", new.ready_s, self.max_s, "s")


class GpuMemoryGate(Rule, frozen=True, tag="gpu_memory"):
    """A server may take `max_mb` MiB of GPU memory."""

    max_mb: Positive

    def judge(self, new: Observation, old: Observation | None) -> GateResult:
        """Inconclusive where no server sees a GPU."""
        return _level("gpu memory", new.gpu_memory_mb, self.max_mb, "MiB")


def _level(gate: str, figure: float | None, bound: float, unit: str) -> GateResult:
    if figure is None:
        return GateResult(gate, Verdict.INCONCLUSIVE, 0.0, bound, 0, unit)
    verdict = Verdict.FAILED if figure > bound else Verdict.PASSED
    return GateResult(gate, verdict, figure, bound, 1, unit)
