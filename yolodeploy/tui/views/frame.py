"""The frame of every screen: the line on top, the keys at the bottom, empty states."""

from __future__ import annotations

from collections.abc import Sequence

from yolodeploy.core.errors import YolodeployError
from yolodeploy.tui.keys import Key, hints_of
from yolodeploy.tui.state.snapshot import Snapshot
from yolodeploy.tui.views.figures import duration
from yolodeploy.tui.views.spans import Line, Look, Span, justified, width_of

TABS = ("fleet", "rollouts", "events", "sites")


def top_line(snapshot: Snapshot, tab: str, look: Look, width: int) -> Line:
    """Name, tabs and how old the picture is."""
    spans = [Span("  yolodeploy", "strong"), Span("   ")]
    for number, name in enumerate(TABS, 1):
        label = f" {number} {look.words(f'tab.{name}')} "
        spans.append(Span(label, "tab" if name == tab else "dim"))
        if name == "rollouts" and snapshot.running_rollouts:
            spans.append(Span(f" ◐ {snapshot.running_rollouts} ", "accent"))
        if name == "sites" and snapshot.running_plays:
            spans.append(Span(f" ◐ {snapshot.running_plays} ", "accent"))
    return justified(tuple(spans), (*_age(snapshot, look), Span(" ")), width)


def _age(snapshot: Snapshot, look: Look) -> Line:
    if snapshot.seen_at is None:
        return ()
    age = max(look.now - snapshot.seen_at, 0.0)
    text = look.words("seen", age=duration(age, look.words))
    return (Span(text, "warn" if age > 30 else "dim"),)


def key_line(where: str, look: Look, width: int) -> Line:
    """The keys of a screen; on a narrow one the help tells the rest."""
    hints = hints_of(where)
    for spared in ("app.refresh", "app.palette"):
        if width_of(_keys(hints, look)) > width:
            hints = [key for key in hints if key.id != spared]
    return _keys(hints, look)


def _keys(keys: Sequence[Key], look: Look) -> Line:
    spans = [Span(" ")]
    for key in keys:
        spans += [Span(f" {key.shown} ", "strong"), Span(look.words(f"key.{key.id}") + " ", "dim")]
    return tuple(spans)


def error_line(error: YolodeployError, look: Look) -> Line:
    """An error as one line with what mends it."""
    language = look.words.language
    remedy = error.remedy(language)
    spans = [Span("  ✗ " + error.text(language), "bad")]
    return (*spans, Span(f"  {remedy}", "dim")) if remedy else tuple(spans)


def empty_lines(where: str, snapshot: Snapshot, look: Look) -> list[Line]:
    """What to do first where there is nothing to show."""
    if snapshot.at == 0.0:
        return [(Span("  " + look.words("reading"), "dim"),)]
    first = where == "fleet" or not (snapshot.fleet or snapshot.sites)
    key = "empty.first" if first else f"empty.{where}"
    command = "yolodeploy quickstart" if first else look.words(f"empty.{where}.command")
    return [(Span("  " + look.words(key) + "  "), Span(command, "title"))]
