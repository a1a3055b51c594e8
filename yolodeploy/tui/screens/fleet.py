"""The fleet: every device in one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from yolodeploy.ops.actions import Subject
from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.listed import Listed
from yolodeploy.tui.state.fleet import FleetRow, counts
from yolodeploy.tui.state.snapshot import Snapshot
from yolodeploy.tui.views.fleet import FLEET_COLUMNS, counts_line
from yolodeploy.tui.views.spans import Line, Look, Span, width_of
from yolodeploy.tui.widgets.table import Table


class FleetScreen(Listed):
    """Live status, release, latency of all devices."""

    where = "fleet"
    tab = "fleet"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("fleet")

    def table(self) -> Table[FleetRow]:
        """Devices by site and name."""
        return Table(FLEET_COLUMNS, lambda row: row.key)

    def rows_of(self, snapshot: Snapshot) -> tuple[FleetRow, ...]:
        """The devices."""
        return snapshot.fleet

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """How many are how."""
        if not snapshot.fleet:
            return ()
        note = self.filter_note()
        room = self.size.width - width_of(note) - 3
        return (Span("  "), *counts_line(counts(snapshot.fleet), look, room), *note)

    def selected(self) -> FleetRow | None:
        """The device under the cursor."""
        row = self.query_one(Table).current
        return row if isinstance(row, FleetRow) else None

    def subjects(self) -> Sequence[tuple[Subject, str]]:
        """The device, its site, every release, the fleet."""
        return subjects_of(self.dashboard.snapshot, self.selected())

    def action_logs(self) -> None:
        """Follow its servers."""
        row = self.selected()
        if row is not None:
            self.dashboard.open_logs(row.site, row.device, tab=self.tab)

    def action_hold(self) -> None:
        """Hold the device, or end its hold."""
        self.dashboard.turn_hold(self.selected())

    def on_table_opened(self) -> None:
        """Open the device."""
        row = self.selected()
        if row is not None:
            self.dashboard.open_device(row.key)


def subjects_of(snapshot: Snapshot, row: FleetRow | None) -> list[tuple[Subject, str]]:
    """What can be acted on where a device is selected."""
    found: list[tuple[Subject, str]] = []
    if row is not None:
        found += [(Subject.DEVICE, snapshot.name_of(row)), (Subject.SITE, row.site)]
    found += [(Subject.RELEASE, alias) for alias in snapshot.releases]
    return [*found, (Subject.FLEET, "")]
