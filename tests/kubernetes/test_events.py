"""If these fail, a cluster that was made again is deaf, and its guards go back untold."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path

from tests.kubernetes.double import Cluster
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP
from yolodeploy.core.release import Release
from yolodeploy.inventory import events, sites
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.sites.kubernetes import records
from yolodeploy.telemetry.collect import collect

REVERTED = "guard.reverted"


def test_a_cluster_made_again_under_its_name_is_heard(
    connected: Callable[[Cluster], Bench], tmp_path: Path, v1: Release
) -> None:
    with open_inventory(tmp_path / "inventory.db") as inventory:
        sites.add_site(inventory, "plant", "kubernetes", "", at=time.time())

        def look(cluster: Cluster, detail: str) -> list[str]:
            """Guards that are told of to have gone back, when one more has, after two looks."""
            bench = connected(cluster)
            bench.commit(v1)
            records.add_event(bench.site.connection, APP, REVERTED, detail)
            for _ in range(2):
                assert collect(bench.site, inventory, at=time.time()).reachable
            found = events.query_events(inventory, code=REVERTED)
            return [event.detail for event in found]

        with Cluster() as old:
            old.number = 812_345
            assert look(old, "first") == ["first"]
            backup = copy.deepcopy(old.kept)
            number = old.number
            assert look(old, "second") == ["first", "second"]
        with Cluster() as new:
            assert look(new, "third") == ["first", "second", "third"]
        with Cluster() as restored:
            restored.kept, restored.number = backup, number
            assert look(restored, "fourth") == ["first", "second", "third", "fourth"]
