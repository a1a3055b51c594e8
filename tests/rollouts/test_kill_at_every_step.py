"""If these fail, a rollout whose laptop lost power leaves a site half switched.

The engine is killed with SIGKILL at every moment of its journal, and the rollout resumed.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import msgspec
import pytest

from tests.rollouts.plant import WISH, End, Plant, text_of, wait
from tests.sites.parts import until
from yolodeploy.core.site import Phase
from yolodeploy.core.steps import Outcome, SiteResult, Step
from yolodeploy.inventory import rollout_waves
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.calendars import set_calendar
from yolodeploy.ops.home import Home
from yolodeploy.ops.quickstart import clean_up
from yolodeploy.rollouts.planning import Wish

pytestmark = pytest.mark.slow

FORWARD = [Step.PREFETCH, Step.CHECK, Step.SWITCH, Step.SETTLE, Step.OBSERVE]
MEASURING = {Step.CHECK, Step.OBSERVE}


def moments_of(lines: list[str], steps: list[Step]) -> list[str]:
    """Each line's two moments, in order, and those of the figures."""
    found = []
    for line in lines:
        step, _, outcome = line.partition(" ")
        if outcome != "intended" and Step(step) in MEASURING and Step(step) in steps:
            found += [f"before {step} figures", f"after {step} figures"]
        found += [f"before {line}", f"after {line}"]
    return found


GOOD = [
    line
    for step in (*FORWARD, Step.VERDICT, Step.COMMIT)
    for line in (f"{step.value} intended", f"{step.value} done")
]
BAD = [
    *(line for line in GOOD if line.split()[0] in {step.value for step in FORWARD}),
    "verdict intended",
    "verdict failed",
    "revert intended",
    "revert done",
]
# what is done at "before X intended" and at "after X done" is also what is done just beside it
DISTINCT = [
    moment
    for moment in moments_of(GOOD, FORWARD)
    if moment.endswith("figures")
    or (moment.startswith("after") and moment.endswith("intended"))
    or (moment.startswith("before") and moment.endswith("done"))
]


class Proving:
    """One site that is used again and again, and how undisturbed rollouts end on it."""

    def __init__(self, home: Home) -> None:
        self.plant = Plant(home)
        self.plant.sites(1)
        self.good = [self.plant.release(1), self.plant.release(2)]
        self.spoiled = self.plant.release(3)
        first, _ = self.plant.run(self.good[0])
        assert self.plant.row(first).state is RolloutState.DONE
        self.undisturbed: dict[str, End] = {}
        for alias in (self.good[1], self.good[0], self.spoiled):
            rollout, _ = self.plant.run(alias)
            told = [text_of(entry) for entry in self.plant.journal(rollout)]
            assert told == (BAD if alias == self.spoiled else GOOD)
            self.undisturbed[alias] = self.plant.end(rollout)

    def other(self) -> str:
        """The sound release that does not run now."""
        app = self.plant.bench().app()
        assert app.release is not None
        return next(alias for alias in self.good if alias != app.release.alias)

    def back(self) -> None:
        """The release that the undisturbed bad rollout met."""
        if self.other() == self.good[0]:
            self.plant.run(self.good[0])


@pytest.fixture(scope="module")
def proving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proving]:
    home = Home(tmp_path_factory.mktemp("proving") / "home").create()
    try:
        yield Proving(home)
    finally:
        clean_up(home)


def killed(plant: Plant, rollout: str, moment: str) -> None:
    assert wait(plant.crash(rollout, moment)) == -signal.SIGKILL, moment


@pytest.mark.parametrize("moment", [*DISTINCT, "before prefetch intended", "after commit done"])
def test_a_good_release_gets_there(proving: Proving, moment: str) -> None:
    alias = proving.other()
    rollout = proving.plant.created(alias)
    killed(proving.plant, rollout, moment)
    assert proving.plant.resume(rollout) == 0
    assert proving.plant.end(rollout) == proving.undisturbed[alias]


@pytest.mark.parametrize(
    "moment",
    [
        "before verdict failed",
        "after verdict failed",
        "after revert intended",
        "before revert done",
        "after revert done",
    ],
)
def test_a_bad_release_is_taken_back(proving: Proving, moment: str) -> None:
    proving.back()
    rollout = proving.plant.created(proving.spoiled)
    killed(proving.plant, rollout, moment)
    assert proving.plant.resume(rollout) == 4
    assert proving.plant.end(rollout) == proving.undisturbed[proving.spoiled]


def test_killed_at_one_moment_after_the_other_a_good_release_still_gets_there(
    proving: Proving,
) -> None:
    """Each engine goes on where the last was killed, and is killed one moment later."""
    alias = proving.other()
    rollout = proving.plant.created(alias)
    for moment in moments_of(GOOD, FORWARD):
        killed(proving.plant, rollout, moment)
    assert proving.plant.resume(rollout) == 0
    assert proving.plant.end(rollout) == proving.undisturbed[alias]


def test_killed_at_one_moment_after_the_other_a_bad_release_is_still_taken_back(
    proving: Proving,
) -> None:
    proving.back()
    rollout = proving.plant.created(proving.spoiled)
    for moment in moments_of(BAD, FORWARD):
        killed(proving.plant, rollout, moment)
    assert proving.plant.resume(rollout) == 4
    assert proving.plant.end(rollout) == proving.undisturbed[proving.spoiled]


# waves, approvals, windows and sites that stay away ----------------------------------------------

IN_WAVES = msgspec.structs.replace(WISH, waves="1,100%", approve_after="1")
LATER = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86400))


