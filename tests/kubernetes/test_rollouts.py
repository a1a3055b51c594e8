"""If these fail, the rollout engine cannot move a cluster, or moves it to a bad release.

The engine, its journal and the guard are real; the cluster is a double.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.kubernetes.double import Answers, Cluster, Fault
from tests.rollouts.plant import CALM, EXAMPLE, WISH, Plant
from tests.sites.parts import APP, until
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.cluster import RELEASE
from yolodeploy.core.steps import SiteResult
from yolodeploy.inventory import journal, sites
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.releases import get_release
from yolodeploy.inventory.rollouts import RolloutState, get_rollout
from yolodeploy.ops import operations, rollouts
from yolodeploy.ops.adopt import adopt_cluster
from yolodeploy.ops.catalog import add_model, build_image, create_release
from yolodeploy.ops.home import Home
from yolodeploy.rollouts.planning import Wish


def rolled_out(
    home: Home, release: str, wish: Wish = WISH
) -> tuple[RolloutState, SiteResult | None, str]:
    started = rollouts.start(home, release, (), wish)
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
def test_a_commit_that_is_done_is_not_told_as_failed(
    at_home: Home,
    double: Cluster,
    run: Run,  # noqa: F811
) -> None:
    """The engine would take a good release back, which the cluster has kept for good already."""
    plant = Plant(at_home)
    first, second = plant.release(1, CALM), plant.release(2, CALM)
    assert run("app", "scale", APP, "--site", "plant", "--replicas", "2").code == 0
    # what was said of the first rollout's pods is written, and told as late
    late = iter([Fault(504, b"{}", done=True)])
    double.fault = lambda method, path: (
        next(late, None) if method == "PATCH" and path.endswith("/yolodeploy-setup") else None
    )
    assert rolled_out(at_home, first)[:2] == (RolloutState.DONE, SiteResult.COMMITTED)
    assert next(late, None) is None
    # there is room for the release itself, and for no event
    full = {"hard": {"configmaps": str(len(double.of("configmaps", APP)) + 1)}}
    double.put("resourcequotas", APP, "tenant", {"metadata": {}, "spec": full})
    assert rolled_out(at_home, second)[:2] == (RolloutState.DONE, SiteResult.COMMITTED)


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


def test_an_image_without_a_base_is_told_by_the_plan(
    at_home: Home,
    run: Run,  # noqa: F811
) -> None:
    """Before anybody waits for it to be brought to nodes that cannot start it."""
    Plant(at_home)
    add_model(at_home, EXAMPLE / "models" / "brake-disc-v1.onnx")
    image = build_image(at_home, "brake-disc-v1")
    release = create_release(at_home, APP, image.digest).alias
    told = run("rollout", "plan", release, "--site", "plant")
    assert "plant is left out" in told.out + told.err
    assert "image build MODEL --base" in told.out + told.err
    assert run("rollout", "start", release, "--site", "plant").code == 1


@pytest.mark.slow
def test_a_release_is_tried_beside_the_old_one_before_the_switch(
    at_home: Home, double: Cluster
) -> None:
    """The guard, the engine and its journal are real; a bad one never has the traffic alone."""
    plant = Plant(at_home)
    first, second, third = (plant.release(version, CALM) for version in (1, 2, 3))
    assert rolled_out(at_home, first)[1] is SiteResult.COMMITTED
    for way, release in ((Way.CANARY, second), (Way.BLUE_GREEN, first)):
        wish = msgspec.structs.replace(WISH, beside=Beside(way, 50), beside_for_s=1.0)
        assert rolled_out(at_home, release, wish)[1] is SiteResult.COMMITTED, way
        # the guard finishes it, whoever is still there
        until(lambda: len(double.of("deployments")) == 1, "the second Deployment is gone")
        selector = double.kept["services", APP, APP]["spec"]["selector"]
        assert selector == {"app.kubernetes.io/name": APP}
    codes = [item["data"]["code"] for item in double.of("configmaps") if "code" in item["data"]]
    assert codes.count("guard.placed") == 2, "neither went directly"
    assert codes.count("guard.turned") == 2
    double.answers[digest(at_home, third)] = Answers(boxes=0)
    wish = msgspec.structs.replace(WISH, beside=Beside(Way.SHADOW), beside_for_s=1.0)
    state, result, reason = rolled_out(at_home, third, wish)
    assert (state, result) == (RolloutState.FAILED, SiteResult.REVERTED)
    assert "agreement" in reason

    def servers() -> list[str]:
        notes = (pod["metadata"].get("annotations", {}) for pod in double.of("pods", APP))
        return [each[RELEASE] for each in notes if RELEASE in each]  # the others are guards

    until(lambda: servers() == [digest(at_home, first)], "the shadow is gone")
