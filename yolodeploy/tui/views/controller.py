"""Whether a controller runs, since when, in which version, and what is driven."""

from __future__ import annotations

from yolodeploy.ops.controller_state import ControllerState
from yolodeploy.tui.views.figures import duration
from yolodeploy.tui.views.spans import Line, Look, Span


def controller_note(state: ControllerState | None, look: Look) -> Line:
    """A few words for the line above the rollouts; nothing before it is known."""
    if state is None:
        return ()
    row = state.row
    if not state.running or row is None:
        return (Span(look.words("controller.none"), "dim"),)
    age = duration(look.now - row.started_at, look.words)
    text = look.words("controller.runs", version=row.version, host=row.host, age=age)
    if not state.well:
        return (Span(text, "dim"), Span("  "), Span(look.words("controller.hangs"), "bad"))
    driven = look.words("controller.drives", rollouts=", ".join(state.driven))
    return (
        Span(text, "warn" if state.faults or row.trouble else "dim"),
        *((Span("  "), Span(driven, "accent")) if state.driven else ()),
    )
