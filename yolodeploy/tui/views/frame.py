"""The frame of every screen: the line on top, the keys at the bottom, empty states."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from yolodeploy.core.errors import YolodeployError
from yolodeploy.tui.keys import Key, hints_of
from yolodeploy.tui.state.snapshot import Snapshot
from yolodeploy.tui.views.figures import duration
from yolodeploy.tui.views.spans import Line, Look, Span, justified, width_of, wrapped

TABS = ("fleet", "rollouts", "events", "sites", "latency")
_SPARED = ("app.refresh", "app.palette")
_KEPT = ("app.help", "app.quit")


def top_line(snapshot: Snapshot, tab: str, look: Look, width: int) -> Line:
    """Name, tabs and how old the picture is; on a narrow one tabs are numbers."""
    age = (*_age(snapshot, look), Span(" "))
    room = width - width_of(age) - 1
    named: Line = (Span("  yolodeploy", "strong"), Span("  "))
    shapes = (
        (*named, *_tabs(snapshot, tab, look)),
        _tabs(snapshot, tab, look),
        _tabs(snapshot, tab, look, short=True),
    )
    fitting = next((line for line in shapes if width_of(line) <= room), shapes[-1])
    return justified(fitting, age, width)


def _tabs(snapshot: Snapshot, tab: str, look: Look, *, short: bool = False) -> Line:
    running = {"rollouts": snapshot.running_rollouts, "sites": snapshot.running_plays}
    spans = [Span(" ")]
    for number, name in enumerate(TABS, 1):
        word = "" if short and name != tab else f" {look.words(f'tab.{name}')}"
        spans.append(Span(f" {number}{word} ", "tab" if name == tab else "dim"))
        if running.get(name):
            spans.append(Span(f"◐ {running[name]} ", "accent"))
    return tuple(spans)


def _age(snapshot: Snapshot, look: Look) -> Line:
    if snapshot.seen_at is None:
        return ()
    age = max(look.now - snapshot.seen_at, 0.0)
    text = look.words("seen", age=duration(age, look.words))
    return (Span(text, "warn" if age > 30 else "dim"),)


def key_line(where: str, look: Look, width: int, unfit: Collection[str] = ()) -> Line:
    """The keys of a screen but those that are `unfit` now; the help tells what has no room."""
    hints = [key for key in hints_of(where) if key.id not in unfit]
    own = [key.id for key in hints if key.id not in (*_SPARED, *_KEPT)]
    for spared in (*_SPARED, *reversed(own)):
        if width_of(_keys(hints, look)) > width:
            hints = [key for key in hints if key.id != spared]
    return _keys(hints, look)


def _keys(keys: Sequence[Key], look: Look) -> Line:
    spans = [Span(" ")]
    for key in keys:
        spans += [Span(f" {key.shown} ", "strong"), Span(look.words(f"key.{key.id}") + " ", "dim")]
    return tuple(spans)


def told_lines(line: Line, width: int) -> list[Line]:
    """A message on one line where it fits, else each part of it on lines of its own."""
    if width_of(line) <= width:
        return [line]
    return [row for span in line for row in wrapped(span.text.strip(), width - 1, span.tone, 2, 3)]


def error_line(error: YolodeployError, look: Look) -> Line:
    """An error as one line with what mends it."""
    language = look.words.language
    remedy = error.remedy(language)
    spans = [Span("  ✗ " + error.text(language), "bad")]
    return (*spans, Span(f"  {remedy}", "dim")) if remedy else tuple(spans)


def error_lines(error: YolodeployError, look: Look, width: int) -> list[Line]:
    """An error in full, and below it what mends it."""
    language = look.words.language
    lines = wrapped(f"✗ {error.text(language)}", width, "bad", 0, 8)
    remedy = error.remedy(language)
    return [*lines, *(wrapped(remedy, width, "", 2, 8) if remedy else [])]


def empty_lines(where: str, snapshot: Snapshot, look: Look) -> list[Line]:
    """What to do first where there is nothing to show."""
    if snapshot.at == 0.0:
        return [(Span("  " + look.words("reading"), "dim"),)]
    first = where == "fleet" or not (snapshot.fleet or snapshot.sites)
    key = "empty.first" if first else f"empty.{where}"
    command = "yolodeploy quickstart" if first else look.words(f"empty.{where}.command")
    return [(Span("  " + look.words(key) + "  "), Span(command, "title"))]
