"""Rounds over all sites for whoever asks again and again: the controller, or the dashboard.

Sites that did not answer last time have rounds of their own, in a thread of their own and less
and less often: a hundred that hang delay nobody.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Iterable, Sequence
from threading import Thread
from typing import TYPE_CHECKING

from yolodeploy.inventory.retention import prune_when_due
from yolodeploy.inventory.sites import list_sites
from yolodeploy.ops.connect import EMBEDDED, connect_all
from yolodeploy.ops.kept_open import KeptOpen
from yolodeploy.telemetry.rounds import Collector

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home
    from yolodeploy.sites.interface import Site

SILENT_FIRST_S, SILENT_LONGEST_S = 5.0, 30.0
"""How soon a site that fell silent is asked again, and how seldom in the end."""

FILES = 16384
"""As many may be open: a cluster keeps up to eight, and a process may have 1,024 as a rule."""


class Rounds:
    """Asks every site that answers, round by round; the silent ones beside it.

    One thread at a time may call it. Where there is no inventory yet, a round does nothing.
    """

    def __init__(self) -> None:
        _allow_files()
        self._answering: _Lane | None = None
        self._silent: _Lane | None = None
        self._thread: Thread | None = None
        self._fault: Exception | None = None
        self._due: dict[str, tuple[int, float]] = {}

    def __call__(self, home: Home) -> None:
        """One round over the sites that answer; one over the silent ones begins where it is due.

        Raises:
            YolodeployError: `inventory.*`; what a site says or does not say is stored, not raised.
        """
        if not home.inventory.exists():
            return  # asking must not make one
        if self._answering is None or self._silent is None:
            self._answering, self._silent = _Lane(home), _Lane(home)
        inventory = self._answering.kept.get()
        rows = list_sites(inventory)
        self._begin_silent(self._silent, self._silent_and_due(rows))
        self._answering.round(row for row in rows if row.reachable is not False)
        prune_when_due(inventory, at=time.time())
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault

    def _silent_and_due(self, rows: Sequence[SiteRow]) -> list[SiteRow]:
        silent = {row.name: row for row in rows if row.reachable is False}
        self._due = {name: self._due.get(name, (0, 0.0)) for name in silent}
        now = time.monotonic()
        return [row for name, row in silent.items() if self._due[name][1] <= now]

    def _begin_silent(self, lane: _Lane, rows: Sequence[SiteRow]) -> None:
        if not rows or (self._thread is not None and self._thread.is_alive()):
            return
        for row in rows:
            times = self._due[row.name][0]
            pause_s = min(SILENT_FIRST_S * 2.0 ** min(times, 8), SILENT_LONGEST_S)
            # those that one cut silenced shall not all be asked in the same moment
            due = time.monotonic() + pause_s * random.uniform(0.75, 1.25)  # noqa: S311 no secret
            self._due[row.name] = (times + 1, due)

        def ask() -> None:
            try:
                lane.round(rows)
            except Exception as error:  # raised again by the next round
                self._fault = error

        self._thread = Thread(target=ask, name="silent sites", daemon=True)
        self._thread.start()


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Lane:
    """Rounds over some of the sites, with an inventory and threads of their own."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.kept = KeptOpen(home)
        self._collector: Collector | None = None
        self._of: Inventory | None = None
        self._sites: dict[tuple[str, str, str], Site] = {}

    def round(self, rows: Iterable[SiteRow]) -> None:
        inventory = self.kept.get()
        if self._collector is None or inventory is not self._of:
            self._collector, self._of = Collector(inventory), inventory
        self._collector.round(self._connected(rows), now=time.time)

    def _connected(self, rows: Iterable[SiteRow]) -> list[Site]:
        """Clusters keep their connections from round to round: a new one costs a TLS handshake."""
        before, self._sites = self._sites, {}
        for row in rows:
            key = (row.name, row.kind, row.location)
            kept = before.get(key) if row.kind != EMBEDDED else None
            for site in [kept] if kept is not None else connect_all(self._home, [row])[0]:
                self._sites[key] = site
        return list(self._sites.values())
