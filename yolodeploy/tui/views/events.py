"""Events: the columns of their table, and one as a line."""

from __future__ import annotations

from yolodeploy.core.text import fit, one_line
from yolodeploy.tui.state.events import EventItem
from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.figures import clock_time
from yolodeploy.tui.views.spans import Line, Look, Span, cut, wrapped

_TONES = {
    "instance.restarted": "warn",
    "guard.reverted": "bad",
    "guard.settled": "dim",
    "instance.started": "dim",
    "hold.set": "warn",
    "site.stopped": "warn",
    "site.unreachable": "warn",
    "site.disk_full": "bad",
    "site.late": "warn",
}


def _at(event: EventItem, look: Look) -> Line:
    return (Span(clock_time(event.at, look.now), "dim"),)


def _site(event: EventItem, look: Look) -> Line:
    return (Span(event.site),)


def _device(event: EventItem, look: Look) -> Line:
    return (Span(event.device) if event.device else Span("–", "dim"),)


def _what(event: EventItem, look: Look) -> Line:
    return (Span(look.words.event(event.code), _TONES.get(event.code, "")),)


def _detail(event: EventItem, look: Look) -> Line:
    return (Span(event.detail, "dim"),)


EVENT_COLUMNS: tuple[Column[EventItem], ...] = (
    Column("time", _at, lambda event: (event.at, event.id), 8, 11),
    Column("site", _site, lambda event: event.site, 6, 16),
    Column("device", _device, lambda event: event.device, 8, 24),
    Column("event", _what, lambda event: event.code, 10, 24),
    Column("detail", _detail, lambda event: event.detail, 16, 16, flexible=True),
)


def event_line(event: EventItem, look: Look, width: int) -> Line:
    """One event of a device."""
    line = (
        Span("  "),
        Span(fit(clock_time(event.at, look.now), 13), "dim"),
        Span(fit(one_line(look.words.event(event.code)), 20) + " ", _TONES.get(event.code, "")),
        Span(event.detail, "dim"),
    )
    return cut(line, width - 1)


def whole_event_lines(event: EventItem, look: Look, width: int) -> list[Line]:
    """One event with all that was said of it."""
    where = "/".join(filter(None, (event.site, event.device)))
    head = (Span(clock_time(event.at, look.now), "dim"), Span(f"  {where}  ", "strong"))
    what = Span(look.words.event(event.code), _TONES.get(event.code, ""))
    return [(*head, what), (), *wrapped(event.detail or "–", width - 1, "", 0, 100)]
