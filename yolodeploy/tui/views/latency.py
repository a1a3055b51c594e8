"""Latency by group and stage: the columns of its table, and the line above it."""

from __future__ import annotations

from yolodeploy.tui.state.asked import Answer, Asked, StageItem
from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.figures import duration, milliseconds, percent
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.views.spark import bar

_BAR = 20


def latency_title(asked: Asked, found: Answer | None, look: Look) -> Line:
    """How it is grouped, over how long, how many requests those were."""
    words = look.words
    spans = [
        Span(words(f"by.{asked.by}"), "strong"),
        Span("  " + words("latency.span", time=duration(asked.span_s, words))),
    ]
    if found is not None and found.asked == asked:
        told = words("latency.requests", requests=f"{found.requests:,}")
        failed = words("device.failures", n=f"{found.failures:,}")
        spans += [Span(f"  {told} ", "dim"), Span(failed, "bad" if found.failures else "dim")]
    else:
        spans.append(Span("  " + words("reading"), "dim"))
    return tuple(spans)


def _total(item: StageItem) -> bool:
    return item.bar.stage == "total"


def _group(item: StageItem, look: Look) -> Line:
    return (Span(item.group),)


def _stage(item: StageItem, look: Look) -> Line:
    return (Span(look.words(f"stage.{item.bar.stage}"), "strong" if _total(item) else ""),)


def _count(item: StageItem, look: Look) -> Line:
    return (Span(f"{item.frames:,}", "dim"),)


def _p50(item: StageItem, look: Look) -> Line:
    return (Span(milliseconds(item.bar.p50_ms)),)


def _p95(item: StageItem, look: Look) -> Line:
    return (Span(milliseconds(item.bar.p95_ms)),)


def _p99(item: StageItem, look: Look) -> Line:
    return (Span(milliseconds(item.bar.p99_ms)),)


def _share(item: StageItem, look: Look) -> Line:
    return () if _total(item) else (Span(percent(item.bar.share), "dim"),)


def _drawn(item: StageItem, look: Look) -> Line:
    return () if _total(item) else (Span(bar(item.bar.share, _BAR), "bar"),)


LATENCY_COLUMNS: tuple[Column[StageItem], ...] = (
    Column("group", _group, lambda item: (item.group, item.place), 8, 40),
    Column("stage", _stage, lambda item: item.place, 8, 12),
    Column("q50", _p50, lambda item: item.bar.p50_ms, 7, 8, right=True),
    Column("q95", _p95, lambda item: item.bar.p95_ms, 7, 8, right=True),
    Column("q99", _p99, lambda item: item.bar.p99_ms, 7, 8, right=True),
    Column("share", _share, lambda item: item.bar.share, 5, 5, rank=1, right=True),
    Column("count", _count, lambda item: item.frames, 5, 10, rank=2, right=True),
    Column("where", _drawn, lambda item: item.bar.share, 8, 8, rank=3, flexible=True),
)
