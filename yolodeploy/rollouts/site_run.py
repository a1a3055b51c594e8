"""One site's way through a rollout: what each step does.

Every step may be done again: it asks the site how it is instead of remembering what was done.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from yolodeploy.core.errors import Refused, Unreachable, YolodeployError
from yolodeploy.core.gates import Observation, Verdict, overall
from yolodeploy.core.release import Release
from yolodeploy.core.sentences import Sentence, sentence, sentence_of
from yolodeploy.core.site import Guard, Intent, Phase
from yolodeploy.core.steps import (
    OVERTAKEN,
    Entry,
    Outcome,
    SiteResult,
    Step,
    entry,
    following,
    switched,
)
from yolodeploy.rollouts.complaints import UNSURE
from yolodeploy.rollouts.endurance import endured
from yolodeploy.rollouts.figures import Figures
from yolodeploy.rollouts.frames import Frames
from yolodeploy.rollouts.measuring import counts, since
from yolodeploy.rollouts.patience import PATIENCE_S
from yolodeploy.rollouts.planning import kept_release
from yolodeploy.rollouts.ports import Request
from yolodeploy.rollouts.rollout import Operator, Rollout
from yolodeploy.rollouts.site_beside import SiteBeside, beside_results
from yolodeploy.rollouts.site_lease import SiteLease
from yolodeploy.rollouts.site_trial import GONE_BACK, SiteTrial, Watch
from yolodeploy.rollouts.site_waiting import SiteWaiting
from yolodeploy.sites.interface import Site

NOT_NOW = frozenset({"site.leased"})
CHANGES = (Step.BESIDE, Step.SWITCH)
OURS = "inventory."  # what is wrong with the journal says nothing of a site


class SiteRun:
    """Drives one site until it has a result, or cannot go on now."""

    def __init__(self, site: Site, rollout: Rollout, operator: Operator) -> None:
        self._site = site
        self._rollout = rollout.name
        self._plan = rollout.plan
        self._release = rollout.release
        self._journal = rollout.journal
        self._lease = SiteLease(site, operator)
        self._frames = Frames(site, rollout, meanwhile=self._stay)
        self._waiting = SiteWaiting(site.name, rollout, self._lease)
        self._trial = SiteTrial(site, rollout, self._frames, self._lease)
        self._steps: dict[Step, Callable[[], Sentence]] = {
            Step.PREFETCH: self._prefetch,
            Step.CHECK: self._check,
            Step.SWITCH: self._switch,
            Step.SETTLE: self._settle,
            Step.OBSERVE: self._observe,
            Step.VERDICT: self._verdict,
            Step.COMMIT: self._commit,
            Step.REVERT: self._revert,
        }
        if rollout.plan.beside is not None:
            self._steps[Step.BESIDE] = SiteBeside(self._trial, rollout.plan.beside).run

    def run(self) -> SiteResult:
        """All steps that are left, until the site has a result.

        Raises:
            YolodeployError: `inventory.*`, the journal cannot be written, or is another engine's.
        """
        try:
            return self._run()
        finally:
            self._lease.give_back()

    def revert(self) -> bool:
        """Go back to the previous release, whatever was reached; False when it must wait.

        A site that was away for too long is given up: its guard has taken it back.
        """
        try:
            entries = self._journal.entries(self._site.name)
            return self._waiting.has_expired(entries, Step.REVERT) or self._do(Step.REVERT)
        finally:
            self._lease.give_back()

    def tidy(self) -> None:
        """Give back the lease that an engine of this rollout held when it was killed."""
        self._lease.tidy()

    def _run(self) -> SiteResult:
        while True:
            entries = self._journal.entries(self._site.name)
            upcoming = following(entries, beside=self._plan.beside is not None)
            if isinstance(upcoming, SiteResult):
                return upcoming
            if self._waiting.has_expired(entries, upcoming):
                return SiteResult.EXPIRED
            aborted = self._journal.request() is Request.ABORT
            if aborted and not switched(entries):
                return SiteResult.STOPPED
            if not self._do(Step.REVERT if aborted else upcoming):
                return SiteResult.WAITING

    def _do(self, step: Step) -> bool:
        """One step, journalled before and after; False when it cannot be done now.

        Where somebody else drives the site by now it is theirs, and the last of this one's steps.
        """
        try:
            return self._done(step)
        except Refused as error:
            if error.code != OVERTAKEN:
                raise
            self._journal.append(
                self._site.name, entry(step, Outcome.SUPERSEDED, self._said(error))
            )
            return True

    def _done(self, step: Step) -> bool:
        name = self._site.name
        if step in CHANGES and (reason := self._journal.held(name)):
            self._waiting.later(step, reason)
            return False
        if step in (Step.CHECK, *CHANGES) and not self._waiting.in_window(step):
            return False
        # it takes minutes in which nothing else is told
        aim = self._plan.beside_told if step is Step.BESIDE else None
        intended = Entry(step, Outcome.INTENDED)
        self._journal.append(name, entry(step, Outcome.INTENDED, aim) if aim else intended)
        try:
            said = endured(step, self._steps[step], self._lease, self._journal)
            outcome = Outcome.DONE
        except YolodeployError as error:
            if error.code == OVERTAKEN or error.code.startswith(OURS):
                raise
            outcome, said = _outcome_of(error), self._said(error)
        if step is Step.REVERT and outcome is Outcome.FAILED:
            outcome = Outcome.WAITING  # a revert is never given up
        if outcome is Outcome.WAITING:
            self._waiting.later(step, said)
            return False
        self._journal.append(name, entry(step, outcome, said))
        return True

    def _stay(self) -> None:
        """Keep the lease, and give a sign of life."""
        self._lease.keep()
        self._journal.request()

    def _said(self, error: YolodeployError) -> Sentence:
        return sentence_of(error, rollout=self._rollout)

    # the steps -------------------------------------------------------------------------------

    def _prefetch(self) -> Sentence:
        moved = self._site.prefetch(self._release.spec)
        told = {"moved": f"{moved.moved_bytes:,}", "present": f"{moved.present_bytes:,}"}
        if moved.engine:
            return sentence("step.prefetched_engine", engine=moved.engine, **told)
        return sentence("step.prefetched", **told)

    def _check(self) -> Sentence:
        """Who runs now, and what it answers: afterwards it may be gone."""
        fence = self._lease.claim()
        state = self._site.observe()
        app = state.app(self._plan.app)
        previous = kept_release(app)
        if app is not None and app.phase in GONE_BACK:
            # nobody has closed an earlier trial, and the same one again would not be a new one
            self._site.apply(Intent(app=self._plan.app, release=previous), fence)
        figures = Figures(previous=previous)
        if previous is not None and self._comparable_with(previous):
            figures = self._baseline(previous)
        # as it is now that all is there which could be brought: the plan may be of another day
        build_s = self._site.switching(self._release.spec).build_s
        self._journal.save_figures(self._site.name, replace(figures, build_s=build_s))
        self._journal.collect(self._site.name)
        boxes = sum(map(len, figures.expected))
        told = {"boxes": boxes, "frames": len(figures.expected)}
        if previous is None:
            return sentence("step.checked_first", **told)
        return sentence("step.checked", release=previous.alias, **told)

    def _comparable_with(self, previous: Release) -> bool:
        """Whether the boxes of both mean the same.

        Raises:
            Refused: `rollout.classes_changed`, they do not, and nobody said that it is meant.
        """
        old, new = previous.spec.classes, self._release.spec.classes
        if not self._plan.compare or old == new:
            return self._plan.compare
        if not self._plan.accept_classes:
            raise Refused(
                "rollout.classes_changed",
                site=self._site.name,
                release=self._release.alias,
                old=", ".join(old),
                new=", ".join(new),
            )
        return False

    def _baseline(self, previous: Release) -> Figures:
        """The old release's boxes and stage times on the frames.

        It is waited for: after a site's restart its servers are not there at once.
        """
        soon = time.monotonic() + min(self._plan.settle_s, PATIENCE_S)
        while not self._frames.are_answered_by(previous) and time.monotonic() < soon:
            if self._trial.wait() is Request.ABORT:
                break
        before = self._trial.counted(previous.digest)
        found = self._frames.baseline(previous)
        old = since(self._trial.counted(previous.digest), before)
        return Figures(
            previous=previous,
            frames=tuple(found.answers),
            expected=tuple(found.answers.values()),
            old=replace(
                old,
                golden=found.golden,
                answered=found.answered,
                answering_s=found.answering_s,
            ),
        )

    def _switch(self) -> Sentence:
        if self._plan.beside is not None:
            self._demand_still_good()
        figures = self._trial.figures()
        guard_s = self._plan.guarding_s(figures.build_s)
        intent = Intent(
            app=self._plan.app,
            release=self._release,
            previous=figures.previous,
            guard=Guard(guard_s),
        )
        self._trial.apply(intent)
        return sentence("step.switched", release=self._release.alias, seconds=f"{guard_s:g}")

    def _demand_still_good(self) -> None:
        """What ran beside was not found bad by the site itself since it passed.

        Its guard's deadline may have come: who waits for a hold to end is no worse for it.
        """
        state = self._site.observe()
        app = state.app(self._plan.app)
        if app is not None and app.phase in GONE_BACK and app.reason != "deadline":
            self._trial.app(state)

    def _settle(self) -> Sentence:
        app = self._trial.settled()
        return sentence("step.settled", seconds=f"{app.outage_s:g}")

    def _observe(self) -> Sentence:
        """Watch it until the gates can tell, or the time is over."""
        figures = self._trial.figures()
        # what old and new agreed on while both saw the traffic stands: now one of them is gone
        mirrored = figures.beside.mirrored if figures.beside else None
        watch = Watch(self._plan.soak_s, self._plan.observe_s, mirrored=lambda: mirrored)
        seen, app = self._trial.watched(figures, watch)
        figures = replace(figures, new=seen, outage_s=app.outage_s)
        self._journal.save_figures(self._site.name, figures)
        self._journal.collect(self._site.name)
        if overall(self._trial.judged(seen, figures)) is Verdict.PASSED and not app.settled:
            raise self._trial.not_ready(self._plan.observe_s)
        return sentence("step.observed", **counts(seen))

    def _verdict(self) -> Sentence:
        figures = self._trial.figures()
        results = self._trial.judged(figures.new or Observation(), figures)
        earlier = self._trial.judged(figures.beside, figures) if figures.beside else ()
        self._journal.record_verdict(self._site.name, (*beside_results(earlier), *results))
        self._trial.demand_passed(results)
        return sentence("step.judged", gates=len(results))

    def _commit(self) -> Sentence:
        intent = Intent(
            app=self._plan.app, release=self._release, previous=self._trial.figures().previous
        )
        self._lease.claim()
        self._trial.app()
        try:
            self._trial.apply(intent)
        except YolodeployError as error:
            # it may be stored, and what came after it refused; who did not answer is asked again
            again = isinstance(error, Unreachable) or error.code == OVERTAKEN
            if again or not self._is_committed():
                raise
        return sentence("step.committed", release=self._release.alias)

    def _is_committed(self) -> bool:
        app = self._site.observe().app(self._plan.app)
        return app is not None and (app.release, app.phase) == (self._release, Phase.COMMITTED)

    def _revert(self) -> Sentence:
        previous = self._trial.figures().previous
        self._trial.apply(Intent(app=self._plan.app, release=previous))
        deadline = time.monotonic() + self._plan.settle_s
        while True:
            app = self._site.observe().app(self._plan.app)
            if app is None or app.settled:
                break
            if time.monotonic() > deadline:
                raise Unreachable("rollout.revert_slow", site=self._site.name)
            self._trial.wait()
        self._journal.collect(self._site.name)
        if previous is None:
            return sentence("step.reverted_first")
        return sentence("step.reverted", release=previous.alias)


def _outcome_of(error: YolodeployError) -> Outcome:
    """What an error of a site makes of the step."""
    if isinstance(error, Unreachable) or error.code in NOT_NOW:
        return Outcome.WAITING
    return Outcome.INCONCLUSIVE if error.code in UNSURE else Outcome.FAILED
