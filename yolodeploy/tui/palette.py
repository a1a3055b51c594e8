"""The command palette: every action on what is selected, with the command that does the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape

from yolodeploy.core.text import one_line
from yolodeploy.ops.actions import Action, of_subject
from yolodeploy.tui.screens.framed import Framed

if TYPE_CHECKING:
    from yolodeploy.tui.app import Dashboard


class Entry(NamedTuple):
    """An action on one subject."""

    action: Action
    name: str
    text: str
    help: str


class ActionCommands(Provider):
    """What can be done with the selected device, its site, the rollout or a release."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for entry in self._entries():
            yield DiscoveryHit(
                Content(entry.text), self._command(entry), text=entry.text, help=entry.help
            )

    async def search(self, query: str) -> Hits:
        """Those that fit what was typed."""
        matcher = self.matcher(query)
        for entry in self._entries():
            score = max(matcher.match(entry.text), matcher.match(entry.help))
            if score > 0:
                yield Hit(score, Content(entry.text), self._command(entry), entry.text, entry.help)

    def _entries(self) -> Iterator[Entry]:
        if not isinstance(self.screen, Framed):
            return
        for subject, name in self.screen.subjects():
            for action in of_subject(subject):
                if action.kind and action.kind != self._dashboard.snapshot.kind_of(name):
                    continue
                title = action.title(self._dashboard.words.language)
                text = one_line(f"{name}: {title}" if name else title)
                # help is read as markup by the palette, and names may hold anything
                yield Entry(action, name, text, escape(one_line(action.command_for(name, "…"))))

    def _command(self, entry: Entry) -> partial[None]:
        return partial(self._dashboard.begin, entry.action, entry.name)

    @property
    def _dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)
