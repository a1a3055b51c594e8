"""If these fail, an honest model is stopped or a spoiled one passes."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.detections import Agreement, Box, compare, iou, pairs

figures = st.floats(-50, 700, allow_nan=False)


@st.composite
def sound_boxes(draw: st.DrawFn) -> Box:
    x1, x2 = sorted((draw(figures), draw(figures)))
    y1, y2 = sorted((draw(figures), draw(figures)))
    return Box(draw(st.integers(0, 3)), draw(st.floats(0, 1)), x1, y1, x2, y2)


# a coarse grid: ties and boxes without an area are common there
@st.composite
def grid_boxes(draw: st.DrawFn) -> Box:
    x1, x2 = sorted((draw(st.integers(0, 3)), draw(st.integers(0, 3))))
    y1, y2 = sorted((draw(st.integers(0, 3)), draw(st.integers(0, 3))))
    return Box(draw(st.integers(0, 1)), 0.5, x1, y1, x2, y2)


any_figure = st.floats(allow_nan=True, allow_infinity=True)
wild_boxes = st.builds(
    Box, st.integers(-1, 2), any_figure, any_figure, any_figure, any_figure, any_figure
)
frames = st.lists(sound_boxes() | grid_boxes(), max_size=12)
wild_frames = st.lists(wild_boxes | sound_boxes() | grid_boxes(), max_size=12)


@given(frames)
def test_a_model_agrees_with_itself(boxes: list[Box]) -> None:
    found = compare(boxes, boxes)
    assert found == Agreement(frames=1, expected=len(boxes), matched=len(boxes))
    assert (found.lost_share, found.gained_share) == (0, 0)


@given(frames, frames, st.randoms(use_true_random=False), st.floats(0.1, 0.9))
def test_the_order_of_boxes_changes_nothing(old, new, random, threshold) -> None:  # type: ignore[no-untyped-def]
    before = compare(old, new, threshold)
    for boxes in (old, new):
        random.shuffle(boxes)
    assert compare(old, new, threshold) == before


@given(wild_frames, wild_frames)
def test_counts_add_up_whatever_a_server_answers(old: list[Box], new: list[Box]) -> None:
    found = compare(old, new)
    sound = [box for box in new if box.valid]
    assert 0 <= found.matched <= min(len(old), len(sound))
    assert found.matched + found.gained + found.invalid == len(new)
    assert found.matched + found.lost == len(old)
    assert found.invalid == len(new) - len(sound)
    assert found.empty == int(bool(old) and not sound)
    assert 0 <= found.lost_share <= 1
    assert 0 <= found.gained_share <= 1


@given(frames)
def test_boxes_that_are_no_boxes_are_counted_as_such(boxes: list[Box]) -> None:
    broken = [
        Box(0, nan, 0, 0, 1, 1), Box(0, 0.5, nan, 0, 1, 1), Box(0, 0.5, 0, 0, inf, 1),
        Box(0, 0.5, 5, 0, 1, 1), Box(0, 0.5, 0, 5, 1, 1),
    ]  # fmt: skip
    assert compare(boxes, [*boxes, *broken]).invalid == len(broken)
    assert compare(boxes, [*boxes, *broken]).matched == len(boxes)


@given(frames, frames)
def test_classes_are_not_mixed_up(old: list[Box], new: list[Box]) -> None:
    other = [Box(box.class_id + 10, box.score, box.x1, box.y1, box.x2, box.y2) for box in new]
    assert compare(old, other).matched == 0


@given(frames, frames, st.floats(0.05, 0.9), st.floats(0, 0.1))
def test_a_stricter_threshold_matches_no_more(old, new, threshold, more) -> None:  # type: ignore[no-untyped-def]
    loose, strict = compare(old, new, threshold), compare(old, new, threshold + more)
    assert strict.matched <= loose.matched


@given(st.lists(st.tuples(frames, frames), max_size=5))
def test_frames_add_up(pairs: list[tuple[list[Box], list[Box]]]) -> None:
    total = sum((compare(old, new) for old, new in pairs), Agreement())
    assert total.frames == len(pairs)
    assert total.expected == sum(len(old) for old, _ in pairs)
    assert total.lost == sum(compare(old, new).lost for old, new in pairs)


@given(sound_boxes(), sound_boxes())
def test_overlap_is_symmetric_and_a_share(a: Box, b: Box) -> None:
    assert iou(a, b) == pytest.approx(iou(b, a))
    assert 0 <= iou(a, b) <= 1 + 1e-9
    assert iou(a, a) == 1


def test_an_object_cut_off_by_the_edge_is_still_found() -> None:
    """The server clips boxes to the picture; what remains of one at the edge may have no area."""
    edge = Box(0, 0.9, 640, 100, 640, 180)
    assert compare([edge], [edge]).matched == 1


def test_overlap_of_known_boxes() -> None:
    assert iou(Box(0, 1, 0, 0, 2, 2), Box(0, 1, 1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert iou(Box(0, 1, 0, 0, 1, 1), Box(0, 1, 1, 0, 2, 1)) == 0


@given(wild_frames, wild_frames, st.floats(0.05, 0.95))
def test_looking_at_near_pairs_only_finds_what_looking_at_all_would(
    old: list[Box], new: list[Box], threshold: float
) -> None:
    """Else a shadow's boxes in a crowd would be called lost that are there."""
    for place, other in pairs(old, new, threshold):
        assert iou(old[place], new[other]) >= threshold
    paired = pairs(old, new, threshold)
    olds, news = {i for i, _ in paired}, {j for _, j in paired}
    left = [
        (i, j)
        for i, a in enumerate(old)
        for j, b in enumerate(new)
        if i not in olds and j not in news and a.class_id == b.class_id
        if b.valid and iou(a, b) >= threshold
    ]
    assert left == []
