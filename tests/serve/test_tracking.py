"""If these fail, an object changes its number, two share one, or the wrong ones are counted.

The scenes are drawn by arithmetic; the library that follows the objects is the real one.
"""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolodeploy.core.detections import Box, Rotated
from yolodeploy.core.errors import Failed
from yolodeploy.core.publishing import Counted
from yolodeploy.core.site_settings import Camera, Line, Point, Zone
from yolodeploy.serve.tracking.followed import MOST_FOLLOWED, Objects
from yolodeploy.serve.tracking.tracked import Tracked
from yolodeploy.serve.tracking.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

pytest.importorskip("edgefirst.tracker", reason="the tracking extra is not installed")

FPS = 10.0
# upwards in the middle: who walks from the picture's left to its right goes out
GATE = Line("gate", (500.0, 1000.0), (500.0, 0.0))
DOOR = Zone("door", ((600.0, 0.0), (1000.0, 0.0), (1000.0, 1000.0), (600.0, 1000.0)))


def tracking(*, lines: tuple[Line, ...] = (GATE,), zones: tuple[Zone, ...] = (DOOR,)) -> Tracking:
    camera = Camera(name="hall", url="rtsp://camera/hall", track=True, lines=lines, zones=zones)
    return Tracking(camera)


def box(x: float, y: float = 500, *, score: float = 0.9, class_id: int = 0, w: float = 60) -> Box:
    """Of someone who stands at (x, y), 150 pixels tall."""
    return Box(class_id, score, x - w / 2, y - 150, x + w / 2, y)


def followed(
    frames: Iterable[Sequence[Box]], of: Tracking | None = None, *, begin_s: float = 1000.0
) -> list[Tracked]:
    """What is told after each frame of a camera that drops none."""
    of = of or tracking()
    return [of.seen(boxes, begin_s + index / FPS) for index, boxes in enumerate(frames)]


def numbers(told: Iterable[Tracked]) -> list[tuple[int, ...]]:
    return [one.tracks for one in told]


def test_who_walks_by_keeps_a_number_and_is_counted_once() -> None:
    told = followed([box(x)] for x in range(100, 900, 20))
    assert numbers(told) == [(-1,)] + [(1,)] * 39
    assert told[-1].lines == {"gate": Counted(into=0, out=1)}
    assert told[0].lines == {"gate": Counted(into=0, out=0)}
    assert [one.zones["door"] for one in told] == [int(x >= 600) for x in range(100, 900, 20)]


def test_who_walks_back_is_counted_the_other_way() -> None:
    there, back = range(100, 900, 20), range(900, 100, -20)
    told = followed([box(x)] for x in (*there, *back))
    assert told[-1].lines == {"gate": Counted(into=1, out=1)}
    assert set(numbers(told)[1:]) == {(1,)}


def test_two_who_pass_each_other_keep_their_numbers() -> None:
    told = followed([box(x, 500), box(1000 - x, 540)] for x in range(100, 900, 20))
    assert set(numbers(told)[1:]) == {(1, 2)}
    assert told[-1].lines == {"gate": Counted(into=1, out=1)}


def test_the_order_of_the_boxes_is_the_models_and_not_ours() -> None:
    at = [(box(x, 300), box(x, 800)) for x in range(100, 500, 20)]
    told = followed(pair if index % 2 else pair[::-1] for index, pair in enumerate(at))
    assert set(numbers(told)[1::2]) == {(1, 2)} or set(numbers(told)[1::2]) == {(2, 1)}
    assert all(
        odd == even[::-1]
        for odd, even in zip(numbers(told)[3::2], numbers(told)[2::2], strict=False)
    )


def test_who_is_hidden_for_a_second_comes_out_with_the_same_number() -> None:
    told = followed([] if 10 <= step < 20 else [box(100 + 15 * step)] for step in range(40))
    assert set(numbers(told)[1:10]) == set(numbers(told)[20:]) == {(1,)}
    assert told[-1].lines["gate"].out == 1


def test_who_is_gone_for_longer_is_somebody_else() -> None:
    told = followed([] if 10 <= step < 35 else [box(300)] for step in range(50))
    assert numbers(told)[9] == (1,)
    assert numbers(told)[35] == (-1,)
    assert set(numbers(told)[36:]) == {(2,)}


@pytest.mark.parametrize("seed", range(5))
def test_dropped_frames_cost_nobody_its_number(seed: int) -> None:
    """Half of them; each moves by half its width between two that are not dropped."""
    chance = random.Random(seed)
    of = tracking()
    told = []
    for step in range(100):
        boxes = [box(50 + 14 * step, 300), box(1450 - 14 * step, 900)]
        if step < 10 or chance.random() < 0.5:
            told.append(of.seen(boxes, 1000 + step / FPS))
    assert set(numbers(told)[1:]) == {(1, 2)}
    assert told[-1].lines == {"gate": Counted(into=1, out=1)}


