"""Collecting from one site now, or from many in one round."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.events import last_sequence
from yolodeploy.sites.interface import Observed
from yolodeploy.telemetry.look import Collected, look, store
from yolodeploy.telemetry.rounds import CONCURRENCY, DEADLINE_S, Collector


def collect(site: Observed, inventory: Inventory, *, at: float) -> Collected:
    """Ask one site now, in this thread, and store what it says at `at` (Unix seconds).

    A site that does not answer is stored as such, and not raised for.
    """
    return store(inventory, look(site, last_sequence(inventory, site.name)), at=at)


def collect_all(
    sites: Iterable[Observed],
    inventory: Inventory,
    *,
    now: Callable[[], float],
    concurrency: int = CONCURRENCY,
    deadline_s: float = DEADLINE_S,
) -> list[Collected]:
    """Ask every site once; `now` gives Unix seconds. Those who do it again keep a `Collector`."""
    collector = Collector(inventory, concurrency=concurrency, deadline_s=deadline_s)
    return collector.round(sites, now=now)
