"""Where the time goes in the whole fleet, grouped as one likes."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.listed import Listed
from yolodeploy.tui.state.asked import Asked, StageItem
from yolodeploy.tui.state.snapshot import Snapshot, Wanted
from yolodeploy.tui.views.latency import LATENCY_COLUMNS, latency_title
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.table import Table


class LatencyScreen(Listed):
    """Every stage of every group with its quantiles."""

    where = "latency"
    tab = "latency"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("latency")

    def __init__(self) -> None:
        super().__init__()
        self._asked = Asked()

    def table(self) -> Table[StageItem]:
        """By group, then in the order in which a request passes stages."""
        return Table(LATENCY_COLUMNS, lambda item: (item.group, item.bar.stage))

    def wanted(self) -> Wanted:
        """What was asked for."""
        return Wanted(latency=self._asked)

    def rows_of(self, snapshot: Snapshot) -> tuple[StageItem, ...]:
        """The newest answer; the title says so where it is to the question before."""
        return snapshot.latency.rows if snapshot.latency is not None else ()

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """How it is grouped, and over how long."""
        return (
            Span("  "), *latency_title(self._asked, snapshot.latency, look), *self.filter_note()
        )  # fmt: skip

    def action_by(self) -> None:
        """Group by the next thing."""
        self._ask(self._asked.turned())

    def action_span(self) -> None:
        """Over another time."""
        self._ask(self._asked.widened())

    def _ask(self, asked: Asked) -> None:
        self._asked = asked
        self.dashboard.tell((Span(f"  $ {asked.command}", "dim"),))
        self._show_known()
        self.dashboard.read()
