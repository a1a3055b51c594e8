"""One device: facts, stages as bars, events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from yolodeploy.ops.actions import Subject
from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.fleet import subjects_of
from yolodeploy.tui.screens.framed import Framed
from yolodeploy.tui.state.device import DeviceDetail
from yolodeploy.tui.state.latency import Key
from yolodeploy.tui.state.snapshot import Snapshot, Wanted
from yolodeploy.tui.views.device import device_lines, device_title
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.lines import Lines, Page


class DeviceScreen(Framed):
    """Where each millisecond of one device goes."""

    where = "device"
    tab = "fleet"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("device")

    def __init__(self, key: Key) -> None:
        super().__init__()
        self._key = key

    def body(self) -> ComposeResult:
        """Lines that scroll."""
        yield Page(id="page")

    def wanted(self) -> Wanted:
        """This device in full."""
        return Wanted(device=self._key)

    def subjects(self) -> Sequence[tuple[Subject, str]]:
        """The device, its site, every release, the fleet."""
        snapshot = self.dashboard.snapshot
        return subjects_of(snapshot, snapshot.row(self._key))

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """Name, site, status."""
        detail = self._detail(snapshot)
        return (Span("  "), *device_title(detail, look)) if detail else ()

    def show(self, snapshot: Snapshot, look: Look) -> None:
        """Everything below the title."""
        detail = self._detail(snapshot)
        gone = snapshot.device is None and snapshot.row(self._key) is None
        text = look.words("device.gone" if gone else "reading")
        lines: list[Line] = [(Span("  " + text, "dim"),)]
        if detail is not None:
            lines = device_lines(detail, look, self.size.width)
        self.query_one("#page", Lines).show(lines)
        super().show(snapshot, look)

    def action_logs(self) -> None:
        """Follow its servers."""
        row = self.dashboard.snapshot.row(self._key)
        if row is not None:
            self.dashboard.open_logs(row.site, row.device, tab=self.tab)

    def action_hold(self) -> None:
        """Hold the device, or end its hold."""
        self.dashboard.turn_hold(self.dashboard.snapshot.row(self._key))

    def action_back(self) -> None:
        """To the table."""
        self.dashboard.pop_screen()

    def _detail(self, snapshot: Snapshot) -> DeviceDetail | None:
        detail = snapshot.device
        return detail if detail is not None and detail.row.key == self._key else None
