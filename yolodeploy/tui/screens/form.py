"""The forms by which a gateway or a camera is added to a site."""

from __future__ import annotations

import shlex
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input

from yolodeploy.ops.actions import Action
from yolodeploy.tui.screens.dialog import buttons, heading
from yolodeploy.tui.views.spans import Span
from yolodeploy.tui.widgets.lines import Lines
from yolodeploy.tui.words import Words

MOST = 200


class _Tick(Checkbox):
    """Textual's own has the same sign ticked or not, and tells by its colour alone."""

    BUTTON_INNER = " "

    def watch_value(self) -> None:
        """A sign, or none."""
        self.BUTTON_INNER = "✓" if self.value else " "
        super().watch_value()


class Form(ModalScreen[str | None]):
    """The words of a command that were filled in, None when it was cancelled.

    `NEEDED` fields are words, in their order, and stand in the command as given until they are
    filled in; `OPTIONS` are options of the field's name; `TICK` is one without a value.
    """

    NEEDED: ClassVar[dict[str, str]]
    OPTIONS: ClassVar[dict[str, str]]
    TICK: ClassVar[str]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False, id="form.cancel"),
        Binding("down", "app.focus_next", show=False, id="form.next"),
        Binding("up", "app.focus_previous", show=False, id="form.previous"),
    ]

    def __init__(self, action: Action, site: str, words: Words) -> None:
        super().__init__()
        self._action, self._site, self._words = action, site, words

    def compose(self) -> ComposeResult:
        """Fields, the command that does the same, two buttons."""
        with Container(classes="dialog"):
            yield Lines(id="heading", classes="heading")
            for name in (*self.NEEDED, *self.OPTIONS):
                hint = self._words(f"form.{name}")
                yield Input(id=f"form-{name}", placeholder=hint, max_length=MOST, compact=True)
            yield _Tick(self._words(f"form.{self.TICK}"), id="tick", compact=True)
            yield Lines(id="told")
            yield buttons(self._words)

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one("#heading", Lines).show([heading(self._action, self._site, self._words)])
        self._tell()
        self.query_one(Input).focus()

    def on_input_changed(self) -> None:
        """The command follows what is typed."""
        self._tell()

    def on_checkbox_changed(self) -> None:
        """And what is ticked."""
        self._tell()

    def on_input_submitted(self) -> None:
        """Enter goes on, and does it when all is there."""
        lacking = next((name for name in self.NEEDED if not self._typed(name)), None)
        if lacking is None:
            self._do()
        else:
            self.query_one(f"#form-{lacking}").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do it, or leave."""
        if event.button.id == "do":
            self.on_input_submitted()
        else:
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Close the form."""
        self.dismiss(None)

    def _do(self) -> None:
        self.dismiss(self._filled())

    def _filled(self) -> str:
        """As a shell would have it."""
        found = [self._typed(name) or lacking for name, lacking in self.NEEDED.items()]
        for name, option in self.OPTIONS.items():
            if self._typed(name):
                found.append(f"{option}={self._typed(name)}")
        if self.query_one("#tick", Checkbox).value:
            found.append(f"--{self.TICK}")
        return shlex.join(found)

    def _typed(self, name: str) -> str:
        return self.query_one(f"#form-{name}", Input).value.strip()

    def _tell(self) -> None:
        command = self._action.command_for(self._site, self._filled())
        self.query_one("#told", Lines).show(
            [(Span(self._words("same_as"), "dim"),), (Span(f"$ {command}", "accent"),)]
        )


class AddDevice(Form):
    """The words of `device add`."""

    NEEDED: ClassVar[dict[str, str]] = {"name": "NAME", "address": "USER@HOST"}
    OPTIONS: ClassVar[dict[str, str]] = {"jump": "--jump", "identity": "--identity"}
    TICK = "server"


class AddCamera(Form):
    """The words of `camera add`. Passwords are in a file, never typed here."""

    NEEDED: ClassVar[dict[str, str]] = {"camera": "NAME", "url": "URL"}
    OPTIONS: ClassVar[dict[str, str]] = {
        "credentials": "--credentials-file",
        "camera_app": "--app",
    }
    TICK = "track"
