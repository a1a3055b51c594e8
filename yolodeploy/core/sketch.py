"""Latency as a mergeable sketch with a fixed relative error.

A value falls into bucket `floor(20 · log2(value))`: twenty buckets to a doubling. Any quantile is
answered by the bucket's middle, which is off by at most (√γ - 1) with γ = 2^(1/20), that is 1.75 %
(the target is 2 %). The scheme is that of DDSketch (Masson, Rim, Lee, VLDB 2019) without
its collapsing: latencies from 1 µs to 1000 s take at most 598 buckets.

Adding two sketches loses nothing, so figures of devices and minutes add up to those of fleets and
days. Values are microseconds; everything below 1 µs counts as 1 µs.
"""

from __future__ import annotations

from math import floor, log2
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

BUCKETS_PER_DOUBLING = 20
RELATIVE_ERROR = 2 ** (0.5 / BUCKETS_PER_DOUBLING) - 1
LARGEST_BUCKET = 20 * 30  # 2^30 µs: eighteen minutes; whatever is slower counts as that


class Sketch(msgspec.Struct, array_like=True):
    """How often each bucket was hit, and the exact sum. `counts`: bucket → times."""

    sum_us: float = 0.0
    counts: dict[int, int] = {}

    @property
    def count(self) -> int:
        """How many values were recorded."""
        return sum(self.counts.values())

    def record(self, value_us: float) -> None:
        """Count one value in microseconds."""
        bucket = bucket_of(value_us)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.sum_us += max(value_us, 0.0)

    def add(self, other: Sketch) -> None:
        """Count everything that `other` counted."""
        counts = self.counts
        for bucket, times in other.counts.items():
            counts[bucket] = counts.get(bucket, 0) + times
        self.sum_us += other.sum_us

    def copy(self) -> Sketch:
        """The same of this moment, which goes on by itself."""
        return Sketch(self.sum_us, dict(self.counts))

    def quantile(self, share: float) -> float:
        """The value in µs below which `share` (0 to 1) of all values lie; 0 when empty."""
        if not self.counts:
            return 0.0
        ordered = sorted(self.counts)
        rank = share * (self.count - 1)
        seen = 0
        for bucket in ordered:
            seen += self.counts[bucket]
            if seen > rank:
                return middle_of(bucket)
        return middle_of(ordered[-1])

    def cumulated(self, doublings: Iterable[int]) -> Iterator[tuple[int, int]]:
        """(upper bound in µs, how many values are below it) for rising powers of two.

        They are bounds of buckets, so that nothing is estimated.
        """
        ordered = sorted(self.counts.items())
        below = position = 0
        for doubling in doublings:
            end = doubling * BUCKETS_PER_DOUBLING
            while position < len(ordered) and ordered[position][0] < end:
                below += ordered[position][1]
                position += 1
            yield 2**doubling, below

    @property
    def mean_us(self) -> float:
        """The exact mean in µs; 0 when empty."""
        count = self.count
        return self.sum_us / count if count else 0.0


Stages = dict[str, Sketch]
"""The sketches of one release on one instance: stage → sketch, with `total` among them."""

STAGES = ("queue", "decode", "preprocess", "inference", "postprocess")
# a camera's frame: from the moment it was taken until its message is handed over to the sinks
CAMERA_STAGES = ("capture", *STAGES, "publish")
TOTAL = "total"


def bucket_of(value_us: float) -> int:
    """The bucket of a value in µs."""
    if value_us <= 1.0:
        return 0
    return min(floor(BUCKETS_PER_DOUBLING * log2(value_us)), LARGEST_BUCKET)


def middle_of(bucket: int) -> float:
    """The geometric middle of a bucket in µs, which is at most `RELATIVE_ERROR` off."""
    return float(2 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING))


def merged(sketches: Iterable[Sketch]) -> Sketch:
    """The sum of some sketches."""
    total = Sketch(0.0, {})
    for sketch in sketches:
        total.add(sketch)
    return total


def merge_stages(into: Stages, more: Mapping[str, Sketch]) -> Stages:
    """Add `more` to `into`, stage by stage, and return `into`."""
    for stage, sketch in more.items():
        known = into.get(stage)
        if known is None:
            into[stage] = sketch.copy()
        else:
            known.add(sketch)
    return into


def difference(now: Mapping[str, Sketch], before: Mapping[str, Sketch]) -> Stages | None:
    """What was recorded between two cumulative readings; None when `now` is not the later one.

    A reading with any smaller count is older (a process that died before it could save its last
    values), and must not be subtracted from.
    """
    result: Stages = {}
    for stage, old in before.items():
        if stage not in now and old.counts:
            return None
    for stage, new in now.items():
        known = before.get(stage)
        if known is None:
            result[stage] = new.copy()
            continue
        grown = _grown(new.counts, known.counts)
        if grown is None:
            return None
        if grown:
            result[stage] = Sketch(max(new.sum_us - known.sum_us, 0.0), grown)
    return result


def _grown(new: dict[int, int], old: dict[int, int]) -> dict[int, int] | None:
    grown = {}
    known = 0
    for bucket, times in new.items():
        before = old.get(bucket, 0)
        if times > before:
            grown[bucket] = times - before
        elif times < before:
            return None
        known += before
    # buckets that vanished: the old reading counted more than the new one knows of
    return grown if known == sum(old.values()) else None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Stages)


def encode_stages(stages: Mapping[str, Sketch]) -> bytes:
    """All stages of one series as one blob (msgpack), for the wire and the inventory."""
    return _encoder.encode(stages)


def decode_stages(blob: bytes) -> Stages:
    """The stages of a blob.

    Raises:
        msgspec.DecodeError: the blob is not one of ours.
    """
    return _decoder.decode(blob)
