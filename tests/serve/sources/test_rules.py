"""The rules behind cameras, on values: clocks, paces, regions, back-off."""

from __future__ import annotations

import os
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolodeploy.core.back_off import LONGEST_S, SHORTEST_S
from yolodeploy.core.camera_address import address_of, shown_url
from yolodeploy.core.detections import Box, Rotated
from yolodeploy.core.errors import UsageError
from yolodeploy.serve.sources.back_off import BackOff
from yolodeploy.serve.sources.behind import LONGEST_NS, Behind
from yolodeploy.serve.sources.pace import Pace
from yolodeploy.serve.sources.picture_watch import BLACK_S, FROZEN_S, PictureWatch, glance
from yolodeploy.serve.sources.region import in_whole
from yolodeploy.serve.sources.slots import Slot, new_slot
from yolodeploy.serve.sources.stream_clock import DRIFT, JUMP_NS, StreamClock

MS = 1_000_000
S = 1_000_000_000
calm = settings(deadline=None)  # whatever else this machine does
stamps = st.integers(-(10**15), 10**15)


@calm
@given(st.lists(st.tuples(stamps, stamps, st.integers(0, 5 * S)), min_size=1, max_size=50))
def test_nothing_was_taken_after_it_arrived(packets: list[tuple[int, int, int]]) -> None:
    """Whatever a camera's clock does."""
    clock = StreamClock()
    arrival = 0
    for stamp, order, later in packets:
        arrival += later
        assert clock.taken_ns(stamp, order, arrival) <= arrival


@calm
@given(
    begin=stamps,
    delays=st.lists(st.integers(0, 2 * S), min_size=2, max_size=100),
    rate=st.sampled_from([20 * MS, 40 * MS, 100 * MS]),
)
def test_what_is_beyond_the_least_delay_is_capture(
    begin: int, delays: list[int], rate: int
) -> None:
    clock = StreamClock()
    arrival, least = 0, 2 * S
    for number, wished in enumerate(delays):
        # one packet arrives after the other
        arrival = max(arrival, number * rate + wished)
        delay = arrival - number * rate
        least = min(least, delay)
        stamp = begin + number * rate
        capture = arrival - clock.taken_ns(stamp, stamp, arrival)
        # forgotten is no more than the drift over all that has passed
        passed = arrival + 2 * S
        assert delay - least - passed * DRIFT - 1 <= capture <= delay - least


@pytest.mark.parametrize("drift", [-100e-6, -20e-6, 20e-6, 100e-6])
def test_a_clock_that_runs_wrong_does_not_add_up(drift: float) -> None:
    """A day at a frame a second, by a crystal that is off: capture stays what the network takes."""
    clock = StreamClock()
    worst = 0
    for second in range(86_400):
        arrival = second * S + (second * 7919 % 5) * MS
        stamp = int(second * S * (1 + drift))
        taken = clock.taken_ns(stamp, stamp, arrival)
        worst = max(worst, arrival - taken)
    assert worst < 10 * MS


@calm
@given(st.one_of(st.integers(-(10**15), -1), st.integers(JUMP_NS + S, 10**15)))
def test_a_clock_that_jumps_begins_anew(jump: int) -> None:
    clock = StreamClock()
    for number in range(10):
        clock.taken_ns(number * S, number * S, number * S)
    arrival = 10 * S
    stamp = 9 * S + jump
    assert clock.taken_ns(stamp, stamp, arrival) == arrival
    # and goes on from there
    assert clock.taken_ns(stamp + S, stamp + S, arrival + S + 50 * MS) == pytest.approx(
        arrival + S, abs=MS
    )


@calm
@given(
    fps=st.floats(0.05, 500),
    steps=st.lists(st.integers(0, 2 * S), min_size=1, max_size=200),
)
def test_never_more_frames_than_wanted(fps: float, steps: list[int]) -> None:
    pace = Pace(fps)
    at = 0
    taken = []
    for step in steps:
        at += step
        if pace.due(at):
            pace.took(at)
            taken.append(at)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            seconds = (taken[last] - taken[first]) / S
            assert last - first <= seconds * fps + 1


