"""If these fail, the rollout engine cannot move a cluster, or moves it to a bad release.

The engine, its journal and the guard are real; the cluster is a double.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.kubernetes.double import Answers, Cluster
from tests.rollouts.plant import CALM, WISH, Plant
from yolodeploy.core.steps import SiteResult
from yolodeploy.inventory import journal, sites
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.releases import get_release
from yolodeploy.inventory.rollouts import RolloutState, get_rollout
from yolodeploy.ops import operations, rollouts
from yolodeploy.ops.adopt import adopt_cluster
from yolodeploy.ops.home import Home

# three boxes on each of four frames by every sound server of the double
QUICK = msgspec.structs.replace(WISH, settle_s=60.0, observe_s=20.0, soak_s=0.2)


def rolled_out(home: Home, release: str) -> tuple[RolloutState, SiteResult | None, str]:
    started = rollouts.start(home, release, (), QUICK)
    for _ in operations.follow(home, started.operation):
        pass
    with read_inventory(home.inventory) as inventory:
        row = get_rollout(inventory, started.rollout)
        (site,) = journal.rollout_sites(inventory, started.rollout)
    return row.state, site.result, row.reason


def digest(home: Home, alias: str) -> str:
    with read_inventory(home.inventory) as inventory:
        return get_release(inventory, alias).digest


@pytest.mark.slow
def test_sound_releases_go_through_and_a_broken_one_goes_back(
    at_home: Home,
    double: Cluster,
    tmp_path: Path,
    run: Run,  # noqa: F811
) -> None:
    plant = Plant(at_home)
    first, second, third = (plant.release(version, CALM) for version in (1, 2, 3))
    assert rolled_out(at_home, first)[:2] == (RolloutState.DONE, SiteResult.COMMITTED)
    assert rolled_out(at_home, second)[:2] == (RolloutState.DONE, SiteResult.COMMITTED)
    # it finds nothing where the others find something
    double.answers[digest(at_home, third)] = Answers(boxes=0)
    state, result, reason = rolled_out(at_home, third)
    assert (state, result) == (RolloutState.FAILED, SiteResult.REVERTED)
    assert "agreement" in reason
    status = run("status")
    assert second in status.out
    assert "edge-1" in status.out
    assert run("logs").out.count("one") == 1
    assert "total" in run("latency").out
    shown = run("release", "show", second, "--site", "plant")
    assert shown.code == 0
    assert shown.out.count("---\n") == 6
    assert digest(at_home, second) in shown.out

    # a new laptop: the cluster carries its own history
    for path in at_home.root.glob("inventory.db*"):
        path.unlink()
    kept = adopt_cluster(at_home, "plant", "here", tmp_path / "kubeconfig")
    assert {release.alias for release in kept} == {first, second, third}
    assert run("site", "remove", "plant", "--yes").code == 0
    assert double.of("deployments"), "what runs goes on"
    with read_inventory(at_home.inventory) as inventory:
        assert sites.list_sites(inventory) == []
