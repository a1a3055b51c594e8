"""The list of sites, and what can be done with those of gateways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from yolodeploy.ops.actions import Subject
from yolodeploy.ops.connect import K3S
from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.listed import Listed
from yolodeploy.tui.state.plays import SiteItem
from yolodeploy.tui.state.snapshot import Snapshot
from yolodeploy.tui.views.sites import SITE_LIST_COLUMNS
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.table import Table


class SitesScreen(Listed):
    """Every site, with the newest play on it."""

    where = "sites"
    tab = "sites"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("sites")

    def table(self) -> Table[SiteItem]:
        """By name."""
        return Table(SITE_LIST_COLUMNS, lambda site: site.name)

    def rows_of(self, snapshot: Snapshot) -> tuple[SiteItem, ...]:
        """The sites."""
        return snapshot.sites

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """How many there are, on how many a play runs."""
        if not snapshot.sites:
            return ()
        running = snapshot.running_plays
        more = [Span("  "), Span(look.words("count.rollouts", n=running), "accent")]
        text = look.words("count.sites", n=len(snapshot.sites))
        return (
            Span("  "), Span(text, "strong"), *(more if running else ()), *self.filter_note()
        )  # fmt: skip

    def selected(self) -> SiteItem | None:
        """The site under the cursor."""
        item = self.query_one(Table).current
        return item if isinstance(item, SiteItem) else None

    def subjects(self) -> Sequence[tuple[Subject, str]]:
        """The site, the play that runs on it, the fleet."""
        item = self.selected()
        found: list[tuple[Subject, str]] = []
        if item is not None:
            found.append((Subject.SITE, item.name))
            if item.play is not None and item.play.runs:
                found.append((Subject.OPERATION, item.play.id))
        return [*found, (Subject.FLEET, "")]

    def on_table_opened(self) -> None:
        """Open the newest play on the site."""
        item = self.selected()
        if item is None:
            return
        if item.play is None:
            text = self.dashboard.words("site.no_play", site=item.name)
            self.dashboard.tell((Span(f"  {text}", "dim"),))
            return
        self.dashboard.open_play(item.play.id)

    def action_act(self, action: str) -> None:
        """Do something with a site of gateways."""
        item = self.selected()
        if item is None:
            return
        if item.kind != K3S:
            text = self.dashboard.words("site.no_hosts", site=item.name)
            self.dashboard.tell((Span(f"  {text}", "dim"),))
            return
        self.begin(action, item.name)
