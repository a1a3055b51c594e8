"""Events of the whole fleet, newest first."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.listed import Listed
from yolodeploy.tui.screens.whole import Whole
from yolodeploy.tui.state.events import EventItem
from yolodeploy.tui.state.snapshot import Snapshot
from yolodeploy.tui.views.events import EVENT_COLUMNS, whole_event_lines
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.table import Table


class EventsScreen(Listed):
    """What happened, everywhere."""

    where = "events"
    tab = "events"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("events")

    def table(self) -> Table[EventItem]:
        """Newest first."""
        return Table(EVENT_COLUMNS, lambda event: event.id)

    def rows_of(self, snapshot: Snapshot) -> tuple[EventItem, ...]:
        """The newest events."""
        return snapshot.events

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """How many are listed."""
        if not snapshot.events:
            return ()
        text = look.words("count.events", n=len(snapshot.events))
        return (Span("  "), Span(text, "strong"), *self.filter_note())

    def on_table_opened(self) -> None:
        """Open the device that it happened to."""
        event = self.query_one(Table).current
        if isinstance(event, EventItem) and self.dashboard.snapshot.row((event.site, event.device)):
            self.dashboard.open_device((event.site, event.device))

    def action_whole(self) -> None:
        """All of the event under the cursor."""
        event = self.query_one(Table).current
        if isinstance(event, EventItem):
            look = self.dashboard.look()
            title = look.words("whole.title", name=look.words.event(event.code))
            self.dashboard.push_screen(
                Whole(title, lambda width: whole_event_lines(event, look, width))
            )
