"""Who hears how a build goes: the operation's journal, and whatever a front end makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy.ops.how_far import HowFar

if TYPE_CHECKING:
    from yolodeploy.images.bases.build_log import Said


class BuildWatcher:
    """Hears how a build goes. This one says nothing."""

    def said(self, said: Said) -> None:
        """One line of the builder's."""

    def brought(self, count: int) -> None:
        """How many bytes of the result have come out of the engine."""


class Journal(HowFar, BuildWatcher):
    """Tells an operation's journal: each step, and signs of life in between."""

    def said(self, said: Said) -> None:
        """Steps, not what they say."""
        if said.begins:
            self._teller.say("progress.build_step", step=said.text)
        self.lives()

    def brought(self, count: int) -> None:
        """A sign of life, now and then."""
        self.lives()


class Watchers(BuildWatcher):
    """Several watchers as one."""

    def __init__(self, *watchers: BuildWatcher) -> None:
        self._watchers = watchers

    def said(self, said: Said) -> None:
        """To each."""
        for watcher in self._watchers:
            watcher.said(said)

    def brought(self, count: int) -> None:
        """To each."""
        for watcher in self._watchers:
            watcher.brought(count)
