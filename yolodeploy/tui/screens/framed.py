"""What all screens share: the line on top, the title, the message, the keys at the bottom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import Screen

from yolodeploy.core.errors import YolodeployError
from yolodeploy.ops.actions import ACTIONS, Subject
from yolodeploy.tui.state.snapshot import Snapshot, Wanted
from yolodeploy.tui.views.frame import key_line, told_lines, top_line
from yolodeploy.tui.views.spans import Line, Look
from yolodeploy.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from yolodeploy.tui.app import Dashboard


class Framed(Screen[None]):
    """A screen with a frame. `where` is its name in the table of keys, `tab` its number's."""

    where: ClassVar[str]
    tab: str
    composed = False
    """Whether its widgets are there; snapshots may arrive before."""
    problem: YolodeployError | None = None
    """What is wrong with what it asked for itself. It stands until that is right again, below
    what an action came to: an answer is read before the same complaint again."""

    @property
    def dashboard(self) -> Dashboard:
        """The app."""
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        """The frame around `body`."""
        yield Lines(id="top")
        yield Lines(id="title")
        yield from self.body()
        yield Lines(id="message")
        yield Lines(id="keys")

    def body(self) -> ComposeResult:
        """What stands between title and message."""
        yield from ()

    def wanted(self) -> Wanted:
        """What this screen needs besides the lists."""
        return Wanted()

    def subjects(self) -> Sequence[tuple[Subject, str]]:
        """What the palette's actions are about, with the names that commands use."""
        return [(Subject.FLEET, "")]

    def unfit(self) -> Collection[str]:
        """Keys that would do nothing to what is selected now."""
        return ()

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """The line below the top one."""
        return ()

    def show(self, snapshot: Snapshot, look: Look) -> None:
        """Show what is known now."""
        self.query_one("#title", Lines).show([self.title_line(snapshot, look)])
        self.show_frame()

    def show_frame(self) -> None:
        """Top, message and keys: what changes without a new snapshot."""
        app, width = self.dashboard, self.size.width
        look = app.look()
        self.query_one("#top", Lines).show([top_line(app.snapshot, self.tab, look, width)])
        message = self.query_one("#message", Lines)
        told = app.told(self.problem)
        message.show(told_lines(told, width) if told else [()])
        self.query_one("#keys", Lines).show([key_line(self.where, look, width, self.unfit())])

    def begin(self, action: str, name: str) -> None:
        """Start an action of the table."""
        self.dashboard.begin(ACTIONS[action], name)

    def on_mount(self) -> None:
        """Show at once what is known."""
        self.composed = True
        self._show_known()

    def on_screen_resume(self) -> None:
        """It may have changed while another screen was open."""
        self._show_known()
        self.dashboard.read()

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        self._show_known()

    def _show_known(self) -> None:
        if self.composed:
            self.show(self.dashboard.snapshot, self.dashboard.look())
