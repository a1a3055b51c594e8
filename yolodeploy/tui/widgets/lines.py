"""Lines of spans: titles, figures, key hints. Only lines that changed are painted again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from yolodeploy.tui.views.spans import Line, cut
from yolodeploy.tui.widgets.paint import TONE_CLASSES, painted


class Lines(ScrollView, can_focus=False):
    """Some lines, cut at the widget's width. Higher than it is wide of place, it scrolls."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONE_CLASSES)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = ()

    @property
    def plain(self) -> str:
        """The text without tones."""
        return "\n".join("".join(span.text for span in line) for line in self._lines)

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the lines."""
        before, self._lines = self._lines, tuple(lines)
        if len(before) != len(self._lines):
            self.virtual_size = Size(self.size.width, len(self._lines))
            self.refresh(layout=True)
            return
        changed = [y for y, pair in enumerate(zip(before, self._lines, strict=True)) if _new(*pair)]
        self.refresh_rows(changed)

    def refresh_rows(self, rows: Sequence[int]) -> None:
        """Paint those lines again that can be seen."""
        top = self.scroll_offset.y
        for y in rows:
            if 0 <= y - top < self.size.height:
                self.refresh(Region(0, y - top, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One line of the widget."""
        line = y + self.scroll_offset.y
        spans = self._lines[line] if line < len(self._lines) else ()
        width = self.size.width
        return painted(self, cut(spans, width), width, self.rich_style)


class Page(Lines, can_focus=True):
    """Lines that take the focus, so that the keyboard scrolls them: with the keys of tables too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False, id="page.down"),
        Binding("k", "scroll_up", show=False, id="page.up"),
        Binding("space", "page_down", show=False, id="page.page_down"),
        Binding("g", "scroll_home", show=False, id="page.first"),
        Binding("G", "scroll_end", show=False, id="page.last"),
    ]


def _new(before: Line, after: Line) -> bool:
    return before != after
