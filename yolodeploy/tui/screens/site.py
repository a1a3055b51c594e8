"""One site: who may change it when, what runs there, what ends soon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from yolodeploy.ops.actions import Subject
from yolodeploy.ops.connect import EMBEDDED, KUBERNETES
from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.framed import Framed
from yolodeploy.tui.state.plays import SiteItem
from yolodeploy.tui.state.site import SiteDetail
from yolodeploy.tui.state.snapshot import Snapshot, Wanted
from yolodeploy.tui.views.site import site_lines, site_title
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.lines import Lines, Page

NOT_OURS = {EMBEDDED: "site.no_hosts", KUBERNETES: "site.cluster"}
"""Kinds of sites without gateways that could be provisioned, and what is said of them."""


class SiteActions(Framed):
    """The keys of a selected site."""

    def selected_site(self) -> SiteItem | None:
        """The site that keys act on."""
        raise NotImplementedError

    def subjects(self) -> Sequence[tuple[Subject, str]]:
        """The site, the play that runs on it, the fleet."""
        item = self.selected_site()
        found: list[tuple[Subject, str]] = []
        if item is not None:
            found.append((Subject.SITE, item.name))
            if item.play is not None and item.play.runs:
                found.append((Subject.OPERATION, item.play.id))
        return [*found, (Subject.FLEET, "")]

    def action_hold(self) -> None:
        """Hold the site, or end its hold."""
        item = self.selected_site()
        if item is not None:
            self.begin("site.unhold" if item.held is not None else "site.hold", item.name)

    def action_windows(self) -> None:
        """Say when rollouts may change it."""
        item = self.selected_site()
        if item is not None:
            self.begin("site.window", item.name)

    def action_logs(self) -> None:
        """Follow its servers."""
        item = self.selected_site()
        if item is not None:
            self.dashboard.open_logs(item.name)

    def action_cameras(self) -> None:
        """Its cameras."""
        item = self.selected_site()
        if item is not None:
            self.dashboard.open_cameras(item.name)

    def action_operation(self) -> None:
        """Open the newest play on it."""
        item = self.selected_site()
        if item is not None and item.play is not None:
            self.dashboard.open_play(item.play.id)
        elif item is not None:
            self.say(NOT_OURS.get(item.kind, "site.no_play"), item.name)

    def say(self, key: str, site: str) -> None:
        """Tell something about a site."""
        text = self.dashboard.words(key, site=site)
        self.dashboard.tell((Span(f"  {text}", "dim"),))


class SiteScreen(SiteActions):
    """All that the inventory knows of one site."""

    where = "site"
    tab = "sites"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("site")

    def __init__(self, site: str) -> None:
        super().__init__()
        self._site = site

    def body(self) -> ComposeResult:
        """Lines that scroll."""
        yield Page(id="page")

    def wanted(self) -> Wanted:
        """This site in full."""
        return Wanted(site=self._site)

    def selected_site(self) -> SiteItem | None:
        """This site."""
        items = self.dashboard.snapshot.sites
        return next((item for item in items if item.name == self._site), None)

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """Name, kind, whether it answers."""
        detail = self._detail(snapshot)
        return (Span("  "), *site_title(detail, look)) if detail else ()

    def show(self, snapshot: Snapshot, look: Look) -> None:
        """Everything below the title."""
        detail = self._detail(snapshot)
        gone = detail is None and self.selected_site() is None
        text = look.words("site.gone" if gone else "reading")
        lines: list[Line] = [(Span("  " + text, "dim"),)]
        if detail is not None:
            lines = site_lines(detail, look, self.size.width)
        self.query_one("#page", Lines).show(lines)
        super().show(snapshot, look)

    def action_back(self) -> None:
        """To the list."""
        self.dashboard.pop_screen()

    def _detail(self, snapshot: Snapshot) -> SiteDetail | None:
        detail = snapshot.site
        return detail if detail is not None and detail.row.name == self._site else None
