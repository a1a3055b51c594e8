"""A release on trial on one site: asked for under the fence, waited for, watched, judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from yolodeploy.core.detections import Agreement
from yolodeploy.core.errors import RolledBack
from yolodeploy.core.gates import GateResult, Observation, Verdict, judge, overall
from yolodeploy.core.sentences import sentence
from yolodeploy.core.site import AppState, Intent, Phase, SiteState
from yolodeploy.rollouts.complaints import complaint, gone_back_for, stopped_by, unread
from yolodeploy.rollouts.figures import Figures
from yolodeploy.rollouts.frames import Frames
from yolodeploy.rollouts.measuring import Sent, counted, instances_of, since
from yolodeploy.rollouts.planning import kept_release
from yolodeploy.rollouts.ports import Request
from yolodeploy.rollouts.rollout import Rollout
from yolodeploy.rollouts.site_lease import SiteLease
from yolodeploy.sites.interface import Moved

POLL_S = 0.2
GONE_BACK = frozenset({Phase.REVERTING, Phase.REVERTED})


class Watch(NamedTuple):
    """How a release is watched, in seconds: `least_s` always, `most_s` where the gates cannot tell.

    `watched_s` were watched by a forerunner. It is looked at again after `every_s`. Once the gates
    have passed, frames go after `frames_every_s`: what counts from there on shall be the traffic.
    `mirrored` tells how far old and new agree on what is mirrored.
    """

    least_s: float
    most_s: float
    watched_s: float = 0.0
    every_s: float = POLL_S
    frames_every_s: float = 0.0
    mirrored: Callable[[], Agreement | None] = lambda: None


class SiteTrial:
    """What the steps of one site share."""

    def __init__(self, site: Moved, rollout: Rollout, frames: Frames, lease: SiteLease) -> None:
        self.site = site
        self.plan = rollout.plan
        self.release = rollout.release
        self.journal = rollout.journal
        self._frames = frames
        self._lease = lease
        self._complaint = ""

    # asking ----------------------------------------------------------------------------------

    def apply(self, intent: Intent) -> None:
        """Ask the site for something, if it still is as this rollout found or made it.

        Raises:
            Refused: `site.fenced`, somebody brought something else meanwhile.
        """
        fence = self._lease.claim()
        app = self.site.observe().app(self.plan.app)
        runs = app.release if app is not None else None
        if app is not None and runs != self.release:
            expected = (self.release, self.figures().previous)
            if kept_release(app) not in expected:
                raise self._lease.lost()
        self.site.apply(intent, fence)

    def figures(self) -> Figures:
        """What was measured so far."""
        return self.journal.figures(self.site.name)

    def counted(self, release: str) -> Observation:
        """What the servers of one release have counted."""
        return counted(self.site.sketches(), self.plan.app, release)

    def app(self, state: SiteState | None = None) -> AppState:
        """The app's state, if this release is still what the site tries.

        Raises:
            RolledBack: `rollout.guard`, the site went back by itself; `rollout.forgotten`, somebody
                has deleted what it knew of the app.
            Refused: `site.fenced`, the site tries something else, or somebody else has it.
        """
        state = state or self.site.observe()
        self._lease.check(state)
        app = state.app(self.plan.app)
        if app is not None and app.phase in GONE_BACK:
            # a guard that saw it knows better what it went back for
            seen = "" if "(" in app.reason else self._complaint
            raise RolledBack(
                "rollout.guard", site=self.site.name, reason=gone_back_for(app.reason, seen)
            )
        if app is None:
            raise RolledBack("rollout.forgotten", site=self.site.name, app=self.plan.app)
        if app.release != self.release:
            raise self._lease.lost()
        self._complaint = complaint(state, self.plan.app, self.release.digest, self._complaint)
        return app

    # waiting ---------------------------------------------------------------------------------

    def settled(self) -> AppState:
        """Wait until everything that was asked for is ready.

        Raises:
            RolledBack: `rollout.not_ready`, `rollout.guard`, `rollout.aborted`.
        """
        limit_s = self.plan.settling_s(self.figures().build_s)
        deadline = time.monotonic() + limit_s
        while True:
            app = self.app()
            if app.settled:
                return app
            if time.monotonic() > deadline:
                raise self.not_ready(limit_s)
            self.pause(POLL_S)

    def pause(self, seconds: float) -> None:
        """Wait a moment; keeps the lease, and lets an abort through."""
        until = time.monotonic() + seconds
        while True:
            if self.wait() is Request.ABORT:
                raise RolledBack("rollout.aborted", site=self.site.name)
            if time.monotonic() >= until:
                return

    def wait(self) -> Request:
        """Wait a moment; keeps the lease, and tells what people ask."""
        time.sleep(POLL_S)
        self._lease.renew()
        return self.journal.request()

    def not_ready(self, seconds: float) -> RolledBack:
        """The error for instances that do not get ready, with what they say."""
        reason = self._complaint or sentence("step.no_instance")
        return RolledBack("rollout.not_ready", site=self.site.name, seconds=seconds, reason=reason)

    # judging ---------------------------------------------------------------------------------

    def watched(self, figures: Figures, watch: Watch) -> tuple[Observation, AppState]:
        """Send the frames around until the gates can tell, or the time is over.

        Errors, restarts and agreement count from the beginning. Latency counts from the last
        window: a busy neighbour makes a release slow for a while, a slow release is always slow.

        Raises:
            RolledBack: `rollout.guard`, `rollout.aborted`.
        """
        began = frames_at = time.monotonic()
        sent = Sent()
        golden: Agreement | None = None
        window = self.counted(self.release.digest)
        while True:
            if golden is None and self.plan.compare:
                golden = self._frames.on_golden()
            if time.monotonic() >= frames_at:
                sent += self._frames.sent(figures)
            seen = self._seen(window, sent, golden, watch.mirrored())
            results = self.judged(seen, figures)
            age = watch.watched_s + time.monotonic() - began
            app = self.app()
            # one that is down just now may be about to be counted as restarted
            soaked = age > watch.least_s and app.settled
            if age > watch.most_s or _settled_on(results, soaked):
                break
            if overall(results) is Verdict.FAILED:
                window = self.counted(self.release.digest)
            if overall(results) is Verdict.PASSED:
                frames_at = time.monotonic() + watch.frames_every_s
            self.pause(watch.every_s)
        return seen, app

    def judged(self, seen: Observation, figures: Figures) -> tuple[GateResult, ...]:
        """What every gate of the release says of what was seen."""
        return judge(self.plan.gates_of(self.release), seen, figures.old)

    def demand_passed(self, results: Sequence[GateResult]) -> None:
        """Go on only where every gate passed.

        Raises:
            RolledBack: `rollout.gate_failed`, `rollout.inconclusive`, `rollout.unread`.
        """
        verdict = overall(results)
        if verdict is Verdict.PASSED:
            return
        # the one that time does not mend says more than a latency that may come from a neighbour
        blamed = (result for result in results if result.verdict is verdict)
        worst = min(blamed, key=lambda result: result.passing)
        reports = self.site.sketches() if verdict is Verdict.INCONCLUSIVE else ()
        unreadable = unread(reports, self.plan.app, self.release.digest)
        raise stopped_by(self.site.name, worst, self._complaint, unreadable)

    def _seen(
        self,
        window: Observation,
        sent: Sent,
        golden: Agreement | None,
        mirrored: Agreement | None,
    ) -> Observation:
        """What there is to judge now: restarts are asked for last, so that none is missed."""
        now = self.counted(self.release.digest)
        mine = instances_of(self.site.observe(), self.plan.app, self.release.digest)
        return replace(
            now,
            stages=since(now, window).stages,
            restarts=sum(item.restarts for item in mine),
            agreement=sent.agreement if sent.agreement.frames else None,
            golden=golden,
            mirrored=mirrored,
            answered=sent.answered,
            answering_s=sent.answering_s,
        )


def _settled_on(results: Sequence[GateResult], soaked: bool) -> bool:
    """Whether waiting would change nothing: all passed for long enough, or one failed for good."""
    verdict = overall(results)
    if verdict is Verdict.FAILED:
        return any(item.verdict is Verdict.FAILED and not item.passing for item in results)
    return verdict is Verdict.PASSED and soaked
