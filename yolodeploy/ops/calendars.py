"""When sites may be changed: their calendars, and the time zones that these are in."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yolodeploy.core.errors import UsageError
from yolodeploy.core.windows import Calendar, opening, parse_freeze, parse_window
from yolodeploy.inventory import sites as rows
from yolodeploy.inventory.events import WINDOW_SET, add_event
from yolodeploy.ops.opening import changing, present_inventory

if TYPE_CHECKING:
    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home

ALWAYS = "always"

MOST = 100
"""Windows and freezes of one site: they are looked through for every day ahead."""


@cache
def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name in the IANA database.

    Raises:
        UsageError: `window.unknown_zone`.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a path, a folder, ten thousand letters
        raise UsageError("window.unknown_zone", zone=name) from None


def opens_at(calendar: Calendar, at: float, need_s: float) -> float | None:
    """When a site may be changed for `need_s` seconds, from `at` on; None: never.

    Raises:
        UsageError: `window.unknown_zone`: the inventory came from a machine that knows it.
    """
    if calendar.always:
        return at
    return opening(calendar, zone_of(calendar.zone), at, need_s)


def moment_there(calendar: Calendar, at: float) -> str:
    """A moment by the clock on the site's wall: `2026-11-27 22:00 Europe/Berlin`."""
    there = datetime.fromtimestamp(at, zone_of(calendar.zone))
    return f"{there:%Y-%m-%d %H:%M} {calendar.zone}"


def calendar_words(text: str) -> tuple[list[str], list[str], str]:
    """Windows, freezes and the zone of one line: `Mon-Fri 22:00-05:00; 2026-12-24 @Europe/Berlin`.

    `always` means none of them.
    """
    days, _, zone = text.partition("@")
    parts = [part.strip() for part in days.split(";") if part.strip() not in ("", ALWAYS)]
    freezes = [part for part in parts if part[:4].isdecimal()]
    return [part for part in parts if part not in freezes], freezes, zone.strip()


def calendar_options(text: str) -> str:
    """The same as words of `site window`."""
    windows, freezes, zone = calendar_words(text)
    if not (windows or freezes or zone):
        return "--always"
    words = [*windows, *(f"--freeze={freeze}" for freeze in freezes)]
    return shlex.join([*words, *([f"--zone={zone}"] if zone else [])])


def set_calendar(
    home: Home,
    name: str,
    windows: Sequence[str],
    freezes: Sequence[str],
    zone: str,
    *,
    dry_run: bool = False,
) -> SiteRow:
    """Replace the windows and freezes of a site; none of either: it may be changed always.

    With a `zone` alone they stay as they are, in that zone; without one the zone stays.

    Raises:
        NotFound: `inventory.unknown_site`.
        UsageError: `window.*`.
    """
    if len(windows) + len(freezes) > MOST:
        raise UsageError("window.many", site=name, most=MOST)
    given = tuple(map(parse_window, windows)), tuple(map(parse_freeze, freezes))
    if zone:
        zone_of(zone)
    with (
        present_inventory(home, dry_run=dry_run) as inventory,
        changing(inventory, dry_run=dry_run),
    ):
        row = rows.get_site(inventory, name)
        known = row.calendar
        kept = given if any(given) or not zone else (known.windows, known.freezes)
        calendar = Calendar(zone or known.zone, *kept)
        if not dry_run:
            rows.set_site_calendar(inventory, name, calendar)
            told = "; ".join(map(str, (*calendar.windows, *calendar.freezes)))
            add_event(inventory, name, WINDOW_SET, at=time.time(), detail=told)
        return row._replace(calendar=calendar)
