"""How two models differ on the same frames: what `model compare` tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from yolodeploy.core.decoding import known
from yolodeploy.core.detections import Agreement, Box, counted, iou, pairs
from yolodeploy.core.serving import Probability
from yolodeploy.core.shadowing import Quantiles

Seen = TypeVar("Seen", Box, Probability)


class Answer(Protocol):
    """What was seen in one picture; only a classifier has probabilities."""

    @property
    def boxes(self) -> Sequence[Box]:
        """Detections."""

    @property
    def probabilities(self) -> Sequence[Probability] | msgspec.UnsetType | None:
        """Classes of the whole picture, best first."""


def sightings(answer: Answer, *, classify: bool) -> Sequence[Box]:
    """The boxes of an answer; a classifier's likeliest class is counted as if it were one box."""
    if not classify:
        return answer.boxes
    likeliest = (answer.probabilities or ())[:1]
    return [Box(one.class_id, one.score, 0.0, 0.0, 1.0, 1.0) for one in likeliest]


def numbers_of(ours: Sequence[str], theirs: Sequence[str]) -> Sequence[int]:
    """Our number of each of their classes, by name; what we do not know comes behind ours."""
    if tuple(ours) == tuple(theirs):
        return range(len(ours))
    known_as = {name: number for number, name in reversed(list(enumerate(ours)))}
    return [known_as.get(name, len(ours) + number) for number, name in enumerate(theirs)]


class CompareWish(msgspec.Struct, frozen=True, kw_only=True):
    """What the comparing process is asked: two ONNX files, pictures, and the limits of boxes."""

    a: str
    b: str
    frames: tuple[str, ...]
    conf: float = 0.25
    iou: float = 0.7
    max_det: int = 300


class CalibrationWish(msgspec.Struct, frozen=True, kw_only=True):
    """Which pictures to prepare for which ONNX file, and where to: a `.npy` of uint8."""

    model: str
    frames: tuple[str, ...]
    target: str


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two models; `stages_ms` has an entry a stage and `total`."""

    digest: str
    task: str
    precision: str
    width: int
    height: int
    size_bytes: int
    stages_ms: dict[str, Quantiles] = {}


class ClassAgreement(msgspec.Struct, frozen=True):
    """Of one class: boxes of A, those that B has too, has not, and has alone.

    `score_shift` is by how much B's score of a matched box is higher, in the mean.
    """

    name: str
    expected: int = 0
    matched: int = 0
    lost: int = 0
    gained: int = 0
    score_shift: float = 0.0


class ModelComparison(msgspec.Struct, frozen=True, kw_only=True):
    """B against A on the same frames.

    `skipped` pictures could not be read. `only_a` and `only_b` are classes that the other does not
    have. `close`: near enough for one to be a faster form of the other; `differs` says how far.
    """

    a: Side
    b: Side
    frames: int
    skipped: int
    agreement: Agreement
    lost: int
    mean_iou: float
    score_shift: float
    classes: tuple[ClassAgreement, ...]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    close: bool = False
    differs: str = ""


class _Count:
    def __init__(self) -> None:
        self.expected = self.matched = self.gained = 0
        self.shift = 0.0


class Tally:
    """Adds up frames. Classes are the same when they are called the same."""

    def __init__(self, classes_a: Sequence[str], classes_b: Sequence[str]) -> None:
        self.only_a = tuple(name for name in classes_a if name not in set(classes_b))
        self.only_b = tuple(name for name in classes_b if name not in set(classes_a))
        self._names = (*classes_a, *classes_b)
        self._numbers = numbers_of(classes_a, classes_b)
        self._counts: dict[int, _Count] = {}
        self._overlap = 0.0
        self.agreement = Agreement()

    def renamed(self, found: Sequence[Seen]) -> tuple[Seen, ...]:
        """B's boxes or probabilities with A's class ids."""
        return tuple([replace(one, class_id=self._numbers[one.class_id]) for one in found])

    def add(self, expected: Sequence[Box], found: Sequence[Box]) -> None:
        """One frame: boxes of A and of B, `renamed` already."""
        paired = pairs(expected, found)
        self.agreement += counted(expected, found, len(paired))
        for box in expected:
            self._of(box).expected += 1
        for box in found:
            self._of(box).gained += box.valid
        for old, new in paired:
            count = self._of(expected[old])
            count.matched += 1
            count.gained -= 1
            count.shift += found[new].score - expected[old].score
            self._overlap += iou(expected[old], found[new])

    @property
    def mean_iou(self) -> float:
        """Of the matched boxes; 1 where there are none."""
        return self._overlap / self.agreement.matched if self.agreement.matched else 1.0

    @property
    def score_shift(self) -> float:
        """Of the matched boxes, in the mean."""
        total = sum(count.shift for count in self._counts.values())
        return total / self.agreement.matched if self.agreement.matched else 0.0

    def classes(self) -> tuple[ClassAgreement, ...]:
        """Of every class that either saw, in A's order."""
        return tuple(self._told(class_id) for class_id in sorted(self._counts))

    def _of(self, box: Box) -> _Count:
        return self._counts.setdefault(box.class_id, _Count())

    def _told(self, class_id: int) -> ClassAgreement:
        count = self._counts[class_id]
        return ClassAgreement(
            name=self._names[class_id],
            expected=count.expected,
            matched=count.matched,
            lost=count.expected - count.matched,
            gained=count.gained,
            score_shift=round(count.shift / count.matched, 6) if count.matched else 0.0,
        )


known(CompareWish, CalibrationWish, ModelComparison)
