"""The fleet table's columns, and the counts above it."""

from __future__ import annotations

from yolodeploy.tui.state.fleet import Counts, FleetRow, Status
from yolodeploy.tui.state.latency import MINUTES
from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.figures import coarse_age, memory, milliseconds
from yolodeploy.tui.views.signs import PHASE, STATUS, signed
from yolodeploy.tui.views.spans import Line, Look, Span, width_of
from yolodeploy.tui.views.spark import sparkline

_ATTENTION = {status: place for place, status in enumerate(Status)}


def status_cell(row: FleetRow, look: Look) -> Line:
    """Sign and word; a hold that the word does not tell is told by its sign."""
    span = signed(STATUS[row.status], look.words(f"status.{row.status.value}"))
    hidden = row.status not in (Status.HELD, Status.READY)
    held = row.held is not None or row.site_held is not None
    return (span, Span(" ■", "warn")) if held and hidden else (span,)


def release_cell(row: FleetRow, look: Look) -> Line:
    """The release with a sign where it is not simply the current one."""
    if not row.release:
        return (Span("–", "dim"),)
    sign, tone = PHASE.get(row.phase, ("", ""))
    more = f" +{row.more_apps}" if row.more_apps else ""
    return (
        Span(row.release, tone),
        Span(f" {sign}" if sign else "", tone),
        Span(more, "dim"),
    )


def _device(row: FleetRow, look: Look) -> Line:
    return (Span(row.device, "" if _fresh(row) else "dim"),)


def _site(row: FleetRow, look: Look) -> Line:
    return (Span(row.site, "dim"),)


def _p95(row: FleetRow, look: Look) -> Line:
    return (Span(milliseconds(row.recent.p95_ms)) if row.recent else Span("–", "dim"),)


def _trend(row: FleetRow, look: Look) -> Line:
    return (Span(sparkline(row.recent.trend) if row.recent else "", "bar"),)


def _restarts(row: FleetRow, look: Look) -> Line:
    return (Span(str(row.restarts), "warn" if row.restarts else "dim"),)


def _cpu(row: FleetRow, look: Look) -> Line:
    return (_known(row, f"{row.cpu_percent:.0f} %"),)


def _memory(row: FleetRow, look: Look) -> Line:
    return (_known(row, memory(row.memory_mb)),)


def _seen(row: FleetRow, look: Look) -> Line:
    if row.seen_at is None:
        return (Span("–", "dim"),)
    late = row.status is Status.OFFLINE
    return (Span(coarse_age(look.now - row.seen_at, look.words), "warn" if late else "dim"),)


def _note(row: FleetRow, look: Look) -> Line:
    return (Span(look.words.event(row.reason), "dim"),)


def _known(row: FleetRow, text: str) -> Span:
    if row.seen_at is None:
        return Span("–", "dim")
    return Span(text, "" if _fresh(row) else "dim")


def _fresh(row: FleetRow) -> bool:
    return row.status not in (Status.OFFLINE, Status.NEW)


def _p95_order(row: FleetRow) -> float:
    return row.recent.p95_ms if row.recent else -1.0


def _seen_order(row: FleetRow) -> float:
    return -(row.seen_at or 0.0)


FLEET_COLUMNS: tuple[Column[FleetRow], ...] = (
    Column("device", _device, lambda row: row.device, 8, 28),
    Column("site", _site, lambda row: row.site, 6, 20),
    Column("release", release_cell, lambda row: row.release, 10, 28),
    Column("status", status_cell, lambda row: _ATTENTION[row.status], 13, 13),
    Column("p95", _p95, _p95_order, 7, 7, right=True),
    Column("trend", _trend, _p95_order, MINUTES, MINUTES, rank=1),
    Column("restarts", _restarts, lambda row: row.restarts, 4, 5, rank=2, right=True),
    Column("cpu", _cpu, lambda row: row.cpu_percent, 5, 5, rank=3, right=True),
    Column("memory", _memory, lambda row: row.memory_mb, 7, 8, rank=4, right=True),
    Column("seen", _seen, _seen_order, 6, 7, right=True),
    Column("note", _note, lambda row: row.reason, 12, 12, rank=5, flexible=True),
)


def counts_line(counts: Counts, look: Look, width: int) -> Line:
    """The fleet in one line; what is zero is not said. Signs alone where words do not fit."""
    line = _counts(counts, look, with_words=True)
    return line if width_of(line) <= width else _counts(counts, look, with_words=False)


def _counts(counts: Counts, look: Look, *, with_words: bool) -> Line:
    words = look.words
    spans = [Span(words("count.devices", n=f"{counts.devices:,}"), "strong"), Span("  ")]
    for name, number in (
        ("ready", counts.ready),
        ("not_ready", counts.not_ready),
        ("offline", counts.offline),
        ("new", counts.new),
        ("held", counts.held),
    ):
        if number or name == "ready":
            word = " " + words(f"status.{name}") if with_words else ""
            spans += [signed(STATUS[Status(name)], f"{number:,}{word}"), Span("  ")]
    return tuple(spans)
