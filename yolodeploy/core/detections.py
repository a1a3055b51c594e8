"""Boxes, and how far two releases agree on the same frames.

Lost and gained boxes are counted apart: a better model gains boxes, a spoiled one loses them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import NamedTuple

import msgspec
from msgspec.structs import replace


class Mask(msgspec.Struct, frozen=True):
    """A mask over the whole picture as run lengths, column by column (COCO's compressed RLE).

    `size` is (height, width) in pixels of the picture.
    """

    size: tuple[int, int]
    counts: str


class Rotated(msgspec.Struct, frozen=True):
    """A box that lies aslant: centre and sides in pixels of the picture, `angle` in radians.

    The angle turns the side `w` from the picture's x axis clockwise as one sees it (y points down).
    """

    cx: float
    cy: float
    w: float
    h: float
    angle: float


class Box(msgspec.Struct, frozen=True, omit_defaults=True):
    """One detection. Corners in pixels of the source picture; `score` from 0 to 1.

    What only some tasks know is left out of the JSON where it is not there: `polygons` are the
    outlines of a segment, each x y x y …; `mask` is the same as run lengths, where it was asked
    for; `keypoints` are (x, y) or (x, y, score) each; `rotated` is the box itself where corners
    are those of the upright box around it.
    """

    class_id: int
    score: float
    x1: float
    y1: float
    x2: float
    y2: float
    polygons: tuple[tuple[float, ...], ...] = ()
    mask: Mask | None = None
    keypoints: tuple[tuple[float, ...], ...] = ()
    rotated: Rotated | None = None

    @property
    def valid(self) -> bool:
        """Whether every figure is finite and the box is not inside out."""
        figures = (self.score, self.x1, self.y1, self.x2, self.y2)
        return all(map(isfinite, figures)) and self.x2 >= self.x1 and self.y2 >= self.y1


class Agreement(msgspec.Struct, frozen=True):
    """Counts over some frames; adding them up adds up the frames.

    `expected` is the number of boxes the old release (or the labels) had, `invalid` the boxes of
    the new one that are no boxes (NaN, inside out), `empty` the frames on which it found nothing
    though something was expected. `declared` boxes were lost or gained as the release says that it
    is meant to: they are in no other count.
    """

    frames: int = 0
    expected: int = 0
    matched: int = 0
    gained: int = 0
    invalid: int = 0
    empty: int = 0
    declared: int = 0

    @property
    def lost(self) -> int:
        """Expected boxes that the new release does not have."""
        return self.expected - self.matched

    @property
    def lost_share(self) -> float:
        """Lost boxes of those expected, 0 to 1."""
        return self.lost / self.expected if self.expected else 0.0

    @property
    def gained_share(self) -> float:
        """Boxes without a counterpart, of those that the new release reports, 0 to 1."""
        reported = self.matched + self.gained
        return self.gained / reported if reported else 0.0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            *(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__)
        )


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1.

    A box without an area (an object cut off by the picture's edge) overlaps only its equal.
    """
    if _corners(a) == _corners(b):
        return 1.0
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    both = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - shared
    return shared / both if both > 0 else 0.0


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


class _Pair(NamedTuple):
    overlap: float
    expected: int
    found: int


def pairs(
    expected: Sequence[Box], found: Sequence[Box], iou_threshold: float = 0.5
) -> list[tuple[int, int]]:
    """Which of `expected` is which of `found`, as their places.

    Boxes of one class are paired greedily, best overlap first, from `iou_threshold` up. Equal
    overlaps are taken by place in the picture: the order of the boxes changes nothing.
    """
    candidates = sorted(
        _overlapping(expected, found, iou_threshold),
        key=lambda pair: (
            -pair.overlap,
            _corners(expected[pair.expected]),
            _corners(found[pair.found]),
        ),
    )
    olds: dict[int, int] = {}
    news: set[int] = set()
    for pair in candidates:
        if pair.expected not in olds and pair.found not in news:
            olds[pair.expected] = pair.found
            news.add(pair.found)
    return list(olds.items())


def _overlapping(
    expected: Sequence[Box], found: Sequence[Box], iou_threshold: float
) -> Iterator[_Pair]:
    """All pairs of one class that overlap enough; only near ones are looked at.

    Three thousand boxes against as many are nine million pairs, which would take seconds.
    """
    rows: dict[int, list[tuple[float, int]]] = {}
    for place, box in enumerate(found):
        if box.valid:
            rows.setdefault(box.class_id, []).append((box.x1, place))
    for row in rows.values():
        row.sort()
    for place, old in enumerate(expected):
        row = rows.get(old.class_id, [])
        if not row or not old.valid:
            continue
        # an overlap of t leaves at least t of the old width, which is at least t of the new one
        width = old.x2 - old.x1
        spare = 1 - iou_threshold
        slack = 1 + 1e-9 * (abs(old.x1) + width)  # for rounding
        begin = old.x1 - slack - width * spare / max(iou_threshold, 1e-9)
        end = old.x1 + slack + width * spare
        for _, other in row[bisect_left(row, (begin, -1)) : bisect_right(row, (end, len(found)))]:
            overlap = iou(old, found[other])
            if overlap >= iou_threshold:
                yield _Pair(overlap, place, other)


class Meant(NamedTuple):
    """The ids of classes of which a release is meant to lose boxes, or to gain some."""

    lost: frozenset[int] = frozenset()
    gained: frozenset[int] = frozenset()


def compare(
    expected: Sequence[Box],
    found: Sequence[Box],
    iou_threshold: float = 0.5,
    meant: Meant | None = None,
) -> Agreement:
    """How the boxes found on one frame agree with those expected, paired as `pairs` does."""
    paired = pairs(expected, found, iou_threshold)
    if meant is None:
        return counted(expected, found, len(paired))
    olds, news = {old for old, _ in paired}, {new for _, new in paired}
    kept = [
        box for place, box in enumerate(expected)
        if place in olds or box.class_id not in meant.lost
    ]  # fmt: skip
    left = [
        box for place, box in enumerate(found)
        if place in news or not box.valid or box.class_id not in meant.gained
    ]  # fmt: skip
    declared = len(expected) - len(kept) + len(found) - len(left)
    return replace(counted(kept, left, len(paired)), declared=declared)


def counted(expected: Sequence[Box], found: Sequence[Box], matched: int) -> Agreement:
    """The counts of one frame on which so many boxes are paired."""
    sound = sum(box.valid for box in found)
    return Agreement(
        frames=1,
        expected=len(expected),
        matched=matched,
        gained=sound - matched,
        invalid=len(found) - sound,
        empty=int(bool(expected) and not sound),
    )
