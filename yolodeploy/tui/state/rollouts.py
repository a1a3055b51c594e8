"""Rollouts: the list, and one with its waves, sites, steps and gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from yolodeploy.core.gates import GateResult
from yolodeploy.core.steps import LATER, Entry, Outcome, SiteResult, Step, following
from yolodeploy.core.waves import Plan, SitePlan
from yolodeploy.inventory.journal import RolloutSite, StepRow
from yolodeploy.inventory.rollouts import FINAL, SILENT_S, RolloutRow, RolloutState

TRACK = (
    Step.PREFETCH,
    Step.CHECK,
    Step.SWITCH,
    Step.SETTLE,
    Step.OBSERVE,
    Step.VERDICT,
    Step.COMMIT,
)


class Mark(Enum):
    """How far one step of one site is."""

    AHEAD = "ahead"
    NOW = "now"
    WAITING = "waiting"
    DONE = "done"
    BAD = "bad"


_MARKS = {
    Outcome.INTENDED: Mark.NOW,
    Outcome.DONE: Mark.DONE,
    Outcome.FAILED: Mark.BAD,
    Outcome.INCONCLUSIVE: Mark.BAD,
    Outcome.WAITING: Mark.WAITING,
    Outcome.SCHEDULED: Mark.WAITING,
    Outcome.EXPIRED: Mark.BAD,
    Outcome.SUPERSEDED: Mark.AHEAD,
}


class SiteProgress(NamedTuple):
    """One site of a rollout.

    `wave` counts from 1; 0 is for a site that does not move, and `plan.standing` says why.
    `step` is the one under way or to come, None before the first entry and after the last;
    `reverting` tells that it is on its way back. `at` is the last entry's time, None before.
    `outage_s` is what the switch took away, as the site measured it; None where it does not run
    the release. `entries` is its journal.
    """

    wave: int
    plan: SitePlan
    result: SiteResult | None
    step: Step | None
    track: tuple[Mark, ...]
    reverting: bool
    waiting: bool
    detail: str
    at: float | None
    gates: tuple[GateResult, ...]
    outage_s: float | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def site(self) -> str:
        """Its name."""
        return self.plan.site


class RolloutItem(NamedTuple):
    """One rollout in the list.

    `ended` counts the sites with a result, `committed` those that run the release because of it;
    `wave` is the one under way, after the end the last that was begun. `silent_s` is how long
    nobody has driven it though it should be running, None where all is well. `again_at` is when one
    that waits goes on by itself.
    """

    id: str
    app: str
    release: str
    state: RolloutState
    reason: str
    asked: str
    sites: int
    ended: int
    committed: int
    wave: int
    waves: int
    created_at: float
    ended_at: float | None
    silent_s: float | None
    again_at: float | None = None

    @property
    def final(self) -> bool:
        """Whether it has ended for good."""
        return self.state in FINAL


class RolloutDetail(NamedTuple):
    """One rollout in full; sites in the order of the waves, those that do not move last."""

    item: RolloutItem
    plan: Plan
    sites: tuple[SiteProgress, ...]


def rollout_detail(
    row: RolloutRow,
    release: str,
    sites: Sequence[RolloutSite],
    steps: Sequence[StepRow],
    now: float,
    language: str = "en",
    outages: Mapping[str, float] = MappingProxyType({}),
) -> RolloutDetail:
    """A rollout from its row, its sites and its journal, told in a language.

    `outages` are seconds by site, of those that run the release.
    """
    journals: dict[str, list[StepRow]] = {}
    for step in steps:
        journals.setdefault(step.site, []).append(step)
    waves = {site: number for number, wave in enumerate(row.plan.waves, 1) for site in wave}
    known = {site.site: site for site in sites}
    progress = tuple(
        _progress(
            plan,
            waves.get(plan.site, 0),
            known.get(plan.site),
            journals.get(plan.site, []),
            outages.get(plan.site),
            beside=row.plan.beside is not None,
            language=language,
        )
        for plan in sorted(row.plan.sites, key=lambda plan: _place(plan, waves))
    )
    return RolloutDetail(_item(row, release, progress, now, language), row.plan, progress)


def track_of(entries: Sequence[Entry], *, beside: bool = False) -> tuple[Mark, ...]:
    """How far every step is; the last word on each counts.

    With `beside` the release is first tried beside the old one: one step more.
    """
    marks: Mapping[Step, Mark] = {entry.step: _MARKS[entry.outcome] for entry in entries}
    return tuple(marks.get(step, Mark.AHEAD) for step in steps_of(beside=beside))


def steps_of(*, beside: bool) -> tuple[Step, ...]:
    """The way of a site, in order."""
    after = TRACK.index(Step.CHECK) + 1
    return (*TRACK[:after], Step.BESIDE, *TRACK[after:]) if beside else TRACK


def _place(plan: SitePlan, waves: Mapping[str, int]) -> tuple[bool, int]:
    wave = waves.get(plan.site, 0)
    return (wave == 0, wave)


def _progress(
    plan: SitePlan,
    wave: int,
    stored: RolloutSite | None,
    steps: Sequence[StepRow],
    outage_s: float | None,
    *,
    beside: bool,
    language: str,
) -> SiteProgress:
    entries = [step.entry for step in steps]
    upcoming = following(entries, beside=beside) if entries else None
    last = entries[-1] if entries else None
    result = stored.result if stored and stored.result else None
    if result is None and isinstance(upcoming, SiteResult):
        result = upcoming  # results are stored when the rollout ends; the journal knows earlier
    return SiteProgress(
        wave=wave,
        plan=plan,
        result=result,
        step=upcoming if isinstance(upcoming, Step) else None,
        track=track_of(entries, beside=beside),
        reverting=any(entry.step is Step.REVERT for entry in entries),
        waiting=last is not None and last.outcome in LATER,
        detail=_told(entries, language) or plan.told("reason", language),
        at=steps[-1].at if steps else None,
        gates=stored.gates if stored else (),
        outage_s=outage_s if entries and result in (None, SiteResult.COMMITTED) else None,
        entries=tuple(entries),
    )


def _told(entries: Sequence[Entry], language: str) -> str:
    """What is worth saying: why it went wrong, else the last thing that a step told."""
    bad = [e for e in entries if e.outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE)]
    told = [entry for entry in entries if entry.detail]
    return next((entry.told(language) for entry in (*bad, *reversed(told))), "")


def _item(
    row: RolloutRow, release: str, sites: Sequence[SiteProgress], now: float, language: str
) -> RolloutItem:
    moving = [site for site in sites if site.wave]
    under_way = [site.wave for site in moving if site.result in (None, SiteResult.WAITING)]
    begun = [site.wave for site in moving if site.at is not None]
    asked = "abort" if row.abort_requested else "pause" if row.pause_requested else ""
    return RolloutItem(
        id=row.id,
        app=row.app,
        release=release,
        state=row.state,
        reason=row.why(language),
        asked="" if row.state in FINAL else asked,
        sites=len(moving),
        ended=sum(site.result not in (None, SiteResult.WAITING) for site in moving),
        committed=sum(site.result is SiteResult.COMMITTED for site in moving),
        wave=min(under_way, default=max(begun, default=len(row.plan.waves))),
        waves=len(row.plan.waves),
        created_at=row.created_at,
        ended_at=row.ended_at,
        silent_s=_silent_s(row, now),
        again_at=row.again_at if row.state is RolloutState.WAITING else None,
    )


def _silent_s(row: RolloutRow, now: float) -> float | None:
    if row.state not in (RolloutState.RUNNING, RolloutState.ABORTING):
        return None
    silent = now - (row.heartbeat_at or row.created_at)
    return silent if silent > SILENT_S else None
