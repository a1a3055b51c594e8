"""Which release is to be rolled out."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen

from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.lines import Lines
from yolodeploy.tui.widgets.table import Table


def _release(alias: str, look: Look) -> Line:
    return (Span(alias),)


_COLUMNS = (Column[str]("release", _release, lambda alias: alias, 20, 20, flexible=True),)


class Releases(ModalScreen[str | None]):
    """The alias of the release that was chosen, None when it was cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", show=False, id="releases.cancel")
    ]

    def __init__(self, releases: tuple[str, ...], look: Look) -> None:
        super().__init__()
        self._releases, self._look = releases, look

    def compose(self) -> ComposeResult:
        """One table."""
        with Container(classes="dialog wide"):
            yield Lines(id="heading", classes="heading")
            yield Table(_COLUMNS, lambda alias: alias)

    def on_mount(self) -> None:
        """The newest of each app first."""
        title = self._look.words("releases.title")
        self.query_one("#heading", Lines).show([(Span(title, "title"),)])
        table = self.query_one(Table)
        table.show(self._releases, self._look)
        table.focus()

    def on_table_opened(self) -> None:
        """This one."""
        self.dismiss(self.query_one(Table).current)

    def action_cancel(self) -> None:
        """None."""
        self.dismiss(None)
