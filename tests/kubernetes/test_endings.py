"""If these fail, a rollout over a cluster in trouble ends wrong, or says nothing that helps.

The engine, its journal and the guard are real; the cluster is a double, and a test breaks it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.kubernetes.double import Answers, Cluster
from tests.kubernetes.test_rollouts import QUICK, digest
from tests.rollouts.plant import CALM, Plant
from tests.sites.parts import APP, until
from yolodeploy.core.steps import SiteResult
from yolodeploy.inventory import journal
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.rollouts import RolloutState, get_rollout
from yolodeploy.ops import operations, rollouts
from yolodeploy.ops.home import Home

# a cluster in trouble is waited for; not for long here
HASTY = msgspec.structs.replace(QUICK, settle_s=6.0)


def never_ready(double: Cluster, release: str) -> None:
    double.answers[release] = Answers(starts=False)


def no_image(double: Cluster, release: str) -> None:
    double.missing.add(":")  # whatever is asked for


def full_quota(double: Cluster, release: str) -> None:
    double.quota = 1


def dead_node(double: Cluster, release: str) -> None:
    double.answers[release] = Answers(starts=False)

    def in_the_middle(method: str, path: str) -> None:
        if "/jobs/yolodeploy-guard" in path:
            double.set_node("edge-1", ready=False)

    double.fault = in_the_middle


ENDED = {RolloutState.FAILED}
TROUBLES: dict[str, tuple[Callable[[Cluster, str], None], set[RolloutState], str]] = {
    "its probe never passes": (never_ready, ENDED, "not ready"),
    "no node has its image": (no_image, ENDED, "not found"),
    "the quota is full": (full_quota, ENDED, "exceeded quota"),
    # the old one cannot be seen to run there either: that is waited for
    "its node falls silent": (dead_node, {RolloutState.WAITING, RolloutState.FAILED}, "not ready"),
}


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_rollout_ends_with_the_old_release_and_says_why(
    trouble: str,
    at_home: Home,
    double: Cluster,
    run: Run,  # noqa: F811
) -> None:
    breaks, states, word = TROUBLES[trouble]
    plant = Plant(at_home)
    first, second = (plant.release(version, CALM) for version in (1, 2))
    ended(at_home, first, QUICK)
    breaks(double, digest(at_home, second))
    state, result, reason = ended(at_home, second, HASTY)
    double.fault = None
    double.set_node("edge-1", ready=True)
    assert state in states, reason
    assert result is not SiteResult.COMMITTED
    assert word in reason
    assert reason.isprintable()

    def old_runs() -> bool:
        owned = [pod["metadata"] for pod in double.of("pods", APP) if "owner" in pod["metadata"]]
        return [digest(at_home, first) in str(meta["annotations"]) for meta in owned] == [True]

    until(old_runs, "the old release runs, alone")
    assert run("rollout", "list").out.count(state.value) == 1


def ended(home: Home, release: str, wish: object) -> tuple[RolloutState, SiteResult | None, str]:
    started = rollouts.start(home, release, (), wish)  # type: ignore[arg-type]
    for _ in operations.follow(home, started.operation):
        pass
    with read_inventory(home.inventory) as inventory:
        row = get_rollout(inventory, started.rollout)
        (site,) = journal.rollout_sites(inventory, started.rollout)
    return row.state, site.result, row.reason