@pytest.mark.parametrize(("rate", "wanted"), [(25, 10), (30, 10), (30, 25), (15, 15), (10, 15)])
def test_as_many_frames_as_wanted(rate: int, wanted: int) -> None:
    """Ten out of twenty-five, and not every third."""
    pace = Pace(wanted)
    taken = 0
    for number in range(rate * 10):
        at = number * S // rate
        if pace.due(at):
            pace.took(at)
            taken += 1
    assert taken == pytest.approx(10 * min(rate, wanted), abs=1)


def test_a_pace_survives_a_clock_that_goes_back() -> None:
    pace = Pace(1.0)
    pace.took(1000 * S)
    assert not pace.due(1000 * S + 1)
    assert pace.due(5 * S)


@calm
@given(st.lists(st.tuples(st.floats(0, 59), st.floats(0, 1)), min_size=1, max_size=30))
def test_back_off_grows_to_half_a_minute(failures: list[tuple[float, float]]) -> None:
    back_off = BackOff()
    for number, (good_s, chance) in enumerate(failures):
        longest_s = min(SHORTEST_S * 2**number, LONGEST_S)
        assert 0.75 * longest_s <= back_off.wait_s(good_s, chance) <= longest_s
    assert back_off.wait_s(60.0, 1.0) == SHORTEST_S
    assert back_off.wait_s(59.0, 1.0) == 2 * SHORTEST_S


points = st.floats(0, 5000).map(lambda value: round(value, 2))


@calm
@given(
    corners=st.tuples(points, points, points, points),
    shift=st.tuples(st.integers(0, 5000), st.integers(0, 5000)),
    outline=st.lists(points, min_size=6, max_size=12).filter(lambda line: len(line) % 2 == 0),
)
def test_what_is_seen_in_a_region_moves_as_one(
    corners: tuple[float, ...], shift: tuple[int, int], outline: list[float]
) -> None:
    x, y = shift
    box = Box(
        3,
        0.5,
        *corners,
        polygons=(tuple(outline),),
        keypoints=((corners[0], corners[1], 0.9), (corners[2], corners[3], 0.1)),
        rotated=Rotated(corners[0], corners[1], 10.0, 20.0, 0.3),
    )
    (moved,) = in_whole([box], x, y)
    assert (moved.class_id, moved.score) == (3, 0.5)
    assert (moved.x2 - moved.x1) == pytest.approx(box.x2 - box.x1, abs=0.011)
    assert moved.x1 == pytest.approx(box.x1 + x, abs=0.006)
    assert moved.y2 == pytest.approx(box.y2 + y, abs=0.006)
    assert moved.polygons[0][0::2] == pytest.approx([one + x for one in outline[0::2]], abs=0.006)
    assert moved.polygons[0][1::2] == pytest.approx([one + y for one in outline[1::2]], abs=0.006)
    assert [point[2] for point in moved.keypoints] == [0.9, 0.1]
    assert moved.keypoints[1][:2] == pytest.approx((corners[2] + x, corners[3] + y), abs=0.006)
    assert moved.rotated is not None
    assert (moved.rotated.w, moved.rotated.h, moved.rotated.angle) == (10.0, 20.0, 0.3)
    assert moved.rotated.cx == pytest.approx(corners[0] + x, abs=0.006)


def picture(level: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 6, (240, 320, 3), np.uint8)
    return (noise + level).astype(np.uint8)


def test_black_is_black_for_a_while_and_not_the_night() -> None:
    watch = PictureWatch()
    for tenth in range(40):
        watch.saw(glance(picture(4, tenth)), tenth / 10)
        assert watch.black == (tenth / 10 >= BLACK_S)
    lamp = picture(4)
    lamp[100:140, 100:140] = 220
    watch.saw(glance(lamp), 4.0)
    assert not watch.black


def test_frozen_is_the_same_to_the_last_bit() -> None:
    watch = PictureWatch()
    for second in range(30):
        watch.saw(glance(picture(90, second)), second)
        assert not watch.frozen
    for second in range(30, 60):
        watch.saw(glance(picture(90, 29)), second)
        assert watch.frozen == (second - 29 >= FROZEN_S)
    # two equal pictures of a camera that sends one in a minute are no frozen camera
    slow = PictureWatch()
    slow.saw(glance(picture(90)), 0.0)
    slow.saw(glance(picture(90)), 60.0)
    assert not slow.frozen


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 4000, 3), (4000, 1, 3), (37, 65, 3)])
def test_a_glance_at_a_picture_of_any_size(shape: tuple[int, int, int]) -> None:
    assert glance(np.full(shape, 77, np.uint8)).brightness == 77


