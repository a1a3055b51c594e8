"""What the engine needs of the rooms above it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol

import msgspec

from yolodeploy.core.gates import GateResult
from yolodeploy.core.sentences import Sentence
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
    WAITING = "waiting"  # for sites, a window or the end of a soak; `resume` catches up
    APPROVAL = "approval"  # a person must say that the next wave may begin
    PAUSED = "paused"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ABORTED = "aborted"
    EXPIRED = "expired"  # it ended without the sites that were not reached in time


class WaveMark(NamedTuple):
    """What is known of a wave: Unix seconds, None before; who approved what comes after it."""

    begun_at: float | None = None
    ended_at: float | None = None
    approved_by: str = ""


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
        """Add an entry, written now."""
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

    def held(self, site: str) -> Sentence | None:
        """Why the site must not be changed now; None when it may."""
        ...

    def opens_at(self, site: str, need_s: float) -> float | None:
        """When the site may be changed for `need_s` seconds; None: never. Unix seconds."""
        ...

    def seen_since(self, site: str, at: float) -> bool:
        """Whether the site was reached by somebody after a moment (Unix seconds)."""
        ...

    def wave(self, number: int) -> WaveMark:
        """What is known of a wave, counted from 1."""
        ...

    def begin_wave(self, number: int) -> WaveMark:
        """Note that a wave begins; the first word stays."""
        ...

    def end_wave(self, number: int) -> None:
        """Note that every site of a wave had its turn; the first word stays."""
        ...

    def collect(self, site: str) -> None:
        """Bring the site's status and measurements into the inventory. Never raises for a site."""
        ...
