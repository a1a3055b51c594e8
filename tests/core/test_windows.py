"""If these fail, a line is switched in the middle of its shift, or never."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import UsageError
from yolodeploy.core.windows import (
    Calendar,
    Freeze,
    Window,
    opening,
    parse_freeze,
    parse_window,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Shanghai", "Australia/Lord_Howe"]
# 2026-10-25 and 2026-03-29: the clocks of Berlin are put back and forward
SPRINGS = [
    ("Europe/Berlin", "2026-03-29T02:00+01:00"),
    ("Australia/Lord_Howe", "2026-10-04T02:00+10:30"),
    ("Africa/Cairo", "2026-04-24T00:00+02:00"),
]
START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()

windows = st.builds(
    Window,
    st.lists(st.integers(0, 6), min_size=1, unique=True).map(lambda days: tuple(sorted(days))),
    st.integers(0, 1439),
    st.integers(0, 1440),
)
freezes = st.builds(
    lambda day, days: Freeze(
        (date(2026, 1, 1) + timedelta(day)).isoformat(),
        (date(2026, 1, 1) + timedelta(day + days)).isoformat(),
    ),
    st.integers(0, 380),
    st.integers(0, 20),
)
calendars = st.builds(
    Calendar,
    st.sampled_from(ZONES),
    st.lists(windows, max_size=3).map(tuple),
    st.lists(freezes, max_size=2).map(tuple),
)
moments = st.integers(0, 360 * 24 * 60).map(lambda minutes: START + minutes * 60.0)


def is_open(calendar: Calendar, at: float) -> bool:
    """By the clock on the wall, minute by minute, as a person would read the calendar."""
    there = datetime.fromtimestamp(at, ZoneInfo(calendar.zone))
    if any(f.first <= there.date().isoformat() <= f.last for f in calendar.freezes):
        return False
    minute, day = there.hour * 60 + there.minute, there.weekday()
    return not calendar.windows or any(
        (day in w.days and w.start_min <= minute < w.end_min)
        if w.start_min < w.end_min
        else (day in w.days and minute >= w.start_min)
        or ((day - 1) % 7 in w.days and minute < w.end_min)
        for w in calendar.windows
    )


def repeats_an_hour(calendar: Calendar, start: float, end: float) -> bool:
    """Whether the clocks are put back within a day of an interval."""
    zone = ZoneInfo(calendar.zone)
    days = range(int(start - 86400), int(end + 2 * 86400), 86400)
    offsets = [datetime.fromtimestamp(at, zone).strftime("%z") for at in days]
    return any(later < earlier for earlier, later in pairwise(map(int, offsets)))


@given(calendars, moments, st.integers(0, 600))
def test_an_opening_is_open_for_as_long_as_is_needed(
    calendar: Calendar, at: float, need_min: int
) -> None:
    found = opening(calendar, ZoneInfo(calendar.zone), at, need_min * 60.0)
    if found is None:
        return
    assert found >= at
    if not repeats_an_hour(calendar, found, found + need_min * 60):
        assert all(is_open(calendar, found + minute * 60) for minute in range(need_min))


@given(calendars, moments, st.integers(1, 600))
def test_nothing_that_is_open_is_left_out(calendar: Calendar, at: float, need_min: int) -> None:
    """Who reads the calendar finds no earlier moment, and none where none is said to be."""
    found = opening(calendar, ZoneInfo(calendar.zone), at, need_min * 60.0)
    end = at + 9 * 86400 if found is None else min(found, at + 9 * 86400)
    run = 0
    for minute in range(int((end - at) // 60) + (0 if found is None else need_min - 1)):
        run = run + 1 if is_open(calendar, at + minute * 60) else 0
        if run >= need_min and not repeats_an_hour(calendar, at, end):
            pytest.fail(f"open at minute {minute - need_min + 1}, said was {found}")


quarters = st.integers(-8, 16).map(lambda quarter: quarter * 15 % 1440)
nights = st.builds(Window, st.just(tuple(range(7))), quarters, quarters)


@given(nights, st.sampled_from(SPRINGS), st.integers(-300, 300))
def test_in_a_night_of_spring_it_is_the_wall_that_counts(
    window: Window, spring: tuple[str, str], minute: int
) -> None:
    """Else a line that starts at half past two is switched until half past three."""
    calendar, at = Calendar(spring[0], (window,)), berlin(spring[1]) + minute * 60
    opened = opening(calendar, ZoneInfo(calendar.zone), at, 60.0) == at
    assert opened == is_open(calendar, at)


@given(windows)
def test_what_is_shown_can_be_typed(window: Window) -> None:
    assert parse_window(str(window)) == window


@given(freezes)
def test_a_freeze_that_is_shown_can_be_typed(freeze: Freeze) -> None:
    assert parse_freeze(str(freeze)) == freeze


def berlin(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


NIGHT = Calendar("Europe/Berlin", (parse_window("daily 22:00-05:00"),))


def test_the_nights_in_which_the_clocks_change() -> None:
    for begins, hours in (("2026-03-28T22:00+01:00", 6), ("2026-10-24T22:00+02:00", 8),
                          ("2026-07-01T22:00+02:00", 7)):  # fmt: skip
        start = berlin(begins)
        assert opening(NIGHT, BERLIN, start - 3600, hours * 3600) == start
        assert opening(NIGHT, BERLIN, start - 3600, hours * 3600 + 1) != start
    # half past two comes not at all, or twice: then the window is over the first time
    skipped = Calendar("Europe/Berlin", (parse_window("Sun 02:15-02:45"),))
    assert opening(skipped, BERLIN, berlin("2026-03-28T12:00+01:00"), 1800.0) == berlin(
        "2026-04-05T02:15+02:00"
    )
    until = Calendar("Europe/Berlin", (parse_window("Sun 01:00-02:30"),))
    opens = berlin("2026-03-29T01:00+01:00")
    assert opening(until, BERLIN, opens, 3600.0) == opens
    assert opening(until, BERLIN, opens, 3601.0) == berlin("2026-04-05T01:00+02:00")
    twice = Calendar("Europe/Berlin", (parse_window("Sun 01:00-02:30"),))
    opens = berlin("2026-10-25T01:00+02:00")
    assert opening(twice, BERLIN, opens, 5400.0) == opens
    assert opening(twice, BERLIN, opens + 5400, 60.0) == opens + 7 * 86400 + 3600


def test_windows_that_touch_are_one() -> None:
    both = Calendar("UTC", (parse_window("Mon 20:00-24:00"), parse_window("Tue 00:00-06:00")))
    monday = berlin("2026-11-30T20:00+00:00")
    assert opening(both, ZoneInfo("UTC"), monday - 86400, 10 * 3600.0) == monday
    assert opening(both, ZoneInfo("UTC"), monday, 10 * 3600.0 + 1) is None


def test_a_freeze_ends_at_midnight_there() -> None:
    frozen = Calendar("Asia/Shanghai", (), (parse_freeze("2026-12-20/2027-01-06"),))
    zone = ZoneInfo("Asia/Shanghai")
    before = berlin("2026-12-19T23:00+08:00")
    assert opening(frozen, zone, before, 3600.0) == before
    assert opening(frozen, zone, before, 3601.0) == berlin("2027-01-07T00:00+08:00")
    night = Calendar("Asia/Shanghai", NIGHT.windows, frozen.freezes)
    assert opening(night, zone, before, 7200.0) == berlin("2027-01-07T00:00+08:00")


@pytest.mark.parametrize("text", [
    "", "22:00-05:00", "Mon 22:00", "Mon 24:00-05:00", "Mon 22:60-23:00", "Mon 22:00-24:01",
    "Mondays 22:00-05:00", "Mon- 22:00-05:00", "-Fri 22:00-05:00", "Mon,,Tue 22:00-05:00",
    "Mon 9:00-17:00", "Mon 22:00-05:00 UTC", "x" * 5000, "Mon 22:00–05:00",
])  # fmt: skip
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_window(text)
    assert raised.value.code == "window.invalid"
    assert len(raised.value.text()) < 1000


def test_days_as_people_write_them() -> None:
    for text, days in (("Fri-Mon", (0, 4, 5, 6)), ("sat,SUN", (5, 6)), ("daily", tuple(range(7))),
                       ("Mon-Wed,Fri", (0, 1, 2, 4)), ("Mon-Sun", tuple(range(7)))):  # fmt: skip
        assert parse_window(f"{text} 00:00-24:00").days == days
    assert str(parse_window("Mon-Wed,Fri 22:00-05:00")) == "Mon-Wed,Fri 22:00-05:00"
    for text in ("2026-13-01", "2026-12-24/2026-12-20", "20261224", "2026-12-24/", "", "x/y"):
        with pytest.raises(UsageError):
            parse_freeze(text)