def behind(packets: int, period: int, waited: int, late_by: int, keys_every: int) -> list[bool]:
    """What is left out of some packets that are ever later."""
    judge = Behind()
    now = late = 0
    skipped = []
    for number in range(packets):
        now += period
        late += late_by
        key = number % keys_every == 0
        skipped.append(judge.skips(now, late, waited, key=key))
    return skipped


def test_who_follows_leaves_nothing_out_however_late_the_network_is() -> None:
    assert not any(behind(500, 40 * MS, 20 * MS, 30 * MS, 50))


def test_who_cannot_follow_leaves_out_what_the_next_key_picture_does_not_need() -> None:
    skipped = behind(500, 40 * MS, 0, 20 * MS, 50)
    assert any(skipped)
    for number, (before, after) in enumerate(pairwise(skipped), 1):
        # one that was left out is followed by others until a key picture, which never is
        assert not (before and not after) or number % 50 == 0


def test_a_stream_without_key_pictures_is_not_left_out_for_ever() -> None:
    skipped = behind(1000, 40 * MS, 0, 20 * MS, 10_000)
    run = longest = 0
    for one in skipped:
        run = run + 1 if one else 0
        longest = max(longest, run)
    assert 0 < longest * 40 * MS <= LONGEST_NS + S


@calm
@given(st.text(max_size=80), st.text(max_size=80))
def test_credentials_go_into_the_url_as_ffmpeg_reads_them(user: str, password: str) -> None:
    from urllib.parse import unquote, urlsplit

    try:
        url = address_of("rtsp://cam.plant:554/main?channel=1").with_credentials(user, password)
    except UnicodeEncodeError:
        return  # half a character: no file of UTF-8 has it
    parts = urlsplit(url)
    assert parts.hostname == "cam.plant"
    assert parts.port == 554
    if user:
        assert unquote(parts.username or "") == user
        assert unquote(parts.password or "") == password


@calm
@given(st.text(max_size=200))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = address_of(text)
    except UsageError as error:
        assert error.code == "camera.url"
    else:
        assert "?" not in address.shown or address.kind in {"path", "device"}
        assert address.kind in {"device", "path"} or address.url.partition("://")[2]


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:Secret/12@10.0.0.5/s",
        "rtsp://admin:Secret#12@10.0.0.5/s",
        "rtsp://admin:Secret?12@10.0.0.5/s",
        "rtsp://admin:12/Secret@10.0.0.5/s",
        "rtsp://admin:12#Secret@10.0.0.5/s",
        "rtsp://admin:Secret@ex\u2100mple/",
        "rtsp://admin:Secret@[x/",
        "admin:Secret@10.0.0.5/s",
        "//admin:Secret@10.0.0.5/s",
        "rtsp://10.0.0.5/user=admin_password=Secret_channel=12.sdp",
    ],
)
def test_nothing_of_a_password_in_a_url_is_told(url: str) -> None:
    """It has no place there; who puts it there all the same must not find it in the log."""
    try:
        told = address_of(url).shown
    except UsageError as error:
        assert error.code == "camera.url"
        told = error.text()
    for shown in (told, shown_url(url)):
        assert "Secret" not in shown
        assert "12" not in shown


@pytest.mark.parametrize("url", ["", "rtsp://10.0.0.5/" + "s" * 2000])
def test_a_url_of_no_length_or_too_much_is_told_as_one(url: str) -> None:
    """Not as something that is missing here, with a package to install."""
    with pytest.raises(UsageError, match=r"URL cannot be used: it has \d+ characters"):
        address_of(url)


def test_a_file_with_signs_of_a_login_in_its_name_can_be_had() -> None:
    assert address_of("./10:30@door.mp4").shown == "./10:30@door.mp4"


def test_a_slot_grows_and_cannot_be_made_smaller() -> None:
    """A reader that was taken over must not crash the server by pulling memory from under it."""
    descriptor = new_slot()
    ours, theirs = Slot(descriptor, writable=False), Slot(os.dup(descriptor), writable=True)
    for rows, columns in ((4, 6), (400, 600), (2, 3)):
        theirs.grow(rows, columns)
        theirs.pixels(rows, columns)[...] = rows % 256
        assert (ours.pixels(rows, columns) == rows % 256).all()
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    held = ours.pixels(2, 3)
    ours.close()
    theirs.close()
    assert (held == 2).all()
