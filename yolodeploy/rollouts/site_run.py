"""One site's way through a rollout: what each step does.

Every step may be done again: it asks the site how it is instead of remembering what was done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from yolodeploy.core.detections import Agreement
from yolodeploy.core.errors import Refused, RolledBack, Unreachable, YolodeployError
from yolodeploy.core.gates import (
    GateResult,
    Observation,
    Verdict,
    judge,
    overall,
)
from yolodeploy.core.labels import GoldenFrame
from yolodeploy.core.release import Release
from yolodeploy.core.site import AppState, Guard, Intent, Phase, SiteState
from yolodeploy.core.steps import Entry, Outcome, SiteResult, Step, following, switched
from yolodeploy.core.waves import Plan
from yolodeploy.rollouts.figures import Figures
from yolodeploy.rollouts.frames import Frames
from yolodeploy.rollouts.measuring import (
    Sent,
    counted,
    instances_of,
    since,
)
from yolodeploy.rollouts.planning import kept_release
from yolodeploy.rollouts.ports import Journal, Request
from yolodeploy.rollouts.site_lease import SiteLease
from yolodeploy.rollouts.site_waiting import SiteWaiting
from yolodeploy.sites.interface import Site

POLL_S = 0.2
NOT_NOW = frozenset({"site.leased"})
LOST = frozenset({"site.fenced", "inventory.rollout_taken"})
GONE_BACK = frozenset({Phase.REVERTING, Phase.REVERTED})


class SiteRun:
    """Drives one site until it has a result, or cannot go on now."""

    def __init__(
        self,
        site: Site,
        plan: Plan,
        release: Release,
        journal: Journal,
        frames: Sequence[bytes],
        *,
        holder: str,
        lineage: str,
        take_over: bool = False,
        golden: Sequence[GoldenFrame] = (),
    ) -> None:
        self._site = site
        self._plan = plan
        self._release = release
        self._journal = journal
        self._frames = Frames(site, release, frames, golden)
        self._lease = SiteLease(site, holder, lineage, take_over=take_over)
        self._waiting = SiteWaiting(site.name, plan, journal, self._lease)
        self._complaint = ""
        self._steps: dict[Step, Callable[[], str]] = {
            Step.PREFETCH: self._prefetch,
            Step.CHECK: self._check,
            Step.SWITCH: self._switch,
            Step.SETTLE: self._settle,
            Step.OBSERVE: self._observe,
            Step.VERDICT: self._verdict,
            Step.COMMIT: self._commit,
            Step.REVERT: self._revert,
        }

    def run(self) -> SiteResult:
        """All steps that are left, until the site has a result.

        Raises:
            Refused: `site.fenced`, somebody else drives this site now; nothing more may be done.
        """
        try:
            return self._run()
        finally:
            self._lease.give_back()

    def revert(self) -> bool:
        """Go back to the previous release, whatever was reached; False when it must wait."""
        try:
            return self._do(Step.REVERT)
        finally:
            self._lease.give_back()

    def tidy(self) -> None:
        """Give back the lease that an engine of this rollout held when it was killed."""
        self._lease.tidy()

    def _run(self) -> SiteResult:
        while True:
            entries = self._journal.entries(self._site.name)
            upcoming = following(entries)
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
        """One step, journalled before and after; False when it cannot be done now."""
        name = self._site.name
        if step is Step.SWITCH and (reason := self._journal.held(name)):
            self._waiting.later(step, reason)
            return False
        if step in (Step.CHECK, Step.SWITCH) and not self._waiting.in_window():
            return False
        self._journal.append(name, Entry(step, Outcome.INTENDED))
        try:
            outcome, detail = Outcome.DONE, self._steps[step]()
        except Unreachable as error:
            outcome, detail = Outcome.WAITING, error.text()
        except RolledBack as error:
            unsure = error.code == "rollout.inconclusive"
            outcome = Outcome.INCONCLUSIVE if unsure else Outcome.FAILED
            detail = error.text()
        except YolodeployError as error:
            if error.code in LOST:
                raise
            outcome = Outcome.WAITING if error.code in NOT_NOW else Outcome.FAILED
            detail = error.text()
        if step is Step.REVERT and outcome is Outcome.FAILED:
            outcome = Outcome.WAITING  # a revert is never given up
        if outcome is Outcome.WAITING:
            self._waiting.later(step, detail)
            return False
        self._journal.append(name, Entry(step, outcome, detail))
        return True

    # the steps -------------------------------------------------------------------------------

    def _prefetch(self) -> str:
        moved = self._site.prefetch(self._release.spec)
        return f"{moved.moved_bytes:,} bytes moved, {moved.present_bytes:,} there already"

    def _check(self) -> str:
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
        self._journal.save_figures(self._site.name, figures)
        self._journal.collect(self._site.name)
        boxes = sum(map(len, figures.expected))
        now = previous.alias if previous else "nothing"
        return f"runs {now}; {boxes} boxes on {len(figures.expected)} frames"

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
        """The old release's boxes and stage times on the frames."""
        before = self._counted(previous.digest)
        found = self._frames.baseline(previous)
        old = since(self._counted(previous.digest), before)
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

    def _switch(self) -> str:
        previous = self._figures().previous
        intent = Intent(
            app=self._plan.app,
            release=self._release,
            previous=previous,
            guard=Guard(self._plan.guard_s),
        )
        self._apply(intent)
        return f"to {self._release.alias}; reverts by itself after {self._plan.guard_s:g} s"

    def _settle(self) -> str:
        deadline = time.monotonic() + self._plan.settle_s
        while True:
            app = self._on_trial(self._site.observe())
            if app.settled:
                return f"ready; {app.outage_s:g} s without an instance"
            if time.monotonic() > deadline:
                raise self._not_ready(self._plan.settle_s)
            self._pause()

    def _observe(self) -> str:
        """Send the frames around until the gates can tell, or the time is over.

        Errors, restarts and agreement count from the switch on. Latency counts from the last
        window: a busy neighbour makes a release slow for a while, a slow release is always slow.
        """
        figures = self._figures()
        started = time.monotonic()
        sent = Sent()
        golden: Agreement | None = None
        window = self._counted(self._release.digest)
        while True:
            if golden is None and self._plan.compare:
                golden = self._frames.on_golden()
            sent += self._frames.sent(figures)
            seen = self._seen(window, sent, golden)
            results = judge(self._release.spec.gates, seen, figures.old)
            age = time.monotonic() - started
            app = self._on_trial(self._site.observe())
            # one that is down just now may be about to be counted as restarted
            soaked = age > self._plan.soak_s and app.settled
            if age > self._plan.observe_s or _settled_on(results, soaked):
                break
            if overall(results) is Verdict.FAILED:
                window = self._counted(self._release.digest)
            self._pause()
        figures = replace(figures, new=seen, outage_s=app.outage_s)
        self._journal.save_figures(self._site.name, figures)
        self._journal.collect(self._site.name)
        if overall(results) is Verdict.PASSED and not app.settled:
            raise self._not_ready(self._plan.observe_s)
        return f"{seen.requests} requests, {seen.failures} failed, {seen.restarts} restarts"

    def _verdict(self) -> str:
        figures = self._figures()
        results = judge(self._release.spec.gates, figures.new or Observation(), figures.old)
        self._journal.record_verdict(self._site.name, results)
        verdict = overall(results)
        if verdict is Verdict.PASSED:
            return f"{len(results)} gates passed"
        # the one that time does not mend says more than a latency that may come from a neighbour
        blamed = (result for result in results if result.verdict is verdict)
        worst = min(blamed, key=lambda result: result.passing)
        code = "rollout.gate_failed" if verdict is Verdict.FAILED else "rollout.inconclusive"
        raise RolledBack(
            code,
            site=self._site.name,
            gate=worst.gate,
            figure=f"{worst.figure:.3g}",
            bound=f"{worst.bound:.3g}",
            unit=worst.unit,
            samples=worst.samples,
        )

    def _commit(self) -> str:
        intent = Intent(
            app=self._plan.app, release=self._release, previous=self._figures().previous
        )
        self._lease.claim()
        self._on_trial(self._site.observe())
        self._apply(intent)
        return f"{self._release.alias} is the current release"

    def _revert(self) -> str:
        previous = self._figures().previous
        self._apply(Intent(app=self._plan.app, release=previous))
        deadline = time.monotonic() + self._plan.settle_s
        while True:
            app = self._site.observe().app(self._plan.app)
            if app is None or app.settled:
                break
            if time.monotonic() > deadline:
                raise Unreachable("rollout.revert_slow", site=self._site.name)
            self._wait()
        self._journal.collect(self._site.name)
        return f"back to {previous.alias if previous else 'nothing'}"

    # what they share -------------------------------------------------------------------------

    def _apply(self, intent: Intent) -> None:
        """Ask the site for something, if it still is as this rollout found or made it.

        Raises:
            Refused: `site.fenced`, somebody brought something else meanwhile.
        """
        fence = self._lease.claim()
        app = self._site.observe().app(self._plan.app)
        runs = app.release if app is not None else None
        if runs != self._release:
            expected = (self._release, self._figures().previous)
            if kept_release(app) not in expected:
                raise self._lease.lost()
        self._site.apply(intent, fence)

    def _figures(self) -> Figures:
        return self._journal.figures(self._site.name)

    def _pause(self) -> None:
        """Wait a moment; keeps the lease, and lets an abort through."""
        if self._wait() is Request.ABORT:
            raise RolledBack("rollout.aborted", site=self._site.name)

    def _wait(self) -> Request:
        """Wait a moment; keeps the lease, and tells what people ask."""
        time.sleep(POLL_S)
        self._lease.renew()
        return self._journal.request()

    def _on_trial(self, state: SiteState) -> AppState:
        """The app's state, if this release is still what the site tries.

        Raises:
            RolledBack: `rollout.guard`, the site went back by itself.
            Refused: `site.fenced`, the site tries something else, or somebody else has it.
        """
        self._lease.check(state)
        app = state.app(self._plan.app)
        if app is not None and app.phase in GONE_BACK:
            told = f"{app.reason}; {self._complaint}" if self._complaint else app.reason
            raise RolledBack("rollout.guard", site=self._site.name, reason=told)
        if app is None or app.release != self._release:
            raise self._lease.lost()
        self._complaint = _complaint(state, self._plan.app, self._release.digest, self._complaint)
        return app

    def _not_ready(self, seconds: float) -> RolledBack:
        reason = self._complaint or "no instance was started"
        return RolledBack("rollout.not_ready", site=self._site.name, seconds=seconds, reason=reason)

    def _counted(self, release: str) -> Observation:
        return counted(self._site.sketches(), self._plan.app, release)

    def _seen(self, window: Observation, sent: Sent, golden: Agreement | None) -> Observation:
        """What there is to judge now: restarts are asked for last, so that none is missed."""
        now = self._counted(self._release.digest)
        mine = instances_of(self._site.observe(), self._plan.app, self._release.digest)
        return replace(
            now,
            stages=since(now, window).stages,
            restarts=sum(item.restarts for item in mine),
            agreement=sent.agreement if sent.agreement.frames else None,
            golden=golden,
            answered=sent.answered,
            answering_s=sent.answering_s,
        )


def _settled_on(results: Sequence[GateResult], soaked: bool) -> bool:
    """Whether waiting would change nothing: all passed for long enough, or one failed for good."""
    verdict = overall(results)
    if verdict is Verdict.FAILED:
        return any(item.verdict is Verdict.FAILED and not item.passing for item in results)
    return verdict is Verdict.PASSED and soaked


def _complaint(state: SiteState, app: str, release: str, before: str) -> str:
    """What instances that are not ready say, or said: the reason is gone when they are."""
    mine = instances_of(state, app, release)
    reasons = [f"{item.device}: {item.reason}" for item in mine if not item.ready and item.reason]
    return "; ".join(reasons) or before
