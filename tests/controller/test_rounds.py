"""Rounds over many sites: if these fail, the sites that hang hide those that answer."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from itertools import pairwise

import pytest

from tests.sites.parts import until
from tests.telemetry.test_collecting import SiteDouble
from yolodeploy.core.errors import YolodeployError
from yolodeploy.inventory import sites
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.sites import SiteRow
from yolodeploy.ops import rounds
from yolodeploy.ops.home import Home
from yolodeploy.ops.rounds import Rounds


class Fleet:
    """Doubles of sites in place of those that `connect` would give."""

    def __init__(self, home: Home, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.sites = {f"s{number}": SiteDouble(f"s{number}") for number in range(count)}
        with open_inventory(home.inventory) as inventory, inventory.transaction():
            for name in self.sites:
                sites.add_site(inventory, name, "embedded", "/nowhere", at=time.time())
        monkeypatch.setattr(rounds, "connect_all", self._connect_all)

    def _connect_all(
        self, _home: Home, rows: Iterable[SiteRow]
    ) -> tuple[list[SiteDouble], list[YolodeployError]]:
        return [self.sites[row.name] for row in rows], []

    def reachable(self) -> dict[str, bool | None]:
        with open_inventory(self.home.inventory) as inventory:
            return {row.name: row.reachable for row in sites.list_sites(inventory)}

    def set_silent(self, names: Iterable[str]) -> None:
        """As an earlier round left them."""
        with open_inventory(self.home.inventory) as inventory:
            for name in names:
                inventory.execute("UPDATE sites SET reachable = 0 WHERE name = ?", (name,))
                self.sites[name].blocked = threading.Event()


def test_a_hundred_that_hang_delay_nobody(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(home, 300, monkeypatch)
    silent = [f"s{number}" for number in range(100)]
    fleet.set_silent(silent)
    asks = Rounds()
    for number in range(1, 4):
        asks(home)  # returns although nobody of the hundred has answered
        answering = [site for name, site in fleet.sites.items() if name not in silent]
        assert {site.asked for site in answering} == {number}
    assert {fleet.sites[name].asked for name in silent} <= {0, 1}
    for name in silent:
        fleet.sites[name].blocked.set()
    until(
        lambda: (asks(home), all(fleet.reachable().values()))[1],
        "those that hung have come back",
    )


def test_a_silent_site_is_asked_again_less_and_less_often(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Fleet(home, 1, monkeypatch)
    fleet.set_silent(["s0"])
    site = fleet.sites["s0"]
    site.blocked.set()
    from yolodeploy.core.errors import Unreachable

    site.error = Unreachable("site.unreachable", site="s0", reason="no route")
    now = 1000.0
    monkeypatch.setattr(rounds.time, "monotonic", lambda: now)
    asks, at = Rounds(), []
    while now < 1400.0:
        before = site.asked
        asks(home)
        if asks._thread is not None:
            asks._thread.join()
        if site.asked > before:
            at.append(now)
        now += 1.0
    pauses = [later - earlier for earlier, later in pairwise(at)]
    assert pauses[0] <= 8
    assert 22 <= pauses[-1] <= 39
    site.error = None
    now += 100.0
    asks(home)
    until(lambda: fleet.reachable() == {"s0": True}, "it has come back")


def test_an_inventory_that_was_replaced_is_followed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Fleet(home, 2, monkeypatch)
    asks = Rounds()
    asks(home)
    home.inventory.unlink()
    for ending in ("-wal", "-shm"):
        home.inventory.with_name(home.inventory.name + ending).unlink(missing_ok=True)
    asks(home)  # there is none, and none is made
    assert not home.inventory.exists()
    with open_inventory(home.inventory) as inventory:
        sites.add_site(inventory, "s1", "embedded", "/nowhere", at=time.time())
    asks(home)
    assert fleet.reachable() == {"s1": True}


def test_a_thousand_clusters_find_room_for_their_connections() -> None:
    """A service has 1,024 files as a rule, and its clusters would be silent for want of more."""
    program = """
import resource
from yolodeploy.ops.rounds import Rounds
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
Rounds()
soft, still = resource.getrlimit(resource.RLIMIT_NOFILE)
assert still == hard
assert soft == 16384 or soft == hard < 16384
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
