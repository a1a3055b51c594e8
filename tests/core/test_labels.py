"""If these fail, labels are read as something else than was drawn, or a wrong file is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.detections import compare
from yolodeploy.core.labels import MOST_LABELS, labels_of

parts = st.floats(0.1, 0.9)


@given(st.integers(0, 90), parts, parts, parts, parts)
def test_a_box_is_where_it_was_drawn(name: int, x1: float, x2: float, y1: float, y2: float) -> None:
    (x1, x2), (y1, y2) = sorted((x1, x2)), sorted((y1, y2))
    line = f"{name} {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}"
    outline = f"{name} {x1} {y1} {x2} {y1} {x2} {y2} {x1} {y2}"
    for (label,) in (labels_of(line), labels_of(outline)):
        box = label.box(640, 480)
        assert box.class_id == name
        drawn = (x1 * 640, y1 * 480, x2 * 640, y2 * 480)
        assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx(drawn, abs=1e-6)
        assert compare([box], [box]).matched == 1


def test_an_empty_file_says_that_nothing_is_there() -> None:
    assert labels_of("\n  \n") == ()


@pytest.mark.parametrize(
    "text",
    [
        "door 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "-1 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1 1.5",
        "0 nan 0.5 0.1 0.1", "0 0.5 inf 0.1 0.1", "0.5 0.5 0.5 0.1 0.1", "0 0.1 0.2 0.3 0.4 0.5",
        "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7", "0 320 240 64 48", "[]", "0 " * 8,
    ],
)  # fmt: skip
def test_what_is_no_label_is_said_with_its_line(text: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        labels_of(f"0 0.5 0.5 0.1 0.1\n{text}")


def test_a_file_without_end_is_not_read_through() -> None:
    with pytest.raises(ValueError, match="more than"):
        labels_of("0 0.5 0.5 0.1 0.1\n" * (MOST_LABELS + 1))
