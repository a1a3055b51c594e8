"""Gates: rules on observed figures, and the verdicts they give.

`judge` is a pure function from gates and observations to results; it never waits. Too few samples
give *inconclusive*, never *passed*. Nothing here asks a site or a clock.
"""

from yolodeploy.core.gates.health import ErrorsGate, GpuMemoryGate, ReadinessGate, RestartsGate
from yolodeploy.core.gates.judging import (
    DEFAULT_GATES,
    ON_TRAFFIC,
    OUTRANKED,
    Gate,
    judge,
    overall,
    samples_wanted,
)
from yolodeploy.core.gates.observation import GateResult, Observation, Verdict
from yolodeploy.core.gates.sameness import AgreementGate, Change, GoldenGate
from yolodeploy.core.gates.speed import LatencyGate, ThroughputGate

__all__ = [
    "DEFAULT_GATES",
    "ON_TRAFFIC",
    "OUTRANKED",
    "AgreementGate",
    "Change",
    "ErrorsGate",
    "Gate",
    "GateResult",
    "GoldenGate",
    "GpuMemoryGate",
    "LatencyGate",
    "Observation",
    "ReadinessGate",
    "RestartsGate",
    "ThroughputGate",
    "Verdict",
    "judge",
    "overall",
    "samples_wanted",
]
