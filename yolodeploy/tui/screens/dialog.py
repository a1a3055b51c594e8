"""What dialogs about an action have in common."""

from __future__ import annotations

from textual.containers import Horizontal
from textual.widgets import Button

from yolodeploy.ops.actions import Action
from yolodeploy.tui.views.spans import Line, Span
from yolodeploy.tui.words import Words


def heading(action: Action, name: str, words: Words) -> Line:
    """What is meant, and what is to be done with it."""
    return (Span(name, "title"), Span(f"  {action.title(words.language)}"))


def buttons(words: Words, *, dangerous: bool = False) -> Horizontal:
    """Cancel (`cancel`), and the one that does it (`do`)."""
    return Horizontal(
        Button(words("cancel"), id="cancel", compact=True),
        Button(words("do_it"), id="do", variant="error" if dangerous else "default", compact=True),
        classes="buttons",
    )
