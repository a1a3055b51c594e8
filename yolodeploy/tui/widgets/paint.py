"""From spans to strips: the one place where text reaches the terminal.

Everything is made fit here (`core.text.one_line`), and nothing is ever read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from yolodeploy.tui.views.spans import TONES, Span, clean

TONE_CLASSES = frozenset(f"tone--{tone}" for tone in TONES)
"""Component classes of every widget that paints; the style sheet gives them colours."""


def painted(widget: Widget, spans: Iterable[Span], width: int, base: Style) -> Strip:
    """A strip of exactly `width` cells."""
    segments = [
        Segment(text, base + _style(widget, tone) if tone else base)
        for text, tone in clean(spans)
        if text
    ]
    return Strip(segments).adjust_cell_length(width, base).simplify()


def _style(widget: Widget, tone: str) -> Style:
    return widget.get_component_rich_style(f"tone--{tone}", partial=True)
