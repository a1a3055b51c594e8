"""What a person needs to know of a release that does not run: where, and why."""

from __future__ import annotations

from collections.abc import Iterable

from yolodeploy.core.errors import RolledBack
from yolodeploy.core.gates import GateResult, Verdict
from yolodeploy.core.sentences import Sentence, sentence, words
from yolodeploy.core.site import InstanceState, SiteState, StageReport
from yolodeploy.rollouts.measuring import instances_of

UNSURE = frozenset({"rollout.inconclusive", "rollout.unread"})


def complaint(state: SiteState, app: str, release: str, before: str = "") -> str:
    """What its instances say that are not ready, or have died; `before`, where none says anything.

    A reason is gone when its instance is. Devices that are silent are told, whoever is there: what
    they said last may be long over, and what they ran waits for another.
    """
    silent = {device.name: device.reason for device in state.devices if not device.ready}
    mine = instances_of(state, app, release)
    troubled = [item for item in mine if not item.ready or item.restarts]
    told = [words for item in troubled if item.device not in silent and (words := _words(item))]
    told += [f"{name} is not ready ({reason})" for name, reason in silent.items()]
    return "; ".join(dict.fromkeys(told)) or before


def unread(reports: Iterable[StageReport], app: str, release: str) -> Sentence | None:
    """Whose measurements are none, and why; None where all can be read."""
    faults = (
        sentence("step.unreadable", device=report.device, fault=report.fault)
        for report in reports
        if report.fault and report.app == app and report.release == release
    )
    return next(faults, None)


def stopped_by(site: str, worst: GateResult, told: str, unreadable: Sentence | None) -> RolledBack:
    """The error for a release that a gate did not pass.

    `told` is what its instances complained of, `unreadable` why measurements are none.
    """
    if worst.verdict is Verdict.INCONCLUSIVE and unreadable:
        return RolledBack("rollout.unread", site=site, gate=worst.gate, reason=unreadable)
    died = worst.gate == "restarts" or worst.verdict is Verdict.INCONCLUSIVE
    return RolledBack(
        "rollout.gate_failed" if worst.verdict is Verdict.FAILED else "rollout.inconclusive",
        site=site,
        gate=worst.gate,
        figure=f"{worst.figure:.3g}",
        bound=f"{worst.bound:.3g}",
        unit=Sentence(f"table.word.{worst.unit}") if worst.unit else "",
        samples=worst.samples,
        told=f"; {told}" if told and died else "",
    )


def gone_back_for(reason: str, seen: str) -> Sentence:
    """Why a guard went back, and what the release complained of when it was last `seen`."""
    if not reason:
        return words(seen)
    why = sentence("step.deadline") if reason == "deadline" else words(reason)
    return sentence("step.both", one=why, other=seen) if seen else why


def _words(item: InstanceState) -> str:
    return ": ".join(filter(None, (item.device, item.reason))) if item.reason else ""
