"""What is seen of a release, and what a gate says of it."""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import Annotated

import msgspec
from msgspec import Meta

from yolodeploy.core.decoding import known
from yolodeploy.core.detections import Agreement
from yolodeploy.core.sketch import Stages


class Verdict(Enum):
    """What a gate says."""

    PASSED = "passed"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one release on one site during one window.

    `requests` and `failures` count answered requests and those answered with a server error;
    `restarts` counts processes that died. `agreement` is None where nothing was compared with the
    old release, `golden` where there are no labelled frames, `mirrored` where no traffic was
    mirrored to be compared. `answered` frames, sent one after the
    other, took `answering_s`. `ready_s` is the longest that a server took from its start until it
    could answer, `gpu_memory_mb` the most GPU memory that one takes (MiB; where its driver does
    not tell processes apart, that all take); None where no server says so.
    """

    requests: int = 0
    failures: int = 0
    restarts: int = 0
    stages: Stages = {}
    agreement: Agreement | None = None
    golden: Agreement | None = None
    mirrored: Agreement | None = None
    answered: int = 0
    answering_s: float = 0.0
    ready_s: float | None = None
    gpu_memory_mb: float | None = None


class GateResult(msgspec.Struct, frozen=True):
    """One gate's verdict with the figure it judged, the bound it held it against, and the samples.

    `limit` is None where nothing bounds the figure: JSON, where it is `bound`, has no infinity.
    `passing` tells that a failure may pass: latency is judged by window, the rest for good.
    `at_least` tells that the figure must not be below the bound; else, not above.
    """

    gate: str
    verdict: Verdict
    figure: float
    limit: float | None = msgspec.field(name="bound")
    samples: int
    unit: str = ""
    passing: bool = False
    at_least: bool = False

    @property
    def bound(self) -> float:
        """The bound; infinite where there is none."""
        return inf if self.limit is None else self.limit


# what a person may write in a file of gates: a share above one would let everything pass
Share = Annotated[float, Meta(ge=0, le=1)]
Samples = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]


class Rule(msgspec.Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """A rule as people write it down; a misspelt field would be a bound that nobody set."""


known(GateResult, Observation)
