"""The way of one site through a rollout, as a table.

    prefetch → check → [beside] → switch → settle → observe → verdict → commit
                           └─────────┴────────┴────────┴────────┴────→ revert

Each step is journalled as intended before it is done, and with its outcome after. What comes next
is a function of the journal alone, so a process that dies anywhere can be replaced by another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

import msgspec

from yolodeploy.core.sentences import Sentence


class Step(Enum):
    """One step of one site; every one of them may be done again without harm."""

    PREFETCH = "prefetch"
    CHECK = "check"
    BESIDE = "beside"  # only where the plan has a way to try the release beside the old one
    SWITCH = "switch"
    SETTLE = "settle"
    OBSERVE = "observe"
    VERDICT = "verdict"
    COMMIT = "commit"
    REVERT = "revert"


class Outcome(Enum):
    """How a step ended, or that it was begun."""

    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    WAITING = "waiting"  # not now: offline, held or leased; to be tried again
    SCHEDULED = "scheduled"  # not now: the site's window opens later
    EXPIRED = "expired"  # it has waited for too long and is given up
    SUPERSEDED = "superseded"  # a newer rollout of the app has the site, or another operator


class SiteResult(Enum):
    """How a site came out of a rollout."""

    COMMITTED = "committed"
    REVERTED = "reverted"
    INCONCLUSIVE = "inconclusive"  # reverted, because the gates could not tell
    REFUSED = "refused"  # stopped before the switch: nothing changed
    WAITING = "waiting"
    STOPPED = "stopped"  # aborted before its turn
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


class Entry(msgspec.Struct, frozen=True):
    """One line of the journal of one site, written `at` (Unix seconds).

    `detail` is what it says in English, `said` the same for readers of any language; an older line
    has only words. `again_at` is when a step that waits is worth trying again; None: when somebody
    asks.
    """

    step: Step
    outcome: Outcome
    detail: str = ""
    at: float = 0.0
    again_at: float | None = None
    said: Sentence | None = None

    def told(self, language: str) -> str:
        """What it says, in the reader's language; as it is where it has only words."""
        return self.said.told(language) if self.said is not None else self.detail


def entry(step: Step, outcome: Outcome, said: Sentence, *, again_at: float | None = None) -> Entry:
    """A line that says something."""
    return Entry(step, outcome, said.told(), again_at=again_at, said=said)


AFTER_SUCCESS: dict[Step, Step | SiteResult] = {
    Step.PREFETCH: Step.CHECK,
    Step.CHECK: Step.SWITCH,
    Step.BESIDE: Step.SWITCH,
    Step.SWITCH: Step.SETTLE,
    Step.SETTLE: Step.OBSERVE,
    Step.OBSERVE: Step.VERDICT,
    Step.VERDICT: Step.COMMIT,
    Step.COMMIT: SiteResult.COMMITTED,
    Step.REVERT: SiteResult.REVERTED,
}

AFTER_FAILURE: dict[Step, Step | SiteResult] = {
    Step.PREFETCH: SiteResult.REFUSED,
    Step.CHECK: SiteResult.REFUSED,
    Step.BESIDE: Step.REVERT,
    Step.SWITCH: Step.REVERT,
    Step.SETTLE: Step.REVERT,
    Step.OBSERVE: Step.REVERT,
    Step.VERDICT: Step.REVERT,
    Step.COMMIT: Step.REVERT,  # the guard was quicker: make sure of it
    Step.REVERT: Step.REVERT,
}


OVERTAKEN = "site.fenced"
LATER = frozenset({Outcome.WAITING, Outcome.SCHEDULED})
GIVEN_UP = {
    Outcome.EXPIRED: SiteResult.EXPIRED,
    Outcome.SUPERSEDED: SiteResult.SUPERSEDED,
}


def following(journal: Iterable[Entry], *, beside: bool = False) -> Step | SiteResult:
    """What is to be done next, given everything journalled of a site so far.

    An intended step without an outcome is done again. With `beside` the rollout has a way to try
    the release beside the old one, and does so after the check.
    """
    upcoming: Step | SiteResult = Step.PREFETCH
    inconclusive = False
    for entry in journal:
        if entry.outcome is Outcome.INTENDED or entry.outcome in LATER:
            upcoming = entry.step
        elif entry.outcome in GIVEN_UP:
            upcoming = GIVEN_UP[entry.outcome]
        elif entry.outcome is Outcome.DONE:
            upcoming = AFTER_SUCCESS[entry.step]
            if beside and entry.step is Step.CHECK:
                upcoming = Step.BESIDE
            inconclusive = inconclusive and entry.step is Step.REVERT
        else:
            upcoming = AFTER_FAILURE[entry.step]
            inconclusive = entry.outcome is Outcome.INCONCLUSIVE
    if upcoming is SiteResult.REVERTED and inconclusive:
        return SiteResult.INCONCLUSIVE
    return upcoming


def failed(journal: Iterable[Entry]) -> bool:
    """Whether the release did not pass there, whether the site has gone back yet or not."""
    return any(
        entry.outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE) and entry.step is not Step.REVERT
        for entry in journal
    )


def overtaken(journal: Sequence[Entry]) -> Sentence | None:
    """Who has taken the site over, of whom this journal may know nothing else; None for nobody."""
    said = journal[-1].said if journal else None
    return said if said is not None and said.code == OVERTAKEN else None


def switched(journal: Iterable[Entry]) -> bool:
    """Whether the site may be running the new release: that was intended and not undone."""
    moved = False
    for entry in journal:
        if entry.step in (Step.BESIDE, Step.SWITCH):
            moved = True
        elif entry.step is Step.REVERT and entry.outcome is Outcome.DONE:
            moved = False
        if entry.outcome in GIVEN_UP:
            moved = False  # its guard has taken it back, and nothing more is asked of it
    return moved


def waiting_since(journal: Iterable[Entry]) -> float | None:
    """Since when a site has waited without getting a step further; None where it does not wait."""
    since: float | None = None
    for entry in journal:
        if entry.outcome is Outcome.WAITING:
            since = entry.at if since is None else since
        elif entry.outcome is not Outcome.INTENDED:
            since = None
    return since


def may_expire(journal: Iterable[Entry]) -> bool:
    """Whether a site that waits can be given up: a committed one that must go back cannot."""
    return not any(entry.step is Step.COMMIT and entry.outcome is Outcome.DONE for entry in journal)
