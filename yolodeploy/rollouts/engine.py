"""The engine: wave by wave, site by site, from the journal alone.

It keeps nothing in memory that a successor would need. Started again on the same rollout it goes
on where the journal ends, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from yolodeploy.core.labels import GoldenFrame
from yolodeploy.core.release import Release
from yolodeploy.core.steps import Outcome, SiteResult, following, switched
from yolodeploy.core.waves import Plan, Scope, affected_by_failure
from yolodeploy.rollouts.ports import Ending, Journal, Request
from yolodeploy.rollouts.site_run import SiteRun
from yolodeploy.sites.interface import Site

BAD = frozenset({SiteResult.REVERTED, SiteResult.INCONCLUSIVE, SiteResult.REFUSED})


class Engine:
    """Drives one rollout.

    `connect` gives the site of a name. `holder` is unique to this process and contains `lineage`,
    which all engines of this rollout share: a successor takes their leases over without being
    told to (`take_over`), and nobody else's.
    """

    def __init__(
        self,
        plan: Plan,
        release: Release,
        journal: Journal,
        frames: Sequence[bytes],
        connect: Callable[[str], Site],
        *,
        holder: str,
        lineage: str,
        take_over: bool = False,
        golden: Sequence[GoldenFrame] = (),
    ) -> None:
        self._plan = plan
        self._release = release
        self._journal = journal
        self._frames = frames
        self._connect = connect
        self._holder = holder
        self._lineage = lineage
        self._take_over = take_over
        self._golden = golden

    def run(self) -> Ending:
        """Every wave that is left.

        Raises:
            Refused: `site.fenced`, another operator drives one of the sites now.
        """
        bad: list[str] = []
        waiting = False
        for wave in self._plan.waves:
            if self._journal.request() is not Request.NONE and not self._begun(wave):
                break
            results = self._wave(wave)
            if self._journal.request() is Request.ABORT:
                continue  # what was on trial went back; what was committed stays
            bad += [site for site, result in results.items() if result in BAD]
            if bad and self._plan.on_failure is not Scope.SITE:
                return self._fail(bad)
            waiting = waiting or SiteResult.WAITING in results.values()
        return self._ending(bad, waiting=waiting)

    def _wave(self, wave: Sequence[str]) -> Mapping[str, SiteResult]:
        """The sites of one wave, at most `concurrency` at a time."""
        with ThreadPoolExecutor(max_workers=self._plan.concurrency) as pool:
            return dict(zip(wave, pool.map(self._site, wave), strict=True))

    def _site(self, name: str) -> SiteResult:
        result = following(self._journal.entries(name))
        if isinstance(result, SiteResult):  # known from an earlier run
            self._run_of(name).tidy()
            return result
        if self._journal.request() is Request.PAUSE and not self._journal.entries(name):
            return SiteResult.WAITING
        return self._run_of(name).run()

    def _run_of(self, name: str) -> SiteRun:
        return SiteRun(
            self._connect(name),
            self._plan,
            self._release,
            self._journal,
            self._frames,
            holder=self._holder,
            lineage=self._lineage,
            take_over=self._take_over,
            golden=self._golden,
        )

    def _fail(self, bad: Sequence[str]) -> Ending:
        """Revert what the failure reaches; sites that cannot be reached keep this for `resume`."""
        moved = {
            site: switched(self._journal.entries(site))
            for wave in self._plan.waves
            for site in wave
        }
        reached = {
            site for failed in bad for site in affected_by_failure(self._plan, failed, moved)
        }
        back = [site for site in moved if site in reached and moved[site]]
        with ThreadPoolExecutor(max_workers=self._plan.concurrency) as pool:
            done = list(pool.map(lambda site: self._run_of(site).revert(), back))
        return self._blamed(bad) if all(done) else Ending.WAITING

    def _blamed(self, bad: Sequence[str]) -> Ending:
        """By what went wrong on the sites: some of them only went back with others."""
        outcomes = {entry.outcome for site in bad for entry in self._journal.entries(site)}
        return Ending.FAILED if Outcome.FAILED in outcomes else Ending.INCONCLUSIVE

    def _begun(self, wave: Sequence[str]) -> bool:
        return any(self._journal.entries(site) for site in wave)

    def _ending(self, bad: Sequence[str], *, waiting: bool) -> Ending:
        asked = self._journal.request()
        journals = [self._journal.entries(site) for wave in self._plan.waves for site in wave]
        under_way = [each for each in journals if not isinstance(following(each), SiteResult)]
        if asked is Request.ABORT:
            # a site that could not be reached has still to go back
            return Ending.WAITING if any(map(switched, under_way)) else Ending.ABORTED
        if asked is Request.PAUSE and under_way:
            return Ending.PAUSED
        if waiting:
            return Ending.WAITING
        return self._blamed(bad) if bad else Ending.DONE
