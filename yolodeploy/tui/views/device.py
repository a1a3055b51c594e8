"""One device as lines: what it is, where each millisecond goes, what happened."""

from __future__ import annotations

from yolodeploy.core.text import cells, fit
from yolodeploy.tui.state.device import AppDetail, DeviceDetail
from yolodeploy.tui.state.fleet import Status
from yolodeploy.tui.state.latency import MINUTES, Bar, Measured
from yolodeploy.tui.views.events import event_line
from yolodeploy.tui.views.figures import clock_time, duration, memory, milliseconds, percent
from yolodeploy.tui.views.fleet import status_cell
from yolodeploy.tui.views.signs import PHASE, signed
from yolodeploy.tui.views.spans import Line, Look, Span, cut, width_of, wrapped
from yolodeploy.tui.views.spark import bar, sparkline

_FIGURE = 9
_MOST_BAR = 80
_INDENT = Span("  ")


def device_lines(detail: DeviceDetail, look: Look, width: int) -> list[Line]:
    """The whole screen below its title."""
    lines = [*_facts(detail, look, width), ()]
    for app in detail.apps:
        lines += [*_app(app, look, width), ()]
    if not detail.apps:
        lines += [(_INDENT, Span(look.words("device.no_app"), "dim")), ()]
    lines += _trend(detail, look)
    return [*lines, *_events(detail, look, width)]


def device_title(detail: DeviceDetail, look: Look) -> Line:
    """Name, site and status."""
    return (
        Span(detail.row.device, "strong"),
        Span(f"  {detail.row.site}  ", "dim"),
        *status_cell(detail.row, look),
    )


def _facts(detail: DeviceDetail, look: Look, width: int) -> list[Line]:
    row, words = detail.row, look.words
    seen = row.seen_at is not None
    facts = [
        ("address", detail.address or "–"),
        ("cpu", f"{row.cpu_percent:.0f} %" if seen else "–"),
        ("memory", memory(row.memory_mb) if seen else "–"),
        ("restarts_long", str(row.restarts)),
        *([("labels", " ".join(f"{k}={v}" for k, v in detail.labels))] if detail.labels else []),
    ]
    spans = [_INDENT]
    for name, value in facts:
        spans += [Span(words(f"column.{name}") + " ", "dim"), Span(value), Span("   ")]
    node = wrapped(detail.node, width - 1, "dim", 2) if detail.node else []
    return [tuple(spans), *node, *_troubles(detail, look, width)]


def _troubles(detail: DeviceDetail, look: Look, width: int) -> list[Line]:
    """Why it is not simply ready: offline since when, held by whom, what its site says."""
    row, words = detail.row, look.words
    lines: list[Line] = []
    if row.status is Status.OFFLINE:
        why = words.event(row.reason) or "–"
        since = words("device.never", reason=why)
        if row.seen_at is not None:
            ago = duration(look.now - row.seen_at, words)
            since = words(
                "device.offline", at=clock_time(row.seen_at, look.now), ago=ago, reason=why
            )
        lines += wrapped(f"○ {since}", width - 1, "warn", 2)
    elif row.status is Status.NOT_READY and row.reason:
        lines += wrapped(f"✗ {row.reason}", width - 1, "bad", 2)
    if row.held is not None:
        lines += wrapped(f"■ {words('device.held', reason=row.held)}", width - 1, "warn", 2)
    if row.site_held is not None:
        text = words("device.site_held", reason=row.site_held)
        lines += wrapped(f"■ {text}", width - 1, "warn", 2)
    return lines


def _app(app: AppDetail, look: Look, width: int) -> list[Line]:
    words = look.words
    spans = [_INDENT, Span(app.release, "title")]
    if app.phase in PHASE:
        spans += [Span("  "), signed(PHASE[app.phase], words(f"phase.{app.phase}"))]
    all_ready = app.ready == app.instances
    text = words("device.instances", ready=app.ready, all=app.instances)
    spans.append(Span(f"  {text}", "dim" if all_ready else "bad"))
    lines: list[Line] = [tuple(spans)]
    for number, release in enumerate(app.measured):
        lines += [()] if number else []
        lines += _measured(release, look, width, named=release.release != app.release)
    if not app.measured:
        lines.append((_INDENT, Span(words("device.nothing", n=MINUTES), "dim")))
    return lines


def _measured(release: Measured, look: Look, width: int, *, named: bool) -> list[Line]:
    words = look.words
    told = words("device.requests", n=MINUTES, requests=f"{release.requests:,}")
    failed = words("device.failures", n=f"{release.failures:,}")
    name = f"{release.release}  " if named else ""
    heading = (
        _INDENT,
        Span(name, "strong"),
        Span(told + " ", "dim"),
        Span(failed, "bad" if release.failures else "dim"),
    )
    label = max((cells(words(f"stage.{bar.stage}")) for bar in release.bars), default=0)
    room = min(max(width - label - 3 * _FIGURE - 12, 4), _MOST_BAR)
    titles = "".join(_right(words(f"column.{q}"), _FIGURE) for q in ("q50", "q95", "q99"))
    above = cut(heading, width_of((_INDENT,)) + label + 2 + room + 6)
    return [
        (*above, Span(titles, "dim")),
        *(_bar(bar, look, label, room) for bar in release.bars),
    ]


def _bar(stage: Bar, look: Look, label: int, room: int) -> Line:
    total = stage.stage == "total"
    name = fit(look.words(f"stage.{stage.stage}"), label)
    drawn = "" if total else bar(stage.share, room)
    figures = (stage.p50_ms, stage.p95_ms, stage.p99_ms)
    return (
        _INDENT,
        Span(f"{name}  ", "strong" if total else ""),
        Span(drawn, "bar"),
        Span(" " * (room - len(drawn))),
        Span(_right("" if total else percent(stage.share), 6), "dim"),
        Span("".join(_right(milliseconds(value), _FIGURE) for value in figures),
             "strong" if total else ""),
    )  # fmt: skip


def _trend(detail: DeviceDetail, look: Look) -> list[Line]:
    recent = detail.row.recent
    if recent is None:
        return []
    known = [value for value in recent.trend if value is not None]
    low, high = milliseconds(min(known)), milliseconds(max(known))
    return [
        (
            _INDENT,
            Span(look.words("device.trend") + "  ", "dim"),
            Span(sparkline(recent.trend), "bar"),
            Span(f"  {low} – {high} ms"),
        ),
        (),
    ]


def _events(detail: DeviceDetail, look: Look, width: int) -> list[Line]:
    title: Line = (_INDENT, Span(look.words("events"), "title"))
    if not detail.events:
        return [title, (_INDENT, Span(look.words("events.none"), "dim"))]
    return [title, *(event_line(event, look, width) for event in detail.events)]


def _right(text: str, width: int) -> str:
    return " " * (width - cells(text)) + text