class Pair:
    """Two sites that are used again and again."""

    def __init__(self, home: Home) -> None:
        self.plant = Plant(home)
        self.one, self.two = self.plant.sites(2)
        self.aliases = [self.plant.release(1), self.plant.release(2)]

    def fresh(self, wish: Wish = IN_WAVES) -> str:
        """A rollout of the release that the sites do not run, driven by nobody yet."""
        runs = [app.release.alias for b in (self.one, self.two)
                for app in b.site.observe().apps if app.release]  # fmt: skip
        assert len(set(runs)) <= 1
        alias = next(alias for alias in self.aliases if alias not in runs)
        return self.plant.created(alias, wish)

    def done(self, rollout: str) -> None:
        """Both run it, and nobody holds either any more."""
        assert self.plant.row(rollout).state is RolloutState.DONE
        assert set(self.plant.results(rollout).values()) == {SiteResult.COMMITTED}
        for bench in (self.one, self.two):
            app = bench.app()
            assert app.release is not None
            assert (app.release.digest, app.phase) == (
                self.plant.row(rollout).release,
                Phase.COMMITTED,
            )
            assert bench.site.observe().lease is None


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    home = Home(tmp_path_factory.mktemp("pair") / "home").create()
    try:
        yield Pair(home)
    finally:
        clean_up(home)


def test_killed_around_a_wave_nobody_goes_on_without_the_approval(pair: Pair) -> None:
    """And the approval of who then gave it is not asked for again."""
    plant, rollout = pair.plant, pair.fresh()
    for moment in ("before wave 1 begins", "after wave 1 begins", "before wave 1 ends",
                   "after wave 1 ends"):  # fmt: skip
        killed(plant, rollout, moment)
        assert plant.journal(rollout, "site-2") == []
    # the process is gone and nobody has been told: whoever looks next finds it
    assert plant.row(rollout).state is RolloutState.RUNNING
    assert plant.resume(rollout) == 5
    assert plant.row(rollout).state is RolloutState.APPROVAL
    with open_inventory(plant.home.inventory) as inventory:  # said, and killed before going on
        rollout_waves.approve_wave(inventory, rollout, 1, "ana@plant", at=time.time())
    for moment in ("before wave 2 begins", "after wave 2 begins", "after commit done",
                   "before wave 2 ends", "after wave 2 ends"):  # fmt: skip
        killed(plant, rollout, moment)
    assert plant.resume(rollout) == 0
    pair.done(rollout)
    with read_inventory(plant.home.inventory) as inventory:
        known = rollout_waves.waves(inventory, rollout)
    assert known[1].approved_by == "ana@plant"
    assert known[1].begun_at is not None
    assert known[1].begun_at < (known[1].ended_at or 0) < (known[2].begun_at or 0)


def test_killed_while_a_site_waits_for_its_window_it_still_waits(pair: Pair) -> None:
    plant = pair.plant
    set_calendar(plant.home, "site-1", (), (f"2020-01-01/{LATER}",), "Asia/Kathmandu")
    rollout = pair.fresh(msgspec.structs.replace(WISH, waves="1,100%"))
    for moment in ("before check scheduled", "after check scheduled"):
        killed(plant, rollout, moment)
        assert plant.journal(rollout, "site-2") == []
    assert plant.resume(rollout) == 3
    row = plant.row(rollout)
    assert row.state is RolloutState.WAITING
    assert (row.again_at or 0) > time.time() + 86400
    told = [text_of(entry) for entry in plant.journal(rollout)]
    assert told.count("check scheduled") == 1
    set_calendar(plant.home, "site-1", (), (), "")
    assert plant.resume(rollout) == 0
    pair.done(rollout)


def test_killed_while_a_site_is_away_it_is_given_up_once(pair: Pair) -> None:
    plant = pair.plant
    rollout = pair.fresh(msgspec.structs.replace(WISH, waves="1,100%", expires_s=0.05))
    pair.one.stop()
    try:
        for moment in ("before check waiting", "after check waiting"):
            killed(plant, rollout, moment)
        time.sleep(0.1)
        for moment in ("before check expired", "after check expired"):
            killed(plant, rollout, moment)
        assert plant.resume(rollout) == 6
    finally:
        pair.one.start()
    # a server that is just starting has no answers for the next one to be compared with
    until(
        lambda: [i.ready for i in pair.one.site.observe().instances] == [True],
        "site-1 answers again",
    )
    row = plant.row(rollout)
    assert (row.state, row.again_at) == (RolloutState.EXPIRED, None)
    assert plant.results(rollout) == {
        "site-1": SiteResult.EXPIRED,
        "site-2": SiteResult.COMMITTED,
    }
    told = [text_of(entry) for entry in plant.journal(rollout)]
    assert told.count("check expired") == 1
    # the next one takes both to the same again
    again, code = plant.run(plant.row(rollout).plan.release, ("site-1",))
    assert code == 0, (plant.row(again).reason, plant.journal(again))


def test_a_rollout_that_was_taken_over_stays_so_whoever_dies(pair: Pair) -> None:
    plant = pair.plant
    older = pair.fresh()
    killed(plant, older, "after wave 1 ends")
    assert plant.resume(older) == 5
    other = next(a for a in pair.aliases if a != pair.one.app().release.alias)  # type: ignore[union-attr]
    newer = plant.created(other, WISH)
    assert plant.row(older).state is RolloutState.ABORTED
    killed(plant, newer, "after switch intended")
    # an engine of the older one that comes late finds nothing that is its own
    assert wait(plant.crash(older, "before wave 2 begins")) == 1
    assert plant.journal(older, "site-2")[-1].outcome is Outcome.SUPERSEDED
    assert plant.resume(newer) == 0
    assert plant.row(newer).state is RolloutState.DONE
