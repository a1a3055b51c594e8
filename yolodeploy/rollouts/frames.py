"""The same frames to the old release and to the new one, and what both find on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import ceil
from time import monotonic
from typing import Literal, TypeVar

import msgspec

from yolodeploy.core.detections import Agreement, Box, Meant
from yolodeploy.core.digests import digest_of
from yolodeploy.core.gates import AgreementGate, samples_wanted
from yolodeploy.core.release import Release
from yolodeploy.core.site import InstanceState
from yolodeploy.core.synthetic import synthetic_frames
from yolodeploy.rollouts.figures import Figures
from yolodeploy.rollouts.measuring import Sent, answer_of, instances_of, on_golden, send
from yolodeploy.rollouts.rollout import Rollout
from yolodeploy.sites.interface import Detecting

Picture = TypeVar("Picture")


class Baseline(msgspec.Struct, frozen=True):
    """What the old release answered: its boxes by the frames' digests, and how fast it was."""

    answers: dict[str, tuple[Box, ...]]
    golden: Agreement | None
    answered: int
    answering_s: float


class Frames:
    """Pictures for one site's rollout; made-up ones where none are given.

    What is found on those is nothing to agree on: they show errors and time alone.
    """

    def __init__(self, site: Detecting, rollout: Rollout, meanwhile: Callable[[], object]) -> None:
        """`meanwhile` is called before each picture: all of them may take longer than a lease."""
        self._site = site
        self._meanwhile = meanwhile
        self._release = rollout.release
        self._pictures = rollout.frames or synthetic_frames()
        self._synthetic = not rollout.frames
        self._golden = rollout.golden
        self._meant = _meant(rollout.release)

    def are_answered_by(self, release: Release) -> bool:
        """Whether an instance of a release is ready."""
        return bool(self._ready(release))

    def baseline(self, previous: Release) -> Baseline:
        """Have the old release answer all frames, repeated to have samples enough."""
        ready = self._ready(previous)
        if not ready:
            return Baseline({}, None, 0, 0.0)
        answers: dict[str, tuple[Box, ...]] = {}
        answered, answering_s = 0, 0.0
        wanted = max(map(samples_wanted, self._release.spec.gates), default=1)
        for picture in self._each([*self._pictures] * ceil(wanted / len(self._pictures))):
            began = monotonic()
            answer = answer_of(self._site, ready[0], picture)
            if answer is not None:
                answers[digest_of(picture)] = answer.boxes
                answered += 1
                answering_s += monotonic() - began
        golden = on_golden(self._site, ready[0], self._each(self._golden))
        return Baseline({} if self._synthetic else answers, golden, answered, answering_s)

    def sent(self, figures: Figures) -> Sent:
        """Send them to every ready instance of the new release; compare what can be compared."""
        pictures, expected = self._comparable(figures)
        each = (
            send(self._site, one, self._each(pictures), expected, self._meant)
            for one in self._ready(self._release)
        )
        return sum(each, Sent())

    def on_golden(self) -> Agreement | None:
        """The new release on the labelled frames: one instance finds what all find."""
        ready = self._ready(self._release) if self._golden else []
        return on_golden(self._site, ready[0], self._each(self._golden)) if ready else None

    def _each(self, pictures: Sequence[Picture]) -> Iterator[Picture]:
        for picture in pictures:
            self._meanwhile()
            yield picture

    def _ready(self, release: Release) -> list[InstanceState]:
        found = instances_of(self._site.observe(), release.spec.app, release.digest)
        return [instance for instance in found if instance.ready]

    def _comparable(
        self, figures: Figures
    ) -> tuple[Sequence[bytes], Sequence[Sequence[Box] | None]]:
        """The frames that the old release answered, with its boxes; by digest, not by position.

        All frames and nothing to compare with, where there are none such.
        """
        answers = dict(zip(figures.frames, figures.expected, strict=True))
        pairs = [
            (picture, answers[digest])
            for picture in self._pictures
            if (digest := digest_of(picture)) in answers
        ]
        if not pairs:
            return self._pictures, [None] * len(self._pictures)
        return [picture for picture, _ in pairs], [boxes for _, boxes in pairs]


def meant_classes(release: Release, kind: Literal["lost", "gained"]) -> frozenset[str]:
    """The classes of which a release declares that boxes will be lost, or gained."""
    gates = [gate for gate in release.spec.gates if isinstance(gate, AgreementGate)]
    changes = [change for gate in gates for change in gate.meant or ()]
    return frozenset(change.name for change in changes if change.kind == kind)


def _meant(release: Release) -> Meant:
    """The same as ids of its classes."""
    ids = {name: number for number, name in enumerate(release.spec.classes)}
    return Meant(
        frozenset(ids[name] for name in meant_classes(release, "lost") if name in ids),
        frozenset(ids[name] for name in meant_classes(release, "gained") if name in ids),
    )
