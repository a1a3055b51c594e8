"""The list of rollouts: its columns."""

from __future__ import annotations

from yolodeploy.tui.state.rollouts import RolloutItem
from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.figures import duration
from yolodeploy.tui.views.signs import ROLLOUT, signed
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.views.spark import bar

_BAR = 10


def state_cell(item: RolloutItem, look: Look) -> Line:
    """Sign and word; what was asked and is not done yet stands behind it."""
    span = signed(ROLLOUT[item.state], look.words(f"rollout.{item.state.value}"))
    if item.silent_s is not None:
        return (span, Span(" " + look.words("rollout.silent"), "bad"))
    if item.asked:
        return (span, Span(" → " + look.words(f"rollout.asked_{item.asked}"), "warn"))
    return (span,)


def progress_cell(item: RolloutItem, look: Look) -> Line:
    """How many sites run it because of this rollout: `━━━━╸───── 5/12`."""
    share = item.committed / item.sites if item.sites else 0.0
    drawn = bar(share, _BAR)
    return (
        Span(drawn, "bar"),
        Span("─" * (_BAR - len(drawn)), "rest"),
        Span(f" {item.committed}/{item.sites}"),
    )


def _id(item: RolloutItem, look: Look) -> Line:
    return (Span(item.id),)


def _release(item: RolloutItem, look: Look) -> Line:
    return (Span(item.release),)


def _wave(item: RolloutItem, look: Look) -> Line:
    return (Span(f"{item.wave}/{item.waves}", "dim" if item.final else ""),)


def _begun(item: RolloutItem, look: Look) -> Line:
    return (Span(look.words("ago", age=duration(look.now - item.created_at, look.words)), "dim"),)


def _took(item: RolloutItem, look: Look) -> Line:
    end = look.now if item.ended_at is None else item.ended_at
    return (Span(duration(end - item.created_at, look.words), "dim"),)


def _reason(item: RolloutItem, look: Look) -> Line:
    return (Span(item.reason, "dim"),)


ROLLOUT_COLUMNS: tuple[Column[RolloutItem], ...] = (
    Column("rollout", _id, lambda item: item.created_at, 5, 8),
    Column("release", _release, lambda item: item.release, 10, 28),
    Column("state", state_cell, lambda item: item.state.value, 12, 28),
    Column("sites", progress_cell, lambda item: item.committed, 15, 20),
    Column("wave", _wave, lambda item: item.wave, 4, 6, right=True),
    Column("begun", _begun, lambda item: item.created_at, 8, 10, rank=1, right=True),
    Column("took", _took, lambda item: item.created_at, 6, 7, rank=3, right=True),
    Column("reason", _reason, lambda item: item.reason, 10, 10, flexible=True, rank=2),
)
