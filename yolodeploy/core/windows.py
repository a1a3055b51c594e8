"""When a site may be changed: maintenance windows and freezes, in the site's own time zone.

Times are what a clock on the wall there says, so a window from 22:00 to 05:00 is seven hours long,
six or eight in the nights in which the clocks are put forward or back. A time that the clocks skip
is the moment at which they do.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import UsageError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MIN = 24 * 60
HORIZON_DAYS = 400
"""How far ahead an opening is looked for: a freeze may last, a year's turn comes once."""

_WINDOW = re.compile(r"(\S+)\s+(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_FREEZE = re.compile(r"(\d{4}-\d\d-\d\d)(?:/(\d{4}-\d\d-\d\d))?", re.ASCII)

Interval = tuple[float, float]


class Window(msgspec.Struct, frozen=True):
    """On some days (0 is Monday) from one minute of the day to another.

    One that ends before it begins, or then, ends on the next day.
    """

    days: tuple[int, ...]
    start_min: int
    end_min: int

    def __str__(self) -> str:
        return f"{_days_text(self.days)} {_clock(self.start_min)}-{_clock(self.end_min)}"


class Freeze(msgspec.Struct, frozen=True):
    """Whole days on which nothing is changed, from `first` to `last` (ISO dates), both included."""

    first: str
    last: str

    def __str__(self) -> str:
        return f"{self.first}/{self.last}"


class Calendar(msgspec.Struct, frozen=True):
    """When a site may be changed. Without windows: always, but for the freezes.

    `zone` is a name of the IANA time zone database.
    """

    zone: str = "UTC"
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    @property
    def always(self) -> bool:
        """Whether it restricts nothing."""
        return not self.windows and not self.freezes


def parse_window(text: str) -> Window:
    """A window from `Mon-Fri 22:00-05:00`, `Sat,Sun 00:00-24:00` or `daily 01:00-04:30`.

    Raises:
        UsageError: `window.invalid`.
    """
    match = _WINDOW.fullmatch(text.strip())
    days = _days(match[1]) if match else ()
    if match is None or not days:
        raise UsageError("window.invalid", window=text)
    start, end = (int(match[n]) * 60 + int(match[n + 1]) for n in (2, 4))
    minutes = (int(match[3]), int(match[5]))
    if max(minutes) > 59 or start >= DAY_MIN or end > DAY_MIN:
        raise UsageError("window.invalid", window=text)
    return Window(days, start, end)


def parse_freeze(text: str) -> Freeze:
    """A freeze from `2026-12-20/2027-01-06`, or one day.

    Raises:
        UsageError: `window.freeze_invalid`.
    """
    match = _FREEZE.fullmatch(text.strip())
    try:
        first = date.fromisoformat(match[1]) if match else None
        last = date.fromisoformat(match[2] or match[1]) if match else None
    except ValueError:
        first = last = None
    if first is None or last is None or last < first:
        raise UsageError("window.freeze_invalid", freeze=text)
    return Freeze(first.isoformat(), last.isoformat())


def opening(calendar: Calendar, zone: tzinfo, at: float, need_s: float) -> float | None:
    """The first moment from `at` on (Unix seconds) with `need_s` seconds left in a window.

    `zone` is the calendar's. None: there is none within `HORIZON_DAYS`.
    """
    if calendar.always:
        return at
    start: float | None = None
    end = at
    for begins, ends in _open(calendar, zone, at):
        if start is None or begins > end:  # else it goes on where the last one ended
            start = begins
        end = max(end, ends)
        moment = max(start, at)
        if end - moment >= need_s and end > at:
            return moment
    return None


def _open(calendar: Calendar, zone: tzinfo, at: float) -> Iterator[Interval]:
    """What is open, in order of beginning, from the day before `at` on."""
    windows = calendar.windows or (Window(tuple(range(7)), 0, DAY_MIN),)
    frozen = [(date.fromisoformat(f.first), date.fromisoformat(f.last)) for f in calendar.freezes]
    today = datetime.fromtimestamp(at, zone).date()
    for ahead in range(-1, HORIZON_DAYS):
        day = today + timedelta(days=ahead)
        # what a window of the evening before has left of this day begins earlier than this day's
        found = [
            piece
            for window in windows
            if day.weekday() in window.days
            for piece in _pieces(window, day, zone, frozen)
        ]
        yield from sorted(found)


def _pieces(
    window: Window, day: date, zone: tzinfo, frozen: list[tuple[date, date]]
) -> Iterator[Interval]:
    """One day's opening without the frozen days in it: cut at midnight where it crosses it."""
    if window.end_min > window.start_min:
        parts = [(day, window.start_min, window.end_min)]
    else:
        parts = [(day, window.start_min, DAY_MIN), (day + timedelta(days=1), 0, window.end_min)]
    for on, start_min, end_min in parts:
        if not any(first <= on <= last for first, last in frozen):
            begins, ends = _moment(on, start_min, zone), _moment(on, end_min, zone)
            if begins < ends:  # not so where the clocks skip it
                yield begins, ends


def _moment(day: date, minute: int, zone: tzinfo) -> float:
    hour, minute = divmod(minute, 60)
    day += timedelta(days=hour // 24)
    wall = datetime(day.year, day.month, day.day, hour % 24, minute)
    first, second = (wall.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if first <= second:
        # an hour that comes twice is meant the first time, so nothing ends later than it was said
        return first
    # an hour that never comes, by what the clocks said after it and before: between is the skip
    seconds = range(int(second), int(first) + 1)
    skip = bisect_left(seconds, wall, key=lambda at: _wall(at, zone))
    return float(seconds[skip])


def _wall(at: float, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None)


def _days(text: str) -> tuple[int, ...]:
    """The days that `Mon-Fri`, `Sat,Sun` or `daily` names; none where it names nothing."""
    if text.lower() == "daily":
        return tuple(range(7))
    numbers = {name.lower(): number for number, name in enumerate(DAYS)}
    found: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if first not in numbers or last not in numbers:
            return ()
        length = (numbers[last] - numbers[first]) % 7
        found |= {(numbers[first] + step) % 7 for step in range(length + 1)}
    return tuple(sorted(found))


def _days_text(days: tuple[int, ...]) -> str:
    if len(days) == 7:
        return "daily"
    runs = [
        [day for _, day in run]
        for _, run in groupby(enumerate(days), key=lambda pair: pair[1] - pair[0])
    ]
    return ",".join(
        DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


known(Calendar)
