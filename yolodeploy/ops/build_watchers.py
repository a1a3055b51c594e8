"""Who hears how a build goes: the operation's journal, and whatever a front end makes of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolodeploy.images.bases.build_log import Said
    from yolodeploy.ops.operations import Teller

TELL_S = 10.0  # how often the journal gets a sign of life


class BuildWatcher:
    """Hears how a build goes. This one says nothing."""

    def said(self, said: Said) -> None:
        """One line of the builder's."""

    def brought(self, count: int) -> None:
        """How many bytes of the result have come out of the engine."""


class Journal(BuildWatcher):
    """Tells an operation's journal: each step, and signs of life in between."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._told_at = time.monotonic()

    def said(self, said: Said) -> None:
        """Steps, not what they say."""
        if said.begins:
            self._teller.say("progress.build_step", step=said.text)
        self._living()

    def brought(self, count: int) -> None:
        """A sign of life, now and then."""
        self._living()

    def _living(self) -> None:
        if time.monotonic() - self._told_at >= TELL_S:
            self._told_at = time.monotonic()
            self._teller.alive()


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
