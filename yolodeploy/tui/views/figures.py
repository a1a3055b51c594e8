"""Figures as people read them."""

from __future__ import annotations

import time

from yolodeploy.tui.words import Words

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


def milliseconds(value: float) -> str:
    """One decimal place, so that points stand under each other; none from 10 s up."""
    return f"{value:.1f}" if value < 10_000 else f"{value:.0f}"


def percent(share: float) -> str:
    """A share (0 to 1) in per cent."""
    return f"{share * 100:.0f} %"


def memory(megabytes: float) -> str:
    """`412 MB`, `1.4 GB`."""
    return f"{megabytes:.0f} MB" if megabytes < 999.5 else f"{megabytes / 1024:.1f} GB"


def size(count: float) -> str:
    """Bytes: `12.3 MB`."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def duration(seconds: float, words: Words) -> str:
    """`12 s`, `3 min`, `2 h`, `5 d`."""
    seconds = max(seconds, 0.0)
    for unit, length, until in (
        ("s", 1, MINUTE_S),
        ("min", MINUTE_S, HOUR_S),
        ("h", HOUR_S, DAY_S),
    ):
        if seconds < until:
            return words(f"unit.{unit}", n=int(seconds // length))
    return words("unit.d", n=int(seconds // DAY_S))


def coarse_age(seconds: float, words: Words) -> str:
    """An age for tables: it changes every ten seconds at most, and so does what is redrawn."""
    if seconds < 10:
        return words("now")
    return duration(seconds if seconds >= MINUTE_S else seconds // 10 * 10, words)


def clock_time(at: float, now: float) -> str:
    """The local time of day; with the date in front when it was not today."""
    then, today = time.localtime(at), time.localtime(now)
    same_day = then[:3] == today[:3]
    return time.strftime("%H:%M:%S" if same_day else "%m-%d %H:%M", then)
