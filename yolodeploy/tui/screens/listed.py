"""A framed screen with one table and a filter."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Input

from yolodeploy.tui.screens.framed import Framed
from yolodeploy.tui.state.snapshot import Snapshot
from yolodeploy.tui.views.frame import empty_lines
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.lines import Lines
from yolodeploy.tui.widgets.table import Table


class Listed(Framed):
    """A table below the title; where it is empty, one line that says what to do first."""

    def table(self) -> Table:  # type: ignore[type-arg]
        """A new table."""
        raise NotImplementedError

    def rows_of(self, snapshot: Snapshot) -> tuple[object, ...]:
        """The table's rows."""
        raise NotImplementedError

    def body(self) -> ComposeResult:
        """Table, or what stands in its place, and the filter."""
        with Container(id="list"):
            yield self.table()
            yield Lines(id="empty")
        yield Input(id="filter", compact=True, classes="hidden")

    def show(self, snapshot: Snapshot, look: Look) -> None:
        """Only rows that changed are painted."""
        table = self.query_one(Table)
        rows = self.rows_of(snapshot)
        table.show(rows, look)
        nothing = bool(rows) and not table.rows.shown
        self.query_one("#empty", Lines).show(
            [(Span("  " + look.words("filter.nothing"), "dim"),)]
            if nothing
            else empty_lines(self.where, snapshot, look)
        )
        self.query_one("#list").set_class(not table.rows.shown, "-empty")
        if self.focused is None and table.rows.shown:
            table.focus()
        super().show(snapshot, look)

    def filter_note(self) -> Line:
        """Which filter is in force."""
        rows = self.query_one(Table).rows
        if not rows.filter:
            return ()
        shown = f"{len(rows.shown)}/{len(rows.every)}"
        return (Span(f"  /{rows.filter}", "accent"), Span(f" {shown}", "dim"))

    def action_filter(self) -> None:
        """Open the filter."""
        entry = self.query_one("#filter", Input)
        entry.placeholder = self.dashboard.words("filter.placeholder")
        entry.remove_class("hidden")
        entry.focus()

    def action_unfilter(self) -> None:
        """Show everything again."""
        self.query_one("#filter", Input).value = ""
        self._close_filter()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        self.query_one(Table).filter(event.value)
        self.show(self.dashboard.snapshot, self.dashboard.look())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go back to the table."""
        self._close_filter()

    def _close_filter(self) -> None:
        self.query_one("#filter", Input).add_class("hidden")
        self.query_one(Table).focus()
