"""If these fail, a trial waits for its guard on a node to which nobody has brought the image."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.kubernetes.double import Cluster
from tests.kubernetes.parts import Bench, release
from tests.sites.parts import APP, until
from yolodeploy.core.app_setup import AppSetup, KeptSetup
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.cluster import BESIDE
from yolodeploy.core.site import Intent, Phase


@pytest.fixture
def plant(connected: Callable[[Cluster], Bench]) -> Iterator[Bench]:
    """A gateway with GPUs, and one without that gets no image: its link is too slow."""
    with Cluster(gpus=2) as double:
        double.node("edge-2")
        double.pulling.add("edge-2")
        yield connected(double)


def guards(double: Cluster) -> set[str]:
    """The nodes of guards that are there."""
    pods = [pod for pod in double.of("pods", APP) if "guard" in pod["metadata"]["name"]]
    return {pod["spec"].get("nodeName", "") for pod in pods}


def test_it_runs_where_the_image_was_brought(plant: Bench) -> None:
    first, second = release(1, gpus=1), release(2, gpus=1)
    fence = plant.commit(first)
    plant.site.prefetch(second.spec)
    commit = plant.trial(second, first, 3600.0, fence)
    plant.settled(second, Phase.TRIAL)
    assert guards(plant.double) == {"edge-1"}
    plant.site.apply(commit, fence)
    plant.settled(second, Phase.COMMITTED)


def test_a_node_that_joins_later_may_have_it(plant: Bench) -> None:
    """All that were there before may be gone by then, as spot nodes are."""
    double, first, second = plant.double, release(1, gpus=1), release(2, gpus=1)
    fence = plant.commit(first)
    plant.trial(second, first, 3600.0, fence)
    plant.settled(second, Phase.TRIAL)
    double.node("edge-3", 2)
    del double.kept["nodes", "", "edge-1"]
    for pod in double.of("pods", APP):
        del double.kept["pods", APP, pod["metadata"]["name"]]
    until(lambda: guards(double) == {"edge-3"}, "the guard runs on the new node")


def test_one_that_takes_away_what_is_beside_has_its_image_too(plant: Bench) -> None:
    """Somebody has deleted the guard of the trial meanwhile, so that another is placed."""
    double, first, second = plant.double, release(1, gpus=1), release(2, gpus=1)
    fence = plant.commit(first)
    plant.try_beside(second, first, Beside(Way.SHADOW), fence, 3600.0)
    until(lambda: (app := plant.app()) and app.beside and app.settled, "one beside the other")
    for job in double.of("jobs", APP):
        del double.kept["jobs", APP, job["metadata"]["name"]]
    plant.site.apply(Intent(app=APP, release=first), fence)
    until(lambda: ("deployments", APP, BESIDE) not in double.kept, "what was beside is gone")
    plant.settled(first)


def full(double: Cluster) -> None:
    double.kept["nodes", "", "edge-1"]["status"]["allocatable"]["cpu"] = "1"


def spot(double: Cluster) -> None:
    taint = {"key": "yolodeploy.io/spot", "value": "true", "effect": "NoSchedule"}
    double.kept["nodes", "", "edge-1"]["spec"]["taints"] = [taint]


@pytest.mark.parametrize("befalls", [full, spot])
def test_where_nobody_else_can_have_it_any_node_may(
    befalls: Callable[[Cluster], None], plant: Bench
) -> None:
    """A registry may give it the image there; without a guard nothing is ever switched."""
    first, second = release(1, gpus=1, cpu_millis=1000), release(2, gpus=1)
    fence = plant.commit(first)
    assert plant.site.fitting.left_out(second.spec, "another") == ["edge-2"]
    plant.site.setups.put(APP, KeptSetup(setup=AppSetup(spot=True)), fence)
    befalls(plant.double)
    assert plant.site.fitting.left_out(second.spec, "another") == []