def test_frames_that_come_slowly_are_followed_too() -> None:
    of = tracking()
    told = [of.seen([box(300 + step)], 10.0 * step) for step in range(8)]
    # of the first two nobody can know that this is the camera's pace
    assert set(numbers(told)[3:]) == {(1,)}


def test_frames_of_one_moment_and_bursts_of_them_are_taken() -> None:
    of = tracking()
    moments = [1000.0, 1000.0, 1000.1, 1000.1001, 1000.1002, 1000.9, 1001.0]
    told = [of.seen([box(300)], at_s) for at_s in moments]
    assert set(numbers(told)[1:]) == {(1,)}


@pytest.mark.parametrize("jump_s", [-3600.0, -0.2, 2.5, 86_400.0])
def test_after_a_jump_of_the_clock_everybody_is_new_and_the_counts_stay(jump_s: float) -> None:
    of = tracking()
    before = followed(([box(x)] for x in range(100, 900, 20)), of)
    after = followed(([box(880)] for _ in range(5)), of, begin_s=1003.9 + jump_s)
    assert numbers(before)[-1] == (1,)
    assert numbers(after) == [(-1,), *[(2,)] * 4]
    assert after[-1].lines == {"gate": Counted(into=0, out=1)}


def test_a_number_is_the_objects_whatever_the_model_calls_it() -> None:
    told = followed([box(x, class_id=1 + x // 20 % 2)] for x in range(100, 900, 20))
    assert set(numbers(told)[1:]) == {(1,)}
    assert told[-1].lines["gate"].out == 1


def test_a_weak_box_continues_an_object_and_begins_none() -> None:
    told = followed([box(300, score=0.9 if step < 3 else 0.12)] for step in range(10))
    assert set(numbers(told)[1:]) == {(1,)}
    assert set(numbers(followed([box(300, score=0.12)] for _ in range(10)))) == {(-1,)}


def test_what_is_seen_once_gets_no_number_and_is_in_no_zone() -> None:
    told = followed([box(300), box(50 + 90 * step, 900)] for step in range(10))
    assert {one.tracks[1] for one in told} == {-1}
    assert {one.zones["door"] for one in told} == {0}


def test_who_stands_and_trembles_on_a_line_is_not_counted() -> None:
    chance = random.Random(7)
    standing = [[box(500 + chance.gauss(0, 1.5), 500 + chance.gauss(0, 3))] for _ in range(300)]
    leaving = [[box(x)] for x in range(500, 800, 20)]
    coming = [[box(x)] for x in range(200, 500, 20)]
    of = tracking()
    assert followed([*coming, *standing], of)[-1].lines["gate"] == Counted()
    assert followed(leaving, of, begin_s=1031.5)[-1].lines["gate"] == Counted(out=1)


def test_it_is_the_feet_that_cross() -> None:
    step = Line("step", (0.0, 400.0), (1000.0, 400.0))
    tall = [[box(300, y)] for y in range(410, 600, 10)]  # its middle crosses, its feet do not
    assert followed(tall, tracking(lines=(step,)))[-1].lines["step"] == Counted()
    walking = [[box(300, y)] for y in range(300, 500, 10)]
    assert followed(walking, tracking(lines=(step,)))[-1].lines["step"] == Counted(out=1)


def test_who_stands_on_the_pictures_edge_is_in_the_zone_that_ends_there() -> None:
    told = followed([box(800, 1000)] for _ in range(3))
    assert told[-1].zones == {"door": 1}


def test_zones_and_lines_are_counted_apart() -> None:
    other = Zone("window", ((0.0, 0.0), (400.0, 0.0), (400.0, 1000.0)))
    far = Line("far", (900.0, 1000.0), (900.0, 0.0))
    of = tracking(lines=(GATE, far), zones=(DOOR, other))
    told = followed(([box(x), box(350, 200)] for x in range(100, 900, 20)), of)
    assert told[-1].zones == {"door": 1, "window": 1}
    assert told[-1].lines == {"gate": Counted(out=1), "far": Counted()}


def test_boxes_aslant_and_with_keypoints_stand_where_their_upright_box_does() -> None:
    def others(x: float) -> list[Box]:
        lying = Rotated(cx=x, cy=425, w=100, h=40, angle=0.5)
        return [
            Box(0, 0.9, x - 60, 380, x + 60, 470, rotated=lying),
            Box(0, 0.9, x - 30, 750, x + 30, 900, keypoints=((x, 760.0, 0.9),)),
        ]

    told = followed(others(x) for x in range(100, 900, 20))
    assert set(numbers(told)[1:]) == {(1, 2)}
    assert told[-1].lines["gate"].out == 2


def test_without_lines_and_zones_there_are_numbers_only() -> None:
    told = followed(([box(300)] for _ in range(2)), tracking(lines=(), zones=()))
    assert told[-1] == Tracked((1,), {}, {})


def test_a_model_gone_wild_is_lived_through() -> None:
    """300 new objects a frame: pairing costs the cube of how many are followed."""
    chance = random.Random(1)
    of = Objects(lines=0)
    for step in range(6):
        boxes = [box(chance.uniform(0, 90_000), chance.uniform(150, 9000)) for _ in range(300)]
        one = [found.number for found in of.of(boxes, 1000 + step / FPS) if found is not None]
        numbered = [number for number in one if number > 0]
        assert len(numbered) == len(set(numbered))
        assert len(of) <= MOST_FOLLOWED
    calm = [of.of([box(300)], 1005 + step / FPS)[0] for step in range(5)]
    assert calm[-1] is not None
    assert calm[-1].number > 0


def test_without_the_library_a_person_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "edgefirst.tracker", None)
    with pytest.raises(Failed) as caught:
        tracking()
    assert caught.value.code == "tracking.library_missing"
    assert caught.value.remedy() == "pip install 'yolodeploy[tracking]'"


def mirrored(point: Point) -> Point:
    return 1000 - point[0], point[1]


@pytest.mark.parametrize("seed", range(3))
def test_a_mirrored_scene_is_counted_the_other_way(seed: int) -> None:
    chance = random.Random(seed)
    walkers = [
        (chance.randrange(100, 900), 200 * row, chance.choice((-16, 16))) for row in range(1, 6)
    ]
    plain, turned = [], []
    for step in range(60):
        boxes = [box((x + dx * step) % 1000, y) for x, y, dx in walkers]
        plain.append(boxes)
        turned.append([box(1000 - (one.x1 + one.x2) / 2, one.y2) for one in boxes])
    gate = Line("gate", mirrored(GATE.begin), mirrored(GATE.end))
    told = followed(plain)
    other = followed(turned, tracking(lines=(gate,)))
    assert numbers(told) == numbers(other)
    assert told[-1].lines["gate"].into + told[-1].lines["gate"].out > 0
    assert (told[-1].lines["gate"].into, told[-1].lines["gate"].out) == (
        other[-1].lines["gate"].out,
        other[-1].lines["gate"].into,
    )


# a coarse grid: boxes that are equal, empty, or one within the other are common there
corners = st.integers(0, 8).map(lambda part: part * 120.0)
scores = st.sampled_from((0.01, 0.25, 0.5, 0.99))


@st.composite
def any_boxes(draw: st.DrawFn) -> Box:
    x1, x2 = sorted((draw(corners), draw(corners)))
    y1, y2 = sorted((draw(corners), draw(corners)))
    return Box(draw(st.integers(0, 2)), draw(scores), x1, y1, x2, y2)


waits = st.sampled_from((0.0, 0.001, 0.1, 0.1, 0.1, 0.5, 5.0, -1.0))
any_scenes = st.lists(st.tuples(waits, st.lists(any_boxes(), max_size=8)), max_size=15)


@settings(deadline=None)
@given(any_scenes)
def test_whatever_comes_numbers_are_not_shared_and_counts_only_grow(
    scene: list[tuple[float, list[Box]]],
) -> None:
    of = tracking()
    at_s = 1000.0
    before = Counted()
    for wait_s, boxes in scene:
        at_s += wait_s
        told = of.seen(boxes, at_s)
        assert len(told.tracks) == len(boxes)
        numbered = [number for number in told.tracks if number != -1]
        assert len(numbered) == len(set(numbered))
        assert all(number > 0 for number in numbered)
        assert 0 <= told.zones["door"] <= len(numbered)
        now = told.lines["gate"]
        assert now.into >= before.into
        assert now.out >= before.out
        before = now


def test_who_looks_at_the_camera_sees_what_is_counted() -> None:
    """A line that was set one metre too far left is seen on the picture or never."""
    of = tracking()
    boxes = [box(700)]
    told = followed([boxes] * 3, of)[-1]
    pixels = np.zeros((1000, 1000, 3), np.uint8)
    of.draw(pixels, boxes, told, (0, 0))
    assert pixels[300, 500].min() == 255, "the line"
    assert pixels[300, 600].min() == 255, "the zone's edge"
    assert pixels[500 - 8 : 500, 680:700].any(), "the object's number, where it stands"
    part = np.zeros((400, 500, 3), np.uint8)  # a region that begins at (300, 200)
    of.draw(part, boxes, told, (300, 200))
    assert part[100, 200].min() == 255
    assert part[100, 300].min() == 255
