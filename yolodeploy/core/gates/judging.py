"""All gates of a release together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from yolodeploy.core.gates.health import ErrorsGate, GpuMemoryGate, ReadinessGate, RestartsGate
from yolodeploy.core.gates.observation import GateResult, Observation, Verdict
from yolodeploy.core.gates.sameness import AgreementGate, GoldenGate
from yolodeploy.core.gates.speed import LatencyGate, ThroughputGate

Gate = (
    ErrorsGate
    | RestartsGate
    | LatencyGate
    | AgreementGate
    | GoldenGate
    | ThroughputGate
    | ReadinessGate
    | GpuMemoryGate
)

DEFAULT_GATES: tuple[Gate, ...] = (
    ErrorsGate(),
    RestartsGate(),
    LatencyGate(),
    LatencyGate(stage="inference"),
    AgreementGate(),
)

ON_TRAFFIC = "agreement on traffic"
"""The agreement gate over traffic that was mirrored, beside that over frames."""

OUTRANKED = "outranked by golden frames"
"""The unit of an agreement that was failed or not sure, where the golden frames passed."""

_WORSE = {Verdict.PASSED: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAILED: 2}


def samples_wanted(gate: Gate) -> int:
    """How many requests a gate needs of each release before it can tell."""
    return gate.min_samples if isinstance(gate, ErrorsGate | LatencyGate | ThroughputGate) else 1


def judge(
    gates: Iterable[Gate], new: Observation, old: Observation | None
) -> tuple[GateResult, ...]:
    """The result of every gate, in their order; two of one that judges frames and traffic.

    Where there are labelled frames they are judged, whether a gate asks for it or not, and outrank
    the agreement with the old release; boxes that are none they do not excuse.
    """
    asked = tuple(gates)
    golden = next((gate for gate in asked if isinstance(gate, GoldenGate)), None)
    if golden is None and new.golden is not None:
        asked = (*asked, golden := GoldenGate())
    judged = [(gate, result) for gate in asked for result in _results(gate, new, old)]
    invalid = any(each is not None and each.invalid for each in (new.agreement, new.mirrored))
    if invalid or golden is None or not golden.outranks(new, old):
        return tuple(result for _, result in judged)
    return tuple(_outranked(gate, result) for gate, result in judged)


def _results(gate: Gate, new: Observation, old: Observation | None) -> tuple[GateResult, ...]:
    """What a gate says, and what it says of mirrored traffic.

    Either is enough where the other has too few samples.
    """
    on_frames = gate.judge(new, old)
    seen = new.mirrored
    if not isinstance(gate, AgreementGate) or old is None or seen is None:
        return (on_frames,)
    on_traffic = replace(gate.judge(replace(new, agreement=seen), old), gate=ON_TRAFFIC)
    both = (on_frames, on_traffic)
    return tuple(one for one in both if one.verdict is not Verdict.INCONCLUSIVE) or both


def _outranked(gate: Gate, result: GateResult) -> GateResult:
    if not isinstance(gate, AgreementGate) or result.verdict is Verdict.PASSED:
        return result
    return replace(result, verdict=Verdict.PASSED, unit=OUTRANKED)


def overall(results: Sequence[GateResult]) -> Verdict:
    """The worst verdict; passed where there is no gate at all."""
    verdicts = (result.verdict for result in results)
    return max(verdicts, key=_WORSE.__getitem__, default=Verdict.PASSED)
