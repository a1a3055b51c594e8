"""Asks before something dangerous is done; Cancel has the focus."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Button

from yolodeploy.ops.actions import Action
from yolodeploy.tui.screens.dialog import buttons, heading
from yolodeploy.tui.views.spans import Span
from yolodeploy.tui.widgets.lines import Lines
from yolodeploy.tui.words import Words


class Confirm(ModalScreen[bool]):
    """True when the person means it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(False)", show=False, id="confirm.cancel"),
        Binding("left,right,up,down", "app.focus_next", show=False, id="confirm.other"),
    ]

    def __init__(self, action: Action, name: str, command: str, words: Words) -> None:
        super().__init__()
        self._action = action
        self._subject = name
        self._command = command
        self._words = words

    def compose(self) -> ComposeResult:
        """What will be done, the command that does the same, two buttons."""
        with Container(classes="dialog"):
            yield Lines(id="heading", classes="heading")
            yield Lines(id="told")
            yield buttons(self._words, dangerous=True)

    def on_mount(self) -> None:
        """Cancel is what Enter means."""
        words = self._words
        self.query_one("#heading", Lines).show([heading(self._action, self._subject, words)])
        same = (Span(words("same_as"), "dim"),)
        self.query_one("#told", Lines).show([same, (Span(f"$ {self._command}", "accent"),)])
        self.query_one("#cancel").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Only the second button does it."""
        self.dismiss(event.button.id == "do")

    def action_answer(self, meant: bool) -> None:
        """Close the dialog."""
        self.dismiss(meant)
