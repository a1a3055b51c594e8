"""The help: every key and every sign."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen

from yolodeploy.tui.views.help import help_lines
from yolodeploy.tui.views.spans import Look, Span
from yolodeploy.tui.widgets.lines import Lines, Page


class HelpScreen(ModalScreen[None]):
    """Keys and signs in the person's language."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", show=False, id="help.close")
    ]

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look

    def compose(self) -> ComposeResult:
        """One page that scrolls."""
        with Container(classes="dialog wide"):
            yield Lines(id="heading", classes="heading")
            yield Page(id="help")

    def on_mount(self) -> None:
        """Fill it."""
        words = self._look.words
        self.query_one("#heading", Lines).show([(Span(words("help.title"), "title"),)])
        self.query_one("#help", Page).show(help_lines(self._look))
