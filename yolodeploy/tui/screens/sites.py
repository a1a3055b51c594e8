"""The list of sites, and what can be done with those of gateways."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from textual.binding import BindingType

from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.listed import Listed
from yolodeploy.tui.screens.site import NOT_OURS, SiteActions
from yolodeploy.tui.state.plays import SiteItem
from yolodeploy.tui.state.snapshot import Snapshot
from yolodeploy.tui.views.sites import SITE_LIST_COLUMNS
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.table import Table

_OF_GATEWAYS = frozenset(
    f"sites.{name}" for name in ("add", "provision", "doctor", "backup", "upgrade", "operation")
)


class SitesScreen(SiteActions, Listed):
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

    def selected_site(self) -> SiteItem | None:
        """The site under the cursor."""
        item = self.query_one(Table).current
        return item if isinstance(item, SiteItem) else None

    def unfit(self) -> Collection[str]:
        """Only gateways are provisioned."""
        item = self.selected_site()
        ours = item is not None and item.kind not in NOT_OURS
        return () if ours else _OF_GATEWAYS

    def on_table_moved(self) -> None:
        """Other keys are of use."""
        self.show_frame()

    def on_table_opened(self) -> None:
        """Open the site."""
        self.action_open()

    def action_open(self) -> None:
        """Open the site under the cursor."""
        item = self.selected_site()
        if item is not None:
            self.dashboard.open_site(item.name)

    def action_act(self, action: str) -> None:
        """Do something with a site of gateways."""
        item = self.selected_site()
        if item is None:
            return
        if item.kind in NOT_OURS:
            self.say(NOT_OURS[item.kind], item.name)
        else:
            self.begin(action, item.name)
