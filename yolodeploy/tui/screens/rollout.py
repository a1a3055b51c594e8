"""One rollout: its waves and sites, and the gates of the site under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.rollouts import RolloutActions
from yolodeploy.tui.screens.whole import Whole
from yolodeploy.tui.state.rollouts import RolloutDetail, RolloutItem, SiteProgress
from yolodeploy.tui.state.snapshot import Snapshot, Wanted
from yolodeploy.tui.views.rollout import (
    SITE_COLUMNS,
    gate_lines,
    rollout_notes,
    rollout_title,
    shortened,
)
from yolodeploy.tui.views.site_in_rollout import site_in_rollout_lines
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.lines import Lines
from yolodeploy.tui.widgets.table import Table


class RolloutScreen(RolloutActions):
    """Waves × sites, each site's step, gates with figure, bound and verdict."""

    where = "rollout"
    tab = "rollouts"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("rollout")

    def __init__(self, rollout: str) -> None:
        super().__init__()
        self._rollout = rollout

    def body(self) -> ComposeResult:
        """Notes, sites, gates."""
        yield Lines(id="notes")
        yield Table(SITE_COLUMNS, lambda site: site.site, id="sites")
        yield Lines(id="gates")

    def wanted(self) -> Wanted:
        """This rollout in full."""
        return Wanted(rollout=self._rollout)

    def selected(self) -> RolloutItem | None:
        """This rollout."""
        items = self.dashboard.snapshot.rollouts
        return next((item for item in items if item.id == self._rollout), None)

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """Release, state, progress."""
        detail = self._detail(snapshot)
        return (Span("  "), *rollout_title(detail, look)) if detail else ()

    def show(self, snapshot: Snapshot, look: Look) -> None:
        """Everything below the title."""
        detail = self._detail(snapshot)
        if detail is not None:
            self.query_one("#notes", Lines).show(rollout_notes(detail, look, self.size.width))
            self.query_one(Table).show(detail.sites, look)
            self._show_gates(look)
            if self.focused is None:
                self.query_one(Table).focus()
        super().show(snapshot, look)

    def on_table_moved(self) -> None:
        """Another site: its gates."""
        self._show_gates(self.dashboard.look())

    def on_table_opened(self) -> None:
        """All that is known of the site."""
        self.action_open()

    def action_open(self) -> None:
        """All that is known of the site under the cursor."""
        site, detail = self._site, self._detail(self.dashboard.snapshot)
        if site is not None and detail is not None:
            look = self.dashboard.look()
            title = look.words("whole.title", name=f"{detail.item.id}  {site.site}")
            self.dashboard.push_screen(
                Whole(title, lambda width: site_in_rollout_lines(detail, site, look, width))
            )

    def action_logs(self) -> None:
        """Follow the servers of the site under the cursor."""
        if self._site is not None:
            self.dashboard.open_logs(self._site.site, tab=self.tab)

    def action_back(self) -> None:
        """To the list."""
        self.dashboard.pop_screen()

    @property
    def _site(self) -> SiteProgress | None:
        site = self.query_one(Table).current
        return site if isinstance(site, SiteProgress) else None

    def _show_gates(self, look: Look) -> None:
        if self._site is not None:
            item = self.selected()
            said = item.reason if item is not None else ""
            lines = gate_lines(self._site, look, self.size.width, said=said)
            most = max(self.size.height // 3, 5)
            self.query_one("#gates", Lines).show(shortened(lines, most, look))

    def _detail(self, snapshot: Snapshot) -> RolloutDetail | None:
        detail = snapshot.rollout
        return detail if detail is not None and detail.item.id == self._rollout else None
