"""Something in full, over the screen that shows it in short."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen

from yolodeploy.tui.views.spans import Line, Span
from yolodeploy.tui.widgets.lines import Lines, Page


class Whole(ModalScreen[None]):
    """Lines that scroll. It stands still while what it shows goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", show=False, id="whole.close")
    ]

    def __init__(self, title: str, lines_of: Callable[[int], list[Line]]) -> None:
        super().__init__()
        self._title, self._lines_of = title, lines_of

    def compose(self) -> ComposeResult:
        """One page that scrolls."""
        with Container(classes="dialog wide"):
            yield Lines(id="heading", classes="heading")
            yield Page(id="whole")

    def on_mount(self) -> None:
        """Its page takes the focus."""
        self.query_one("#heading", Lines).show([(Span(self._title, "title"),)])
        self.query_one("#whole").focus()
        self._show()

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        self._show()

    def _show(self) -> None:
        page = self.query_one("#whole", Page)
        page.show(self._lines_of(page.size.width or 60))
