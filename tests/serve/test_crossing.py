"""If these fail, people who walked past a gate once are counted twice, or the wrong way."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.site_settings import Line, Point
from yolodeploy.serve.tracking.crossing import LEFT, RIGHT, Gate, Path

# whole and half pixels: a mirrored scene is then exactly as far from its line
figures = st.integers(-400, 1200).map(lambda half: half / 2)
points = st.tuples(figures, figures)
walks = st.lists(points, min_size=1, max_size=30)
margins = st.sampled_from((0.0, 0.5, 4.0, 30.0))
UPWARDS = Line("gate", (100.0, 200.0), (100.0, 0.0))


def walked(line: Line, walk: list[Point], margin: float = 4.0) -> list[int]:
    """What each step of one object crossed."""
    gate, path = Gate(line), Path()
    return [gate.crossed(path, point, margin) for point in walk]


def across(y: float, *xs: float) -> list[Point]:
    return [(x, y) for x in xs]


def test_left_and_right_are_those_of_someone_who_looks_along_the_line() -> None:
    assert walked(UPWARDS, across(100, 50, 150)) == [0, RIGHT]
    assert walked(UPWARDS, across(100, 150, 50)) == [0, LEFT]
    to_the_right = Line("gate", (0.0, 100.0), (200.0, 100.0))
    assert walked(to_the_right, [(100, 50), (100, 150)]) == [0, RIGHT]


def test_who_trembles_on_the_line_is_counted_when_it_walks_on() -> None:
    trembling = [100 + step for step in (-3, 2, -1, 3, -2, 0, 3, -3) * 10]
    assert sum(map(abs, walked(UPWARDS, across(100, 50, *trembling)))) == 0
    assert walked(UPWARDS, across(100, 50, *trembling, 110, 150))[-2:] == [RIGHT, 0]
    assert sum(map(abs, walked(UPWARDS, across(100, 50, *trembling, 60)))) == 0


def test_who_turns_back_is_counted_both_ways() -> None:
    assert walked(UPWARDS, across(100, 50, 150, 50, 150)) == [0, RIGHT, LEFT, RIGHT]


def test_who_walks_around_the_end_has_not_crossed() -> None:
    around = [(50, 100), (50, 300), (150, 300), (150, 100)]
    assert walked(UPWARDS, around) == [0, 0, 0, 0]
    # and back through the gate has: that is where it passed
    assert walked(UPWARDS, [*around, (50, 100)])[-1] == LEFT


def test_who_stops_on_the_line_itself_is_still_where_it_came_from() -> None:
    assert walked(UPWARDS, across(100, 50, 100, 50)) == [0, 0, 0]
    assert walked(UPWARDS, across(100, 50, 100, 150)) == [0, 0, RIGHT]


def test_who_appears_on_the_line_comes_from_nowhere() -> None:
    assert walked(UPWARDS, across(100, 98, 150, 50)) == [0, 0, LEFT]


@given(points, walks, margins)
def test_a_line_without_a_length_is_crossed_by_nobody(
    at: Point, walk: list[Point], margin: float
) -> None:
    assert set(walked(Line("gate", at, at), walk, margin)) == {0}


@given(points, points, walks, margins)
def test_a_mirrored_scene_has_the_same_crossings_the_other_way(
    begin: Point, end: Point, walk: list[Point], margin: float
) -> None:
    def mirrored(point: Point) -> Point:
        return 640 - point[0], point[1]

    plain = walked(Line("gate", begin, end), walk, margin)
    turned = walked(Line("gate", mirrored(begin), mirrored(end)), list(map(mirrored, walk)), margin)
    assert turned == [-side for side in plain]


@given(points, walks, margins)
def test_a_line_drawn_from_its_other_end_has_the_same_crossings_the_other_way(
    through: Point, walk: list[Point], margin: float
) -> None:
    x, y = through
    begin, end = (x - 3e4, y - 4e4), (x + 3e4, y + 4e4)
    plain = walked(Line("gate", begin, end), walk, margin)
    assert walked(Line("gate", end, begin), walk, margin) == [-side for side in plain]


@given(walks, margins)
def test_nobody_crosses_an_endless_line_the_same_way_twice(
    walk: list[Point], margin: float
) -> None:
    endless = Line("gate", (100.0, 1e6), (100.0, -1e6))
    crossed = [side for side in walked(endless, walk, margin) if side]
    assert all(before != after for before, after in pairwise(crossed))


@given(figures, walks)
def test_a_wider_margin_counts_no_more(x: float, walk: list[Point]) -> None:
    endless = Line("gate", (x, 1e6), (x, -1e6))
    narrow, wide = (sum(map(abs, walked(endless, walk, margin))) for margin in (0.0, 20.0))
    assert wide <= narrow
