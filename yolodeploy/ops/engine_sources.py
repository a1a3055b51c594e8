"""TensorRT engines at the sites that this machine knows, for one that lacks its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import YolodeployError
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.sites import get_site
from yolodeploy.inventory.status import list_site_apps
from yolodeploy.sites.engine_sources import Source
from yolodeploy.sites.engine_store import EngineStore

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

AT_ONCE = 8
MOST_ASKED = 64
"""Sites that are asked for one engine: in a larger fleet one of these has it, or nobody yet."""

FRESH_S = 60.0


class _Asked(NamedTuple):
    """When sites were asked (monotonic), and what they ran then."""

    at: float
    running: tuple[tuple[str, str], ...]


class EngineSources:
    """One home's; threads may share it."""

    def __init__(self, home: Home) -> None:
        self.store = EngineStore(home.engines)
        self._home = home

    def elsewhere(self, app: str, but: str) -> Sequence[Source]:
        """The engines of an app at every other site that answers."""
        return [source for source in _known(self._home, app) if source.site != but]


_lock = threading.Lock()
_found: dict[tuple[str, str], tuple[_Asked, list[Source]]] = {}


def _known(home: Home, app: str) -> list[Source]:
    """What was found lately, for all sites of a wave: they would all ask the same.

    A site that has come to another release since may have built its engine, and is asked.
    """
    running = _running(home, app)
    with _lock:
        before, found = _found.get((str(home.root), app), (_Asked(float("-inf"), ()), []))
        now = time.monotonic()
        if before.running != running or now - before.at > FRESH_S:
            found = _asked(home, app, [site for site, _ in running])
            _found[str(home.root), app] = _Asked(now, running), found
    return found


def _running(home: Home, app: str) -> tuple[tuple[str, str], ...]:
    """The sites that have an app, with its release, as they were seen last."""
    if not home.inventory.exists():
        return ()
    with read_inventory(home.inventory) as inventory:
        apps = list_site_apps(inventory)
    return tuple((one.site, one.release) for one in apps if one.app == app and one.release)


def _asked(home: Home, app: str, sites: Sequence[str]) -> list[Source]:
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        asked = pool.map(lambda site: _offered(home, site, app), sites[:MOST_ASKED])
        return [source for sources in asked for source in sources]


def _offered(home: Home, name: str, app: str) -> list[Source]:
    """What a cluster has; one that does not answer has nothing, and embedded sites never have."""
    from yolodeploy.ops.connect import EMBEDDED, connect

    try:
        with read_inventory(home.inventory) as inventory:
            row = get_site(inventory, name)
        if row.kind == EMBEDDED:
            return []
        from yolodeploy.sites.kubernetes.site import KubernetesSite

        site = connect(home, row)
        return site.engines.offered(app) if isinstance(site, KubernetesSite) else []
    except YolodeployError:
        return []
