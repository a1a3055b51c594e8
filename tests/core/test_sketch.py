"""If these fail, every latency that a person reads is wrong, or changes with who adds it up."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.sketch import (
    Sketch,
    Stages,
    decode_stages,
    difference,
    encode_stages,
    merge_stages,
    merged,
)

# 1 µs to 1000 s: what a stage can take
values = st.floats(1.0, 1e9, allow_nan=False)
many = st.lists(values, max_size=60)
some = st.lists(values, min_size=1, max_size=60)
stage_values = st.dictionaries(st.sampled_from(["queue", "decode", "total"]), many, max_size=3)


def sketch_of(recorded: Iterable[float]) -> Sketch:
    sketch = Sketch(0.0, {})
    for value in recorded:
        sketch.record(value)
    return sketch


def stages_of(recorded: dict[str, list[float]]) -> Stages:
    return {stage: sketch_of(list_) for stage, list_ in recorded.items()}


def counted(stages: Stages) -> dict[str, dict[int, int]]:
    return {stage: sketch.counts for stage, sketch in stages.items() if sketch.counts}


@given(some, some)
def test_a_copy_stays_as_it_was(recorded: list[float], more: list[float]) -> None:
    """A reading that grew after it was taken would be subtracted from the next one."""
    sketch = sketch_of(recorded)
    copy = sketch.copy()
    for value in more:
        sketch.record(value)
    assert copy == sketch_of(recorded)
    assert sketch.count == len(recorded) + len(more)


@given(some, st.floats(0, 1))
def test_a_quantile_is_at_most_two_percent_off(recorded: list[float], share: float) -> None:
    exact = sorted(recorded)[int(share * (len(recorded) - 1))]
    assert sketch_of(recorded).quantile(share) == pytest.approx(exact, rel=0.02)


@given(st.lists(st.integers(0, 1 << 27)))
def test_powers_of_two_are_bounds_that_nothing_is_estimated_at(recorded: list[int]) -> None:
    for bound_us, below in sketch_of([float(value) for value in recorded]).cumulated(range(5, 26)):
        assert below == sum(value < bound_us for value in recorded)


@given(many, many)
def test_it_does_not_matter_who_is_added_to_whom(one: list[float], other: list[float]) -> None:
    there = merged([sketch_of(one), sketch_of(other)])
    back = merged([sketch_of(other), sketch_of(one)])
    assert there.counts == back.counts == sketch_of(one + other).counts
    assert there.sum_us == pytest.approx(back.sum_us)


@given(many, many, many)
def test_it_does_not_matter_in_which_order_roll_ups_are_made(
    one: list[float], two: list[float], three: list[float]
) -> None:
    a, b, c = sketch_of(one), sketch_of(two), sketch_of(three)
    left, right = merged([merged([a, b]), c]), merged([a, merged([b, c])])
    assert left.counts == right.counts
    assert left.sum_us == pytest.approx(right.sum_us)


@given(stage_values, stage_values)
def test_the_difference_of_two_readings_is_what_came_in_between(
    before: dict[str, list[float]], between: dict[str, list[float]]
) -> None:
    old = stages_of(before)
    now = merge_stages(merge_stages({}, old), stages_of(between))
    new = difference(now, old)
    assert new is not None
    assert counted(new) == counted(stages_of(between))
    assert counted(merge_stages(merge_stages({}, old), new)) == counted(now)


@given(stage_values, st.dictionaries(st.just("queue"), some, min_size=1))
def test_an_older_reading_is_told_from_a_newer_one(
    before: dict[str, list[float]], between: dict[str, list[float]]
) -> None:
    old = stages_of(before)
    now = merge_stages(merge_stages({}, old), stages_of(between))
    assert difference(old, now) is None


@given(stage_values)
def test_what_is_stored_is_what_is_read(recorded: dict[str, list[float]]) -> None:
    stages = stages_of(recorded)
    assert decode_stages(encode_stages(stages)) == stages


@given(some)
def test_adding_up_leaves_the_parts_as_they_were(recorded: list[float]) -> None:
    part = {"total": sketch_of(recorded)}
    total = merge_stages(merge_stages({}, part), part)
    assert total["total"].count == 2 * len(recorded)
    assert part["total"].count == len(recorded)


def test_nothing_measured_has_no_latency() -> None:
    assert Sketch(0.0, {}).quantile(0.99) == 0.0
    assert Sketch(0.0, {}).mean_us == 0.0
