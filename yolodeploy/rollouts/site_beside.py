"""Trying a release beside the one that serves, which goes on as it is."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from yolodeploy.core.beside import Beside, Way, way_of
from yolodeploy.core.detections import Agreement
from yolodeploy.core.gates import GateResult, Observation, Verdict, overall
from yolodeploy.core.sentences import Sentence, sentence
from yolodeploy.core.shadowing import agreement_but_for
from yolodeploy.core.site import AppState, Guard, Intent
from yolodeploy.rollouts.directly import why_directly
from yolodeploy.rollouts.figures import Figures
from yolodeploy.rollouts.frames import meant_classes
from yolodeploy.rollouts.measuring import counts, instances_of, share_of
from yolodeploy.rollouts.site_trial import GONE_BACK, POLL_S, SiteTrial, Watch

FRAMES_EVERY_S = 10.0
SLOWEST_LOOK_S = 5.0  # a person who aborts does not wait for longer
LOOKS = 100  # over the time that it runs beside


class SiteBeside:
    """The step `beside` of one site: placed, settled, watched under the gates, judged."""

    def __init__(self, trial: SiteTrial, beside: Beside) -> None:
        self._trial = trial
        self._plan = trial.plan
        self._beside = beside

    def run(self) -> Sentence:
        """All of it; what came of it. Where there is no room the site goes directly, and says so.

        Raises:
            RolledBack: `rollout.not_ready`, `rollout.guard`, `rollout.gate_failed`,
                `rollout.inconclusive`, `rollout.aborted`.
            Refused: `site.fenced`.
        """
        trial = self._trial
        state = trial.site.observe()
        app = state.app(self._plan.app)
        if app is not None and app.phase in GONE_BACK:
            trial.app(state)  # tells why
        if not self._runs(app) and (reason := self._why_directly()):
            return sentence("step.directly", reason=reason)
        figures = trial.figures()
        trial.apply(
            Intent(
                app=self._plan.app,
                release=trial.release,
                previous=figures.previous,
                guard=Guard(self._plan.beside_guarding_s(figures.build_s)),
                beside=self._beside,
            )
        )
        trial.settled()
        return self._told(self._watched(trial.figures()))

    def _runs(self, app: AppState | None) -> bool:
        """Whether a forerunner has placed it."""
        return app is not None and app.beside == self._beside and app.release == self._trial.release

    def _why_directly(self) -> Sentence | None:
        trial = self._trial
        room = trial.site.switching(trial.release.spec)
        previous = trial.figures().previous
        return why_directly(trial.site, self._beside.way, room, trial.release, previous)

    def _ready_for_s(self) -> float:
        """For how long all new instances have been ready, by the site's own clock.

        A forerunner's time counts, and none in which the site was off.
        """
        trial = self._trial
        state = trial.site.observe()
        started = [
            item.started_at for item in instances_of(state, self._plan.app, trial.release.digest)
        ]
        if not all(started):
            return 0.0
        ready_s = trial.counted(trial.release.digest).ready_s or 0.0
        return max(state.at - max(started, default=state.at) - ready_s, 0.0)

    def _watched(self, figures: Figures) -> Observation:
        trial, plan = self._trial, self._plan
        for_s = plan.beside_for_s
        seen, app = trial.watched(
            figures,
            Watch(
                least_s=for_s,
                most_s=plan.trying_s,
                watched_s=min(self._ready_for_s(), for_s),
                every_s=min(max(for_s / LOOKS, POLL_S), SLOWEST_LOOK_S),
                frames_every_s=FRAMES_EVERY_S,
                mirrored=self._mirrored,
            ),
        )
        trial.journal.save_figures(trial.site.name, replace(figures, beside=seen))
        trial.journal.collect(trial.site.name)
        results = trial.judged(seen, figures)
        trial.journal.record_verdict(trial.site.name, beside_results(results))
        if overall(results) is Verdict.PASSED and not app.settled:
            raise trial.not_ready(plan.trying_s)
        trial.demand_passed(results)
        return seen

    def _mirrored(self) -> Agreement | None:
        """How far old and new agree on the pictures that were mirrored."""
        if self._beside.way is not Way.SHADOW:
            return None
        reports = self._trial.site.compared(self._plan.app)
        release = self._trial.release
        lost, gained = meant_classes(release, "lost"), meant_classes(release, "gained")
        mine = (each for each in reports if each.release == release.digest)
        return sum((agreement_but_for(each, lost, gained) for each in mine), Agreement())

    def _told(self, seen: Observation) -> Sentence:
        state, app, release = self._trial.site.observe(), self._plan.app, self._trial.release
        told = {
            "way": way_of(self._beside.way),
            "mine": len(instances_of(state, app, release.digest)),
            "all": sum(item.app == app for item in state.instances),
            **counts(seen),
        }
        if self._beside.way is Way.CANARY:
            percent = round(100 * share_of(state, app, release.digest))
            return sentence("step.beside_canary", percent=percent, **told)
        if seen.mirrored is not None:
            return sentence("step.beside_mirrored", pictures=seen.mirrored.frames, **told)
        return sentence("step.beside", **told)


def beside_results(results: Sequence[GateResult]) -> tuple[GateResult, ...]:
    """The same under names that tell them from those of the switched release."""
    return tuple(replace(result, gate=f"beside: {result.gate}") for result in results)
