"""What the engine needs of the rooms above it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

import msgspec

from yolodeploy.core.gates import GateResult
from yolodeploy.core.steps import Entry, Outcome, Step
from yolodeploy.rollouts.figures import Figures


class Request(Enum):
    """What a person has asked of a running rollout."""

    NONE = "none"
    PAUSE = "pause"
    ABORT = "abort"


class Ending(Enum):
    """How a run of the engine ended."""

    DONE = "done"
    WAITING = "waiting"  # some sites are offline, held or leased; `resume` catches up
    PAUSED = "paused"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ABORTED = "aborted"


class Progress(msgspec.Struct, frozen=True):
    """Something worth showing while it happens."""

    site: str
    step: Step
    outcome: Outcome
    detail: str


class Journal(Protocol):
    """The rollout's memory. Every call is durable when it returns; calls come from many threads."""

    def entries(self, site: str) -> Sequence[Entry]:
        """All that was journalled of a site, oldest first."""
        ...

    def append(self, site: str, entry: Entry) -> None:
        """Add an entry."""
        ...

    def figures(self, site: str) -> Figures:
        """What was measured of a site so far; empty figures before."""
        ...

    def save_figures(self, site: str, figures: Figures) -> None:
        """Replace the figures of a site."""
        ...

    def record_verdict(self, site: str, results: Sequence[GateResult]) -> None:
        """Keep why a site passed or failed."""
        ...

    def request(self) -> Request:
        """What a person asks for now; also tells others that this engine is alive."""
        ...

    def held(self, site: str) -> str:
        """Why the site must not be changed now; empty when it may."""
        ...

    def collect(self, site: str) -> None:
        """Bring the site's status and measurements into the inventory. Never raises for a site."""
        ...
