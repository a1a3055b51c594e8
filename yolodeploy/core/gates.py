"""Gates: rules on observed figures, and the verdicts they give.

`judge` is a pure function from gates and observations to results; it never waits. Too few samples
give *inconclusive*, never *passed*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from math import inf
from typing import Annotated

import msgspec
from msgspec import Meta

from yolodeploy.core.decoding import known
from yolodeploy.core.detections import Agreement
from yolodeploy.core.sketch import TOTAL, Stages


class Verdict(Enum):
    """What a gate says."""

    PASSED = "passed"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"


_WORSE = {Verdict.PASSED: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAILED: 2}


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one release on one site during one window.

    `requests` and `failures` count answered requests and those answered with a server error;
    `restarts` counts processes that died; `agreement` is None where nothing was compared.
    """

    requests: int = 0
    failures: int = 0
    restarts: int = 0
    stages: Stages = {}
    agreement: Agreement | None = None


class GateResult(msgspec.Struct, frozen=True):
    """One gate's verdict with the figure it judged, the bound it held it against, and the samples.

    `limit` is None where nothing bounds the figure: JSON, where it is `bound`, has no infinity.
    `passing` tells that a failure may pass: latency is judged by window, the rest for good.
    """

    gate: str
    verdict: Verdict
    figure: float
    limit: float | None = msgspec.field(name="bound")
    samples: int
    unit: str = ""
    passing: bool = False

    @property
    def bound(self) -> float:
        """The bound; infinite where there is none."""
        return inf if self.limit is None else self.limit


# what a person may write in a file of gates: a share above one would let everything pass
Share = Annotated[float, Meta(ge=0, le=1)]
Samples = Annotated[int, Meta(ge=1)]


class _Gate(msgspec.Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """A rule as people write it down; a misspelt field would be a bound that nobody set."""


class ErrorsGate(_Gate, frozen=True, tag="errors"):
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


class RestartsGate(_Gate, frozen=True, tag="restarts"):
    """At most `max_restarts` processes may die while the release is observed."""

    max_restarts: Annotated[int, Meta(ge=0)] = 0

    def judge(self, new: Observation, old: Observation | None) -> GateResult:
        """Never inconclusive: no restart in a window without traffic is still none."""
        verdict = Verdict.FAILED if new.restarts > self.max_restarts else Verdict.PASSED
        return GateResult("restarts", verdict, new.restarts, self.max_restarts, 1, "times")


class LatencyGate(_Gate, frozen=True, tag="latency"):
    """A quantile of one stage against the old release's, against a budget in ms, or both.

    `max_ratio` is waived where there is no old release, or where the difference stays under
    `slack_ms`: a stage of 0.1 ms that takes 0.3 ms harms nobody.
    """

    stage: str = TOTAL
    quantile: Share = 0.95
    max_ratio: Annotated[float, Meta(gt=0)] = 1.5
    budget_ms: Annotated[float, Meta(gt=0)] | None = None
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


class AgreementGate(_Gate, frozen=True, tag="agreement"):
    """Detections of the new release against the old one's on the same frames.

    Lost boxes are bounded tightly, gained ones loosely: a better model finds more. A release that
    gives invalid boxes, or nothing on every frame that has something, fails whatever the shares.
    """

    max_lost: Share = 0.2
    max_gained: Share = 0.6
    min_frames: Samples = 10
    min_boxes: Samples = 10

    def judge(self, new: Observation, old: Observation | None) -> GateResult:
        """The figure is the share of lost boxes, or of gained ones where those break the bound."""
        if old is None:  # a first release has nothing to agree with
            return GateResult("agreement", Verdict.PASSED, 0.0, self.max_lost, 0, "lost")
        seen = new.agreement or Agreement()
        figures = (
            ("invalid boxes", float(seen.invalid), 0.0),
            ("lost", seen.lost_share, self.max_lost),
            ("gained", seen.gained_share, self.max_gained),
        )
        enough = seen.frames >= self.min_frames and seen.expected >= self.min_boxes
        blind = seen.expected > 0 and not (seen.matched or seen.gained)
        broken = [(unit, figure, bound) for unit, figure, bound in figures if figure > bound]
        unit, figure, bound = broken[0] if broken else figures[1]
        if seen.invalid or ((broken or blind) and enough):
            verdict = Verdict.FAILED
        else:
            verdict = Verdict.PASSED if enough else Verdict.INCONCLUSIVE
        return GateResult("agreement", verdict, figure, bound, seen.frames, unit)


Gate = ErrorsGate | RestartsGate | LatencyGate | AgreementGate

DEFAULT_GATES: tuple[Gate, ...] = (
    ErrorsGate(),
    RestartsGate(),
    LatencyGate(),
    LatencyGate(stage="inference"),
    AgreementGate(),
)


def samples_wanted(gate: Gate) -> int:
    """How many requests a gate needs of each release before it can tell."""
    return gate.min_samples if isinstance(gate, ErrorsGate | LatencyGate) else 1


def judge(
    gates: Iterable[Gate], new: Observation, old: Observation | None
) -> tuple[GateResult, ...]:
    """The result of every gate, in their order."""
    return tuple(gate.judge(new, old) for gate in gates)


def overall(results: Sequence[GateResult]) -> Verdict:
    """The worst verdict; passed where there is no gate at all."""
    verdicts = (result.verdict for result in results)
    return max(verdicts, key=_WORSE.__getitem__, default=Verdict.PASSED)


known(GateResult, Observation)
