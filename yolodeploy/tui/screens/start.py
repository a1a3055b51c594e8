"""Starting a rollout: how it shall go, and what that would do, before anything is done."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from yolodeploy.core.beside import Way
from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.waves import Scope
from yolodeploy.ops.actions import Action
from yolodeploy.ops.start_action import Asked, planned
from yolodeploy.tui.messages import Planned
from yolodeploy.tui.screens.dialog import buttons, heading
from yolodeploy.tui.state.turning import after
from yolodeploy.tui.views.frame import error_lines
from yolodeploy.tui.views.plan import plan_lines
from yolodeploy.tui.views.spans import Span
from yolodeploy.tui.widgets.lines import Lines, Page
from yolodeploy.tui.words import Words

if TYPE_CHECKING:
    from yolodeploy.tui.app import Dashboard

MOST = 200
_WAYS = ("", *(way.value for way in Way))
_SCOPES = tuple(scope.value for scope in reversed(Scope))


class _Choice(Button):
    """A button that is pressed again at once: Textual's takes no key while it shows the last."""

    def on_mount(self) -> None:
        """Show nothing of it: the label changes."""
        self.active_effect_duration = 0.0

    def watch_label(self) -> None:
        """It is as wide as what it says."""
        self.refresh(layout=True)


class StartRollout(ModalScreen[str | None]):
    """The words of `rollout start` that were chosen, None when it was cancelled.

    The plan is asked for anew with every choice; an answer to an older one is dropped.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False, id="start.cancel"),
        Binding("down,right", "app.focus_next", show=False, id="start.next"),
        Binding("up,left", "app.focus_previous", show=False, id="start.previous"),
    ]

    def __init__(self, action: Action, release: str, words: Words) -> None:
        super().__init__()
        self._action, self._release, self._words = action, release, words
        self._asked = Asked()
        self._planned: Planned | None = None

    @property
    def dashboard(self) -> Dashboard:
        """The app."""
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        """Choices, the plan, the command that does the same, two buttons."""
        with Container(classes="dialog wide"):
            yield Lines(id="heading", classes="heading")
            with Horizontal(classes="choices"):
                for name in ("beside", "approve", "scope"):
                    yield _Choice(id=name, compact=True)
            yield Input(
                id="select", placeholder=self._words("start.select"), max_length=MOST, compact=True
            )
            yield Page(id="plan")
            yield Lines(id="told")
            yield buttons(self._words)

    def on_mount(self) -> None:
        """Cancel is what Enter means."""
        self.query_one("#heading", Lines).show([heading(self._action, self._release, self._words)])
        self.query_one("#cancel").focus()
        self._ask(self._asked)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A choice turns to its next value; the last button does it."""
        asked = self._asked
        match event.button.id:
            case "beside":
                self._ask(asked._replace(beside=after(asked.beside, _WAYS)))
            case "approve":
                self._ask(asked._replace(approve=not asked.approve))
            case "scope":
                self._ask(asked._replace(on_failure=after(asked.on_failure, _SCOPES)))
            case "do":
                self._do()
            case _:
                self.dismiss(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Other sites."""
        self._ask(self._asked._replace(select=event.value.strip()))

    def on_input_blurred(self, event: Input.Blurred) -> None:
        """What was typed counts, with Enter or without."""
        if event.value.strip() != self._asked.select:
            self._ask(self._asked._replace(select=event.value.strip()))

    def on_planned(self, message: Planned) -> None:
        """The plan for what is asked now."""
        if message.asked == self._asked:
            self._planned = message
            self._show()

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        self._show()

    def action_cancel(self) -> None:
        """Close the dialog."""
        self.dismiss(None)

    def _do(self) -> None:
        """Only what was planned: until then, and where nothing would move, the plan says so."""
        found = self._planned
        if found is not None and found.plan is not None and found.plan.waves:
            self.dismiss(self._asked.words)

    def _ask(self, asked: Asked) -> None:
        self._asked, self._planned = asked, None
        self._show()
        # a daemon: a site that does not answer delays nobody who quits
        Thread(target=self._plan, args=(asked,), name="planning", daemon=True).start()

    def _plan(self, asked: Asked) -> None:
        try:
            release, plan = planned(self.dashboard.home, self._release, asked)
        except YolodeployError as error:
            self.post_message(Planned(asked, None, None, error))
        else:
            self.post_message(Planned(asked, release, plan, None))

    def _show(self) -> None:
        words, asked, found = self._words, self._asked, self._planned
        way = asked.beside or "none"
        for name, value in (
            ("beside", words(f"start.beside_{way}")),
            ("approve", words(f"start.approve_{'each' if asked.approve else 'none'}")),
            ("scope", words(f"start.scope_{asked.on_failure}")),
        ):
            self.query_one(f"#{name}", Button).label = value
        look, page = self.dashboard.look(), self.query_one("#plan", Page)
        width = max(page.size.width - 1, 20)
        if found is None:
            page.show([(Span(words("start.planning"), "dim"),)])
        elif found.error is not None:
            page.show(error_lines(found.error, look, width))
        elif found.release is not None and found.plan is not None:
            aliases = self.dashboard.snapshot.aliases
            page.show(plan_lines(found.release, found.plan, aliases, look, width))
        command = self._action.command_for(self._release, asked.words)
        self.query_one("#told", Lines).show([(Span(f"$ {command}", "accent"),)])
