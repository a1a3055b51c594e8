"""If these fail, an engine that dies while a release is tried leaves it there, or tries it not.

As `test_kill_at_every_step`, for the step `beside`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec
import pytest

from tests.rollouts.plant import WISH, text_of
from tests.rollouts.test_beside import Trying
from tests.rollouts.test_kill_at_every_step import killed
from tests.sites.parts import kill, until
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.site import Phase
from yolodeploy.core.steps import SiteResult
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.home import Home
from yolodeploy.ops.quickstart import clean_up

pytestmark = pytest.mark.slow

MOMENTS = (
    "after check done",
    "after beside intended",
    "before beside figures",
    "after beside figures",
)
GOOD = (*MOMENTS, "before beside done", "after beside done", "after switch intended")
BAD = (*MOMENTS, "before beside failed", "after beside failed", "after revert intended")


class Site(Trying):
    """One site that is used again and again, on which a good release runs."""

    def alone(self, release: str) -> None:
        """One server of a release serves, nothing is beside it, and nobody holds the site."""
        state, app = self.bench.site.observe(), self.bench.app()
        assert app.release == app.serving == self.bench.release(release)
        assert app.settled
        assert [item.ready for item in state.instances] == [True]
        assert state.lease is None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = Home(tmp_path_factory.mktemp("beside") / "home").create()
    try:
        yield Site(home)
    finally:
        clean_up(home)


@pytest.mark.parametrize("way", list(Way), ids=lambda way: way.value)
def test_a_good_release_is_tried_and_gets_there(site: Site, way: Way) -> None:
    """Each engine goes on where the last was killed, and is killed one moment later."""
    plant, release = site.plant, site.other()
    wish = msgspec.structs.replace(WISH, beside=Beside(way, 100), beside_for_s=0.5)
    rollout = plant.created(release, wish)
    directly = way is Way.BLUE_GREEN  # there is no room for it, which is said once
    for moment in GOOD if not directly else [m for m in GOOD if "figures" not in m]:
        killed(plant, rollout, moment)
    assert plant.resume(rollout) == 0
    site.alone(release)
    assert site.bench.app().phase is Phase.COMMITTED
    lines = [text_of(entry) for entry in plant.journal(rollout)]
    assert lines.count("beside done") == 1
    (told,) = [e.detail for e in plant.journal(rollout) if text_of(e) == "beside done"]
    assert ("goes directly" in told) is directly


@pytest.mark.parametrize("way", [Way.CANARY, Way.SHADOW], ids=lambda way: way.value)
def test_a_bad_release_is_taken_away(site: Site, way: Way) -> None:
    plant, good = site.plant, next(alias for alias in site.good if alias != site.other())
    wish = msgspec.structs.replace(WISH, beside=Beside(way, 100), beside_for_s=0.5)
    rollout = plant.created(site.spoiled, wish)
    for moment in BAD:
        killed(plant, rollout, moment)
    assert plant.resume(rollout) == 4
    assert plant.row(rollout).state is RolloutState.FAILED
    assert plant.results(rollout) == {"site-1": SiteResult.REVERTED}
    site.alone(good)
    assert "switch intended" not in [text_of(entry) for entry in plant.journal(rollout)]


def test_where_nobody_comes_back_the_site_takes_it_away_itself(site: Site) -> None:
    """The guard waits as long as trying it takes, and no longer."""
    plant, good = site.plant, next(alias for alias in site.good if alias != site.other())
    wish = msgspec.structs.replace(WISH, beside=Beside(Way.SHADOW), beside_for_s=0.5)
    rollout = plant.created(site.other(), wish)
    killed(plant, rollout, "after beside figures")
    left_s = site.bench.app().guard_left_s
    assert left_s is not None
    assert 0 < left_s <= plant.row(rollout).plan.beside_guarding_s(build_s=0.0)
    # the one that comes back does not begin the time anew, and finds what the site did meanwhile
    past_its_deadline(site)
    app = until(lambda: (app := site.bench.app()).phase is Phase.REVERTED and app, "it went back")
    assert app.reason == "deadline"
    assert plant.resume(rollout) == 4
    site.alone(good)


@pytest.mark.parametrize("reason", ["restarts", "deadline"])
def test_between_being_tried_and_the_switch_the_site_still_watches(site: Site, reason: str) -> None:
    """One that dies there is not switched to; one that only waited for too long is."""
    plant, release = site.plant, site.other()
    good = next(alias for alias in site.good if alias != release)
    wish = msgspec.structs.replace(WISH, beside=Beside(Way.SHADOW, 100), beside_for_s=0.5)
    rollout = plant.created(release, wish)
    killed(plant, rollout, "after beside done")
    if reason == "deadline":
        past_its_deadline(site)
    else:
        digest = site.bench.release(release).digest
        (shadow,) = (i for i in site.bench.instances() if i.release == digest)
        kill(site.bench.pid(shadow.name))
    app = until(lambda: (app := site.bench.app()).phase is Phase.REVERTED and app, "it went back")
    assert app.reason == reason
    assert plant.resume(rollout) == (0 if reason == "deadline" else 4)
    site.alone(release if reason == "deadline" else good)


def past_its_deadline(site: Site) -> None:
    """As if the guard had waited already: it counts seconds since boot."""
    with sqlite3.connect(site.bench.folder.database) as store:
        store.execute("UPDATE apps SET guard_until = 1.0 WHERE guard_until IS NOT NULL")
