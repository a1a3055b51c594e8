"""Rounds over all sites for whoever asks again and again: the dashboard, later a controller."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.retention import prune_when_due
from yolodeploy.inventory.sites import list_sites
from yolodeploy.ops.connect import connect_all
from yolodeploy.telemetry.rounds import Collector

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home


class Rounds:
    """Asks every site, round by round; one that hung in the last round is not waited for again.

    One thread at a time may call it. Where there is no inventory yet, a round does nothing.
    """

    def __init__(self) -> None:
        self._inventory: Inventory | None = None
        self._collector: Collector | None = None

    def __call__(self, home: Home) -> None:
        """One round.

        Raises:
            YolodeployError: `inventory.*`; what a site says or does not say is stored, not raised.
        """
        if self._inventory is None or self._collector is None:
            if not home.inventory.exists():
                return  # asking must not make one
            self._inventory = open_inventory(home.inventory)
            self._collector = Collector(self._inventory)
        sites, _ = connect_all(home, list_sites(self._inventory))
        self._collector.round(sites, now=time.time)
        prune_when_due(self._inventory, at=time.time())
