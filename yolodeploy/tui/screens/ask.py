"""Asks for an action's further argument, such as the reason of a hold."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Input

from yolodeploy.ops.actions import Action
from yolodeploy.tui.screens.dialog import heading
from yolodeploy.tui.views.spans import Span
from yolodeploy.tui.widgets.lines import Lines
from yolodeploy.tui.words import Words

MOST = 200


class Ask(ModalScreen[str | None]):
    """What was typed, None when it was cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False, id="ask.cancel")
    ]

    def __init__(self, action: Action, name: str, words: Words) -> None:
        super().__init__()
        self._action = action
        self._subject = name
        self._words = words

    def compose(self) -> ComposeResult:
        """What is asked, a line to type into, the command that does the same."""
        with Container(classes="dialog"):
            yield Lines(id="heading", classes="heading")
            yield Input(
                id="answer",
                placeholder=self._words(f"ask.{self._action.asks}"),
                max_length=MOST,
                compact=True,
            )
            yield Lines(id="told")

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one("#heading", Lines).show([heading(self._action, self._subject, self._words)])
        self._tell("")
        self.query_one("#answer").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The command follows what is typed."""
        self._tell(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """An empty answer is none."""
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_cancel(self) -> None:
        """Close the dialog."""
        self.dismiss(None)

    def _tell(self, answer: str) -> None:
        command = self._action.command_for(self._subject, answer.strip())
        same = Span(self._words("same_as"), "dim")
        hint = Span(self._words("ask.keys"), "dim")
        self.query_one("#told", Lines).show(
            [(same,), (Span(f"$ {command}", "accent"),), (), (hint,)]
        )
