"""All that one task said."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen

from yolodeploy.ops.play_progress import TaskRun
from yolodeploy.tui.views.play import task_lines
from yolodeploy.tui.views.spans import Look, Span
from yolodeploy.tui.widgets.lines import Lines, Page

_MOST = 40  # lines of one text


class Output(ModalScreen[None]):
    """It stands still while the play goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", show=False, id="output.close")
    ]

    def __init__(self, host: str, task: TaskRun, look: Look) -> None:
        super().__init__()
        self._host, self._shown, self._look = host, task, look

    def compose(self) -> ComposeResult:
        """One page that scrolls."""
        with Container(classes="dialog wide"):
            yield Lines(id="heading", classes="heading")
            yield Page(id="output")

    def on_mount(self) -> None:
        """Its page takes the focus."""
        self.query_one("#heading", Lines).show([(Span(self._look.words("output.title"), "title"),)])
        self.query_one("#output").focus()
        self._show()

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        self._show()

    def _show(self) -> None:
        width = self.query_one("#output").size.width or 60
        lines = task_lines(self._host, self._shown, self._look, width, _MOST)
        self.query_one("#output", Page).show(lines)
