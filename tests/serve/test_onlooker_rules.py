"""The rules behind shadow and samples: whose turn it is, what waits, how two answers compare."""

from __future__ import annotations

import json
from fractions import Fraction
from math import floor
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.detections import Agreement, Box
from yolodeploy.core.errors import Failed
from yolodeploy.core.serving import DetectResponse, Probability
from yolodeploy.serve.postprocess import Wanted
from yolodeploy.serve.shadow.answer import theirs
from yolodeploy.serve.shadow.comparison import Comparison
from yolodeploy.serve.shadow.mirrored import query_of
from yolodeploy.serve.short_queue import ShortQueue
from yolodeploy.serve.turns import MILLION, Turns

WANTED = Wanted(0.25, 0.7, 300)
NAMES = ("scratch", "crack", "hole")


@given(st.integers(0, MILLION), st.integers(1, 300))
def test_a_share_is_exact_at_every_moment(millionths: int, count: int) -> None:
    turns = Turns(millionths / MILLION)
    taken = 0
    for number in range(1, count + 1):
        taken += turns.next()
        assert taken == floor(Fraction(millionths * number, MILLION))


def test_no_float_steals_a_turn() -> None:
    turns = Turns(0.29)
    assert sum(turns.next() for _ in range(100)) == 29


@given(st.lists(st.none() | st.integers(0, 60), max_size=40))
def test_a_queue_never_holds_more_than_it_may(steps: list[int | None]) -> None:
    queue: ShortQueue[int] = ShortQueue(most=3, most_bytes=50)
    held: list[int] = []
    for step in steps:
        if step is None:
            if held:
                assert queue.get() == held.pop(0)
        else:
            fits = not held or (len(held) < 3 and sum(held) + step <= 50)
            assert queue.has_room(step) == fits == queue.put(step, step)
            held += [step] if fits else []
    queue.close()
    assert queue.get() is None
    assert not queue.put(1, 1)


def response(boxes: tuple[Box, ...], classes: tuple[str, ...] = NAMES) -> DetectResponse:
    return DetectResponse(boxes=boxes, classes=classes, width=64, height=48, stages_ms={})


def told(answer: DetectResponse, ours: DetectResponse, wanted: Wanted = WANTED) -> Any:
    return theirs(msgspec.json.encode(answer), ours, wanted, "http://second")


def test_classes_are_the_same_by_name_and_not_by_number() -> None:
    """A candidate whose classes are in another order agrees; its number 0 is not our number 0."""
    ours = response((Box(1, 0.9, 1, 1, 9, 9), Box(0, 0.8, 20, 20, 30, 30)))
    same = response(
        (Box(0, 0.9, 1, 1, 9, 9), Box(2, 0.8, 20, 20, 30, 30)), ("crack", "rust", "scratch")
    )
    seen = told(same, ours)
    assert [box.class_id for box in seen.boxes] == [1, 0]
    # what only the second knows is none of ours
    news = told(response((Box(1, 0.9, 1, 1, 9, 9),), ("crack", "rust", "scratch")), ours)
    assert [box.class_id for box in news.boxes] == [4]
    with pytest.raises(Failed) as caught:
        told(same, ours, WANTED._replace(classes=(1,)))
    assert caught.value.code == "shadow.other_classes"


figures = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
anything = st.recursive(figures, lambda inner: st.lists(inner, max_size=4), max_leaves=8)
boxes = st.fixed_dictionaries(
    {name: st.integers(-1, 3) | figures for name in ("class_id", "score", "x1", "y1", "x2", "y2")}
)
answers = st.fixed_dictionaries(
    {
        "boxes": st.lists(boxes, max_size=4) | anything,
        "classes": st.just(NAMES) | st.lists(st.text(max_size=3), max_size=4) | anything,
        "width": st.just(64) | figures,
        "height": st.just(48) | figures,
        "stages_ms": st.just({}) | st.dictionaries(st.sampled_from(["decode", "x"]), figures),
    },
    optional={"probabilities": st.none() | anything, "model": st.text(), "release": figures},
)


@given(answers.map(lambda told: json.dumps(told).encode()) | st.binary(max_size=100))
def test_any_answer_is_compared_or_refused(content: bytes) -> None:
    """Nothing that a second server can say is a mistake of ours."""
    ours = response((Box(0, 0.9, 1, 1, 9, 9),))
    try:
        seen = theirs(content, ours, WANTED, "http://second")
    except Failed as error:
        assert error.code == "shadow.answer"
        return
    comparison = Comparison("http://second", 1.0)
    agreement = comparison.compared(ours, seen)
    assert agreement.frames == 1
    msgspec.json.encode(comparison.report())


def test_what_only_some_tasks_have_is_not_compared() -> None:
    ours = response((Box(0, 0.9, 1, 1, 9, 9),))
    more = response((Box(0, 0.9, 1, 1, 9, 9, polygons=((1.0, 1.0, 9.0, 9.0, 1.0, 9.0),)),))
    assert told(more, ours).boxes == ours.boxes


def classified(*chances: tuple[int, float]) -> DetectResponse:
    made = tuple(Probability(*chance) for chance in chances)
    return msgspec.structs.replace(response(()), probabilities=made)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (((1, 0.6), (0, 0.4)), Agreement(frames=1, expected=1, matched=1)),
        (((0, 0.6), (1, 0.4)), Agreement(frames=1, expected=1, gained=1)),
        ((), Agreement(frames=1, expected=1, empty=1)),
    ],
)
def test_a_classifier_is_held_to_its_likeliest_class(
    second: tuple[tuple[int, float], ...], expected: Agreement
) -> None:
    ours = classified((1, 0.8), (0, 0.2))
    comparison = Comparison("http://second", 1.0)
    assert comparison.compared(ours, told(classified(*second), ours)) == expected
    assert comparison.report().down.count == expected.matched


scores = st.floats(0, 1)


@given(st.lists(st.tuples(scores, scores), max_size=8))
def test_scores_of_matched_boxes_move_up_or_down(pairs: list[tuple[float, float]]) -> None:
    def at(number: int, score: float) -> Box:
        return Box(0, score, 100 * number, 0, 100 * number + 50, 50)

    ours = response(tuple(at(number, old) for number, (old, _) in enumerate(pairs)))
    other = response(tuple(at(number, new) for number, (_, new) in enumerate(pairs)))
    comparison = Comparison("http://second", 1.0)
    comparison.compared(ours, told(other, ours))
    report = comparison.report()
    assert report.agreement == Agreement(frames=1, expected=len(pairs), matched=len(pairs))
    assert report.up.count + report.down.count == len(pairs)
    moved = sum(new - old for old, new in pairs)
    assert (report.up.sum_us - report.down.sum_us) / MILLION == pytest.approx(moved, abs=1e-9)


@pytest.mark.parametrize(
    ("wanted", "query"),
    [
        (Wanted(0.25, 0.7, 300), "conf=0.25&iou=0.7&max_det=300"),
        (Wanted(0.0, 1.0, 100_000, (2, 0)), "conf=0.0&iou=1.0&max_det=3000&classes=2,0"),
    ],
)
def test_the_limits_are_sent_as_numbers(wanted: Wanted, query: str) -> None:
    assert query_of(wanted) == query
