"""Gates on what is detected: against the old release, and against labels."""

from __future__ import annotations

from typing import Literal

import msgspec

from yolodeploy.core.detections import Agreement
from yolodeploy.core.gates.observation import (
    GateResult,
    Observation,
    Rule,
    Samples,
    Share,
    Verdict,
)


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a release is meant to do: boxes of a class are `gained`, or `lost`."""

    kind: Literal["gained", "lost"]
    name: str


class AgreementGate(Rule, frozen=True, tag="agreement"):
    """Detections of the new release against the old one's on the same frames.

    Lost boxes are bounded tightly, gained ones loosely: a better model finds more. A release that
    gives invalid boxes, or nothing on every frame that has something, fails whatever the shares.

    `meant` says which changes are the release's purpose: they are counted neither way.
    """

    max_lost: Share = 0.2
    max_gained: Share = 0.6
    min_frames: Samples = 10
    min_boxes: Samples = 10
    meant: tuple[Change, ...] | msgspec.UnsetType = msgspec.UNSET

    def judge(self, new: Observation, old: Observation | None) -> GateResult:
        """The figure is the share of lost boxes, or of gained ones where those break the bound."""
        if old is None:  # a first release has nothing to agree with
            return GateResult("agreement", Verdict.PASSED, 0.0, self.max_lost, 0, "lost")
        seen = new.agreement or Agreement()
        figures = (
            ("invalid boxes", float(seen.invalid), 0.0),
            ("lost", seen.lost_share, self.max_lost),
            ("gained", seen.gained_share, self.max_gained),
        )
        boxes = seen.expected + seen.declared
        enough = seen.frames >= self.min_frames and boxes >= self.min_boxes
        blind = seen.expected > 0 and not (seen.matched or seen.gained or seen.declared)
        broken = [(unit, figure, bound) for unit, figure, bound in figures if figure > bound]
        unit, figure, bound = broken[0] if broken else figures[1]
        if seen.invalid or ((broken or blind) and enough):
            verdict = Verdict.FAILED
        else:
            verdict = Verdict.PASSED if enough else Verdict.INCONCLUSIVE
        return GateResult("agreement", verdict, figure, bound, seen.frames, unit)


class GoldenGate(Rule, frozen=True, tag="golden"):
    """Detections on labelled frames: how many labels are missed, how many boxes are false.

    Neither share may be above the old release's by more than `max_worse`, nor above its own bound
    where there is one. With neither to go by, a release that finds none of the labels fails.

    On labels it shows who is right: this gate outranks agreement, but for what `outranks` says.
    """

    max_worse: Share = 0.05
    max_missed: Share | None = None
    max_false: Share | None = None
    min_labels: Samples = 10

    def judge(self, new: Observation, old: Observation | None) -> GateResult:
        """The figure is the share of missed labels, or of false boxes where those break it."""
        seen = new.golden or Agreement()
        # wrong classes or preprocessing find nothing; of a first release nothing else would show it
        all_but_one = max(seen.expected - 1, 0) / max(seen.expected, 1)
        max_missed = self.max_missed if self._measured(old) else all_but_one
        figures = (
            ("invalid boxes", float(seen.invalid), 0.0),
            ("missed", seen.lost_share, self._bound("lost_share", max_missed, old)),
            ("false", seen.gained_share, self._bound("gained_share", self.max_false, old)),
        )
        broken = [one for one in figures if one[1] > one[2]]
        unit, figure, bound = broken[0] if broken else figures[1]
        verdict = Verdict.FAILED if broken else Verdict.PASSED
        if seen.expected < self.min_labels and not seen.invalid:
            verdict = Verdict.INCONCLUSIVE
        return GateResult("golden", verdict, figure, bound, seen.frames, unit)

    def outranks(self, new: Observation, old: Observation | None) -> bool:
        """Whether it shows that the new release is right where it differs from the old one.

        Not where it finds no label, nor where nothing says how many it may miss: a release that
        finds one by chance would pass as well.
        """
        found = new.golden is not None and new.golden.matched > 0
        return found and self._measured(old) and self.judge(new, old).verdict is Verdict.PASSED

    def _measured(self, old: Observation | None) -> bool:
        """Whether it is known how many labels may be missed: by a bound, or by the old release."""
        return self.max_missed is not None or self._before(old) is not None

    def _bound(self, share: str, own: float | None, old: Observation | None) -> float:
        bound, before = 1.0 if own is None else own, self._before(old)
        return bound if before is None else min(bound, getattr(before, share) + self.max_worse)

    def _before(self, old: Observation | None) -> Agreement | None:
        """The old release on the labels; None where it answered too few to be a measure."""
        before = old.golden if old is not None else None
        return before if before is not None and before.expected >= self.min_labels else None
