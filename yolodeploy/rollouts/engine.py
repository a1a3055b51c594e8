"""The engine: wave by wave, site by site, from the journal alone.

It keeps nothing in memory that a successor would need. Started again on the same rollout it goes
on where the journal ends, whoever wrote it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from yolodeploy.core.steps import (
    LATER,
    Entry,
    Outcome,
    SiteResult,
    Step,
    failed,
    following,
    overtaken,
    switched,
)
from yolodeploy.core.waves import affected_by_failure, start_delay_s, too_many_failed
from yolodeploy.rollouts.patience import PATIENCE_S, Patience
from yolodeploy.rollouts.ports import Ending, Request
from yolodeploy.rollouts.rollout import Operator, Rollout
from yolodeploy.rollouts.site_run import SiteRun
from yolodeploy.sites.interface import Site

T = TypeVar("T")

ALIVE_S = 2.0
LEFT_OUT = ((SiteResult.EXPIRED, Ending.EXPIRED), (SiteResult.SUPERSEDED, Ending.ABORTED))


class Engine:
    """Drives one rollout.

    `connect` gives the site of a name. With `due_only` a site that waits is left alone until its
    time has come, or it was seen; a person who resumes wants it tried now.

    After `run`, `again_at` is when it is worth going on (Unix seconds), None: when somebody asks.
    """

    def __init__(
        self,
        rollout: Rollout,
        operator: Operator,
        connect: Callable[[str], Site],
        *,
        due_only: bool = False,
    ) -> None:
        self._rollout = rollout
        self._plan = rollout.plan
        self._journal = rollout.journal
        self._operator = operator
        self._connect = connect
        self._due_only = due_only
        self._patience = Patience(rollout.journal)
        self._bad: set[str] = set()  # sites where the release did not pass
        self._later: set[str] = set()  # those of them that could not go back just now
        self.again_at: float | None = None

    def run(self) -> Ending:
        """Every wave that is left and may begin.

        Raises:
            Refused: `inventory.rollout_taken`, another engine drives this rollout now.
        """
        self._bad = {site for site in self._plan.moving if failed(self._journal.entries(site))}
        for number, wave in enumerate(self._plan.waves, 1):
            begun = self._begun(number, wave)
            if not begun and (ending := self._held_back(number)) is not None:
                return ending
            if not begun and self._journal.request() is not Request.NONE:
                break
            results = self._wave(number, wave)
            if self._journal.request() is Request.ABORT:
                continue  # what was on trial went back; what was committed stays
            if too_many_failed(self._plan, len(self._bad)):
                return self._fail()
            if self._journal.request() is Request.NONE:
                over = self._journal.wave(number).ended_at is not None
                if not over and any(map(self._is_scheduled, wave)):
                    break  # it is not over before its sites had their windows
                if all(results.values()):
                    self._journal.end_wave(number)
        return self._ending()

    def _held_back(self, number: int) -> Ending | None:
        """Waits for the end of the soak; why the wave cannot begin now, None where it can."""
        if number == 1 or self._journal.request() is not Request.NONE:
            return None  # what is asked is answered first
        before = self._journal.wave(number - 1)
        due = (before.ended_at or time.time()) + self._plan.between_s
        if not self._patience.until(due):
            self.again_at = min(due, self._again_at() or due)
            return Ending.WAITING if self._journal.request() is Request.NONE else self._ending()
        if number - 1 in self._plan.approvals and not before.approved_by:
            self.again_at = self._again_at()
            return Ending.APPROVAL
        return None

    def _wave(self, number: int, wave: Sequence[str]) -> Mapping[str, SiteResult | None]:
        """The sites of one wave, so many at a time; None for one that did not get its turn."""
        mark = self._journal.wave(number)
        if mark.begun_at is None:
            mark = self._journal.begin_wave(number)
        over = mark.ended_at is not None
        begins = mark.begun_at or time.time()
        # in the order of their beginnings: who waits for its moment would keep a place from others
        ordered = sorted(wave, key=lambda site: start_delay_s(self._plan, site))
        results = self._each(
            lambda site: self._site(site, begins, over=over), ordered, self._plan.at_once(number)
        )
        return dict(zip(ordered, results, strict=True))

    def _site(self, name: str, begins: float, *, over: bool) -> SiteResult | None:
        entries = self._journal.entries(name)
        known = following(entries)
        if isinstance(known, SiteResult):  # from an earlier run
            if not over:
                self._run_of(name).tidy()
            return known
        if not entries and not self._may_begin(name, begins):
            return None
        if not switched(entries) and too_many_failed(self._plan, len(self._bad)):
            # what it waited for, or was killed on its way to, did not pass elsewhere
            if entries and entries[-1].outcome is Outcome.INTENDED:
                self._run_of(name).tidy()
            return None
        if self._not_due(name, entries):
            return SiteResult.WAITING
        result = self._run_of(name).run()
        if failed(self._journal.entries(name)):
            self._bad.add(name)
            if result is SiteResult.WAITING:
                self._later.add(name)
        return result

    def _not_due(self, name: str, entries: Sequence[Entry]) -> bool:
        if not self._due_only:
            return False
        last = entries[-1] if entries else Entry(Step.PREFETCH, Outcome.INTENDED)
        if last.outcome is not Outcome.WAITING or last.again_at is None:
            return False
        early = last.again_at > time.time() + PATIENCE_S
        return early and not self._journal.seen_since(name, last.at)

    def _may_begin(self, name: str, begins: float) -> bool:
        """Whether a site's turn has come, after its delay: people or failures may say no."""
        while (left := begins + start_delay_s(self._plan, name) - time.time()) > 0:
            if not self._patience.until(time.time() + min(left, PATIENCE_S)):
                break
        if self._journal.request() is not Request.NONE:
            return False
        return not too_many_failed(self._plan, len(self._bad))

    def _run_of(self, name: str) -> SiteRun:
        return SiteRun(self._connect(name), self._rollout, self._operator)

    def _fail(self) -> Ending:
        """Revert what the failure reaches, and what is on trial: nobody would see it through.

        Sites that cannot be reached keep this for `resume`.
        """
        journals = {site: self._journal.entries(site) for site in self._plan.moving}
        moved = {site: switched(entries) for site, entries in journals.items()}
        reached = {
            site for bad in self._bad for site in affected_by_failure(self._plan, bad, moved)
        } | {s for s, entries in journals.items() if not isinstance(following(entries), SiteResult)}
        back = [site for site in moved if site in reached and moved[site]]
        if all(self._each(self._goes_back, back, self._plan.concurrency)):
            return self._blamed()
        self.again_at = self._again_at(back)  # what the others wait for is nothing to come for
        return Ending.WAITING

    def _each(self, act: Callable[[str], T], sites: Sequence[str], most: int) -> list[T]:
        """Act on sites, so many at a time; life is shown meanwhile: a pull may take an hour.

        Where one of them raises what is no site's fault, none that waits for its turn begins.
        """
        with ThreadPoolExecutor(max_workers=most) as pool:
            futures = [pool.submit(act, site) for site in sites]
            try:
                while True:
                    done, left = wait(futures, ALIVE_S, return_when=FIRST_EXCEPTION)
                    if not left or any(future.exception() for future in done):
                        break
                    self._journal.request()
            finally:
                for future in futures:
                    future.cancel()
        return [future.result() for future in futures]

    def _goes_back(self, name: str) -> bool:
        """Have a site go back; False where it must wait, or has been tried a moment ago."""
        if name in self._later or self._not_due(name, self._journal.entries(name)):
            return False
        return self._run_of(name).revert()

    def _blamed(self) -> Ending:
        """By what went wrong on the sites: some of them only went back with others."""
        outcomes = {e.outcome for site in self._bad for e in self._journal.entries(site)}
        return Ending.FAILED if Outcome.FAILED in outcomes else Ending.INCONCLUSIVE

    def _begun(self, number: int, wave: Sequence[str]) -> bool:
        known = self._journal.wave(number).begun_at is not None
        lines = (line for site in wave for line in self._journal.entries(site))
        return known or any(line.outcome is not Outcome.SUPERSEDED for line in lines)

    def _is_scheduled(self, site: str) -> bool:
        entries = self._journal.entries(site)
        return bool(entries) and entries[-1].outcome is Outcome.SCHEDULED

    def _again_at(self, sites: Sequence[str] = ()) -> float | None:
        """When the first of the sites that wait is worth trying again; without `sites`, of all."""
        last = [entries[-1:] for entries in map(self._journal.entries, sites or self._plan.moving)]
        times = [e.again_at for (e,) in filter(None, last) if e.outcome in LATER]
        return min((at for at in times if at is not None), default=None)

    def _ending(self) -> Ending:
        asked = self._journal.request()
        journals = [self._journal.entries(site) for site in self._plan.moving]
        results = [following(each) for each in journals]
        left = [e for e, r in zip(journals, results, strict=True) if not isinstance(r, SiteResult)]
        if asked is Request.ABORT:
            # a site that could not be reached has still to go back
            if not any(map(switched, left)):
                return Ending.ABORTED
        elif asked is Request.PAUSE and left:
            return Ending.PAUSED
        if left:
            self.again_at = self._again_at()
            return Ending.WAITING
        if self._bad:
            return self._blamed()
        if any(map(overtaken, journals)):
            return Ending.FAILED
        return next((ending for result, ending in LEFT_OUT if result in results), Ending.DONE)
