"""One rollout: its waves and sites, and the gates of the site under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.rollouts import RolloutActions
from yolodeploy.tui.state.rollouts import RolloutDetail, RolloutItem, SiteProgress
from yolodeploy.tui.state.snapshot import Snapshot, Wanted
from yolodeploy.tui.views.rollout import SITE_COLUMNS, gate_lines, rollout_notes, rollout_title
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
        super().show(snapshot, look)

    def on_table_moved(self) -> None:
        """Another site: its gates."""
        self._show_gates(self.dashboard.look())

    def action_back(self) -> None:
        """To the list."""
        self.dashboard.pop_screen()

    def _show_gates(self, look: Look) -> None:
        site = self.query_one(Table).current
        if isinstance(site, SiteProgress):
            self.query_one("#gates", Lines).show(gate_lines(site, look, self.size.width))

    def _detail(self, snapshot: Snapshot) -> RolloutDetail | None:
        detail = snapshot.rollout
        return detail if detail is not None and detail.item.id == self._rollout else None
