"""Which boxes stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolodeploy.core.detections import Box, iou
from yolodeploy.core.errors import Failed
from yolodeploy.serve.postprocess import Found, Wanted, from_end_to_end, from_raw, without_overlaps

from .models import CLASSES, end_to_end, raw_head

ALL = Wanted(conf=0.25, iou=0.7, max_det=300)
FIGURES = st.tuples(
    st.floats(-20, 700), st.floats(-20, 700), st.floats(1, 300), st.floats(1, 300),
    st.integers(1, 1000).map(lambda n: n / 1000), st.integers(0, 5),
)  # fmt: skip


def reference(boxes: list[Box], limit: float) -> list[int]:
    """Greedy suppression as its definition says it: O(n²), one class at a time."""
    order = sorted(range(len(boxes)), key=lambda i: -boxes[i].score)
    kept: list[int] = []
    for i in order:
        rivals = [j for j in kept if boxes[j].class_id == boxes[i].class_id]
        if all(iou(boxes[j], boxes[i]) <= limit for j in rivals):
            kept.append(i)
    return kept


def near_the_limit(boxes: list[Box], limit: float) -> bool:
    overlaps = (iou(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    return any(abs(overlap - limit) < 1e-9 for overlap in overlaps)


@settings(max_examples=200)
@given(st.lists(FIGURES, max_size=40, unique_by=lambda f: f[4]), st.floats(0.1, 0.9))
def test_suppression_agrees_with_its_definition(
    figures: list[tuple[float, ...]], limit: float
) -> None:
    boxes = [Box(int(c), s, x, y, x + w, y + h) for x, y, w, h, s, c in figures]
    if near_the_limit(boxes, limit):
        return
    found = Found(
        np.array([(b.x1, b.y1, b.x2, b.y2) for b in boxes]).reshape(-1, 4),
        np.array([b.score for b in boxes]),
        np.array([b.class_id for b in boxes], np.int64),
        np.empty((len(boxes), 0)),
    )
    assert without_overlaps(found, limit).tolist() == reference(boxes, limit)


def test_each_anchor_gives_its_best_class_only() -> None:
    head = raw_head([(30, 30, 10, 10, 0.9, 2)])[0]
    head[4, 0] = 0.8
    found = from_raw(head, ALL, len(CLASSES))
    assert found.class_ids.tolist() == [2]
    assert found.corners.tolist() == [[25, 25, 35, 35]]


def test_no_more_than_max_det_and_the_best_of_them() -> None:
    head = raw_head([(i * 10, 5, 4, 4, 0.3 + i / 100, 0) for i in range(30)])[0]
    found = from_raw(head, ALL._replace(max_det=5), len(CLASSES))
    assert found.scores == pytest.approx([0.59, 0.58, 0.57, 0.56, 0.55])


@pytest.mark.parametrize("conf", [0.0, 0.25, 1.0])
def test_nothing_found_is_an_answer(conf: float) -> None:
    assert from_raw(raw_head([])[0], ALL._replace(conf=conf), len(CLASSES)).scores.size == 0
    assert from_end_to_end(end_to_end([])[0], ALL._replace(conf=conf), 3).scores.size == 0


def test_end_to_end_rows_are_taken_as_they_are() -> None:
    rows = [(1, 2, 30, 40, 0.5, 0), (1, 2, 30, 40, 0.9, 0), (5, 5, 9, 9, 0.1, 2)]
    found = from_end_to_end(end_to_end(rows)[0], ALL, len(CLASSES))
    assert found.scores == pytest.approx([0.9, 0.5])
    assert found.corners.tolist() == [[1, 2, 30, 40]] * 2
    only = from_end_to_end(end_to_end(rows)[0], ALL._replace(conf=0, classes=(2,)), 3)
    assert only.class_ids.tolist() == [2]


@pytest.mark.parametrize("figure", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 2, 5])
def test_figures_that_are_none_are_refused(figure: float, place: int) -> None:
    head = raw_head([(30, 30, 10, 10, 0.9, 0)])[0]
    head[place, 0] = figure
    if place == 5 and figure < 0:  # another class is the best one: harmless
        assert from_raw(head, ALL, len(CLASSES)).scores.size == 1
        return
    with pytest.raises(Failed) as caught:
        from_raw(head, ALL, len(CLASSES))
    assert caught.value.code == "serve.not_finite"


def test_a_class_without_a_name_is_refused() -> None:
    with pytest.raises(Failed) as caught:
        from_end_to_end(end_to_end([(1, 2, 3, 4, 0.9, 3)])[0], ALL, 3)
    assert caught.value.code == "serve.class_unknown"
