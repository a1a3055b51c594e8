"""If these fail, a rollout over a cluster in trouble ends wrong, or says nothing that helps.

One rollout over a site for each trouble: the engine, its journal and the guards are real, the
clusters are doubles. What is asked is how each ends, not how long it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from tests.fleet.ending import settled_wrongs
from tests.fleet.fleet import WAITS, Laptop
from tests.kubernetes.troubled import TROUBLES, Troubled, left_over
from tests.rollouts.plant import CALM, WISH
from tests.rollouts.plant import Plant as Bench
from tests.sites.parts import APP, until
from yolodeploy.core.errors import Unreachable
from yolodeploy.core.steps import Outcome, SiteResult
from yolodeploy.core.waves import Scope
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.adopt import adopt_cluster
from yolodeploy.ops.home import Home
from yolodeploy.ops.shipped import shipped
from yolodeploy.sites.kubernetes.access import Access
from yolodeploy.sites.kubernetes.site import KubernetesSite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# what is never ready is waited for; a busy machine starts guards and servers within it all the same
# and what is ready is looked at for longer than a watch takes to tell that a pod was killed
ALL_AT_ONCE = replace(
    WISH, waves="100%", on_failure=Scope.SITE, concurrency=len(TROUBLES), settle_s=60.0,
    observe_s=30.0, soak_s=5.0, guard_s=600.0,
)  # fmt: skip
SITES = {trouble: f"plant-{number:02}" for number, trouble in enumerate(TROUBLES, 1)}


class Ended(NamedTuple):
    """The rollout, as it ended everywhere."""

    laptop: Laptop
    plants: dict[str, Troubled]
    first: str
    second: str
    rollout: str
    codes: list[int]

    def told(self, site: str) -> str:
        """What a person is told of a site: why it did not go on, of all that was said."""
        bad = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.WAITING)
        entries = self.laptop.journal(self.rollout, site)
        return "\n".join(entry.detail for entry in entries if entry.outcome in bad)

    def site(self, name: str) -> KubernetesSite:
        access = Access(self.plants[name].file, "here")
        return KubernetesSite(
            name, access, self.laptop.home.layout, shipped("k3s"), lambda digest: "edge.local/app"
        )


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """The rollout of a second release over sites of which each gets into its own trouble."""
    home = Home(tmp_path_factory.mktemp("endings") / "home").create()
    bench, laptop = Bench(home), Laptop(home)
    first, second = (bench.release(version, CALM) for version in (1, 2))
    plants = {SITES[name]: Troubled(trouble.nodes) for name, trouble in TROUBLES.items()}
    begun: list[Troubled] = []
    try:
        for name, plant in plants.items():
            plant.__enter__()
            begun.append(plant)
            plant.file = plant.kubeconfig(home.root / f"{name}.kubeconfig")
            plant.image = laptop.kept(second).spec.image
            until(lambda name=name, plant=plant: adopted(home, name, plant), f"{name} is adopted")  # type: ignore[misc]
        before, code = laptop.run(first, wish=replace(ALL_AT_ONCE, settle_s=120.0))
        if code == WAITS:  # a busy machine answers nobody for a while
            code = laptop.drive(before)
        assert code == 0, laptop.row(before).reason
        digest = laptop.digest(second)
        rollout = laptop.created(second, ALL_AT_ONCE)
        for name, trouble in TROUBLES.items():
            trouble.befalls(plants[SITES[name]], digest)
        codes = [laptop.resume(rollout)]
        for name, trouble in TROUBLES.items():
            if trouble.mends is not None:
                trouble.mends(plants[SITES[name]])
        codes.append(laptop.drive(rollout))
        yield Ended(laptop, plants, first, second, rollout, codes)
    finally:
        for plant in reversed(begun):  # kmock's contexts are nested
            plant.__exit__()


def adopted(home: Home, name: str, plant: Troubled) -> bool:
    with suppress(Unreachable):
        adopt_cluster(home, name, "here", plant.file)
        return True
    return False


@pytest.mark.parametrize("trouble", TROUBLES)
def test_it_ends_right_and_says_why(trouble: str, ended: Ended) -> None:
    name, plant, wanted = SITES[trouble], ended.plants[SITES[trouble]], TROUBLES[trouble]
    told = ended.told(name)
    assert ended.laptop.results(ended.rollout)[name] in wanted.ends, told
    for word in wanted.words:
        assert word in told
    assert all(line.isprintable() for line in told.splitlines())
    runs = ended.second if SiteResult.COMMITTED in wanted.ends else ended.first

    def wrongs() -> list[str]:
        state = ended.site(name).observe()
        app = state.app(APP)
        assert app is not None
        return [*settled_wrongs(state, app, ended.laptop.digest(runs)), *left_over(plant)]

    with suppress(AssertionError):
        until(lambda: not wrongs(), f"{name} is as it must be")
    assert not wrongs()


def test_the_rollout_says_that_it_waits_and_then_that_it_failed(ended: Ended) -> None:
    assert ended.codes[0] == 3, "a silent node is waited for"
    assert ended.codes[-1] == 4
    assert ended.laptop.row(ended.rollout).state is RolloutState.FAILED
