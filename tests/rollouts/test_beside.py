"""If these fail, a release that was to be tried first serves untried, or a bad one gets through."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from tests.rollouts.plant import EXAMPLE, LONG, WISH, Plant, text_of
from tests.sites.clients import Clients
from tests.sites.parts import until
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.gates import ON_TRAFFIC, Verdict
from yolodeploy.core.steps import Outcome, SiteResult, Step
from yolodeploy.inventory import journal
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops import going_back, rollouts
from yolodeploy.ops.calendars import set_calendar
from yolodeploy.ops.home import Home
from yolodeploy.ops.quickstart import clean_up
from yolodeploy.ops.sites import hold_site
from yolodeploy.rollouts.planning import Wish

SHADOW = msgspec.structs.replace(WISH, beside=Beside(Way.SHADOW, 100), beside_for_s=1.0)
CANARY = msgspec.structs.replace(WISH, beside=Beside(Way.CANARY, 50), beside_for_s=1.0)
BLUE_GREEN = msgspec.structs.replace(WISH, beside=Beside(Way.BLUE_GREEN), beside_for_s=1.0)
PICTURE = min((EXAMPLE / "frames").glob("*.jpg")).read_bytes()


class Trying:
    """One site of one device, its clients, and the three sample models."""

    def __init__(self, home: Home) -> None:
        self.plant = Plant(home)
        (self.bench,) = self.plant.sites(1)
        self.good = [self.plant.release(1), self.plant.release(2)]
        self.spoiled = self.plant.release(3)
        self.plant.run(self.good[0])

    def other(self) -> str:
        """The sound release that does not run now."""
        app = self.bench.app()
        assert app.release is not None
        return next(alias for alias in self.good if alias != app.release.alias)

    def serving(self) -> str:
        """The digest of the release that serves now."""
        app = self.bench.app()
        assert app.serving is not None
        return app.serving.digest

    def clients(self) -> Clients:
        return Clients(self.bench.app().endpoints[0], PICTURE, count=1)

    def told(self, rollout: str, step: Step = Step.BESIDE) -> str:
        """What the last word on a step says."""
        entries = [e for e in self.plant.journal(rollout) if e.step is step and e.detail]
        return entries[-1].detail if entries else ""

    def verdicts(self, rollout: str) -> dict[str, Verdict]:
        with read_inventory(self.plant.home.inventory) as inventory:
            (row,) = journal.rollout_sites(inventory, rollout)
        return {gate.gate: gate.verdict for gate in row.gates}


@pytest.fixture(scope="module")
def trying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trying]:
    home = Home(tmp_path_factory.mktemp("trying") / "home").create()
    try:
        yield Trying(home)
    finally:
        clean_up(home)


@pytest.mark.parametrize("wish", [SHADOW, CANARY], ids=["shadow", "canary"])
def test_a_spoiled_release_is_taken_away_again(trying: Trying, wish: Wish) -> None:
    plant, before = trying.plant, trying.serving()
    (old,) = trying.bench.instances()
    with trying.clients() as clients:
        rollout, code = plant.run(trying.spoiled, wish=wish)
    assert code == 4
    assert plant.results(rollout) == {"site-1": SiteResult.REVERTED}
    assert clients.failed == []
    if wish is SHADOW:
        assert set(clients.by) == {before}
    lines = [text_of(entry) for entry in plant.journal(rollout)]
    assert lines[-3:] == ["beside failed", "revert intended", "revert done"]
    assert "switch intended" not in lines
    assert trying.verdicts(rollout)["beside: agreement"] is Verdict.FAILED
    assert trying.bench.only_instance() == old
    assert trying.bench.app().beside is msgspec.UNSET


def test_a_canary_that_does_well_takes_over(trying: Trying) -> None:
    plant, release = trying.plant, trying.other()
    with trying.clients() as clients:
        rollout, code = plant.run(release, wish=CANARY)
    assert (code, clients.failed) == (0, [])
    assert trying.told(rollout).startswith("canary, 1 of 2 instances, 50 % of the traffic")
    assert trying.serving() == trying.bench.release(release).digest


def with_frames(plant: Plant, folder: str) -> None:
    with open_inventory(plant.home.inventory) as inventory:
        inventory.execute("UPDATE apps SET frames = ?", (folder,))


def test_traffic_alone_is_enough_to_agree_on_and_none_at_all_is_not(trying: Trying) -> None:
    """Where nobody gave frames, made-up ones show errors and time, and nothing to agree on.

    Why it passed is kept, beside what the switched one did.
    """
    plant, release = trying.plant, trying.other()
    with_frames(plant, "")
    try:
        rollout, code = plant.run(release, wish=msgspec.structs.replace(SHADOW, observe_s=1.0))
        assert code == 4
        assert plant.results(rollout) == {"site-1": SiteResult.INCONCLUSIVE}
        assert trying.verdicts(rollout)[f"beside: {ON_TRAFFIC}"] is Verdict.INCONCLUSIVE
        patient = msgspec.structs.replace(SHADOW, observe_s=200.0)  # not of a busy machine
        with trying.clients() as clients:
            rollout, code = plant.run(release, wish=patient)
    finally:
        with_frames(plant, str(plant.frames))
    assert (code, clients.failed) == (0, [])
    steps = [entry.step for entry in plant.journal(rollout)]
    assert steps.index(Step.CHECK) < steps.index(Step.BESIDE) < steps.index(Step.SWITCH)
    told = trying.told(rollout)
    assert told.startswith("shadow, 1 of 2 instances")
    assert " 0 mirrored" not in told
    verdicts = trying.verdicts(rollout)
    assert {f"beside: {ON_TRAFFIC}", "beside: errors", ON_TRAFFIC, "errors"} <= set(verdicts)
    assert set(verdicts.values()) == {Verdict.PASSED}
    assert "agreement" not in verdicts


def test_where_it_cannot_be_tried_it_goes_directly_and_says_so(
    trying: Trying, plant: Plant
) -> None:
    release = trying.other()
    _, planned = rollouts.plan(trying.plant.home, release, (), BLUE_GREEN)
    assert "no room beside" in planned.site("site-1").directly
    rollout, code = trying.plant.run(release, wish=BLUE_GREEN)
    assert code == 0
    assert "no room beside" in trying.told(rollout)
    # a person's own shadow is not replaced
    settings = trying.bench.folder.settings
    settings.write_text('[shadow]\nurl = "http://127.0.0.1:9/"\n')
    try:
        _, planned = rollouts.plan(trying.plant.home, trying.other(), (), SHADOW)
        assert "one of their own" in planned.site("site-1").directly
        little = msgspec.structs.replace(CANARY, beside=Beside(Way.CANARY, 10))
        for wish, reason in ((CANARY, ""), (little, "a canary gets 50 % of the traffic")):
            _, planned = rollouts.plan(trying.plant.home, trying.other(), (), wish)
            found = planned.site("site-1")
            assert (found.directly, found.reason) == ("", reason)
    finally:
        settings.unlink()
    # and there is nothing to be beside of
    plant.sites(1)
    rollout, code = plant.run(plant.release(1), wish=SHADOW)
    assert code == 0
    (told,) = [e.detail for e in plant.journal(rollout) if text_of(e) == "beside done"]
    assert told == "goes directly: nothing runs there yet"
    # an undo goes back to what is known
    done, _ = plant.run(plant.release(2))
    started = going_back.undo(plant.home, done, SHADOW)
    assert plant.ended(started) == 0
    assert "beside intended" not in [text_of(e) for e in plant.journal(started.rollout)]


def test_an_abort_takes_away_what_runs_beside(trying: Trying) -> None:
    plant, before = trying.plant, trying.serving()
    started = plant.start(trying.other(), wish=msgspec.structs.replace(SHADOW, beside_for_s=600.0))
    plant.reached(started.rollout, "beside intended")
    until(lambda: len(trying.bench.instances()) == 2, "it was started")
    rollouts.abort(plant.home, started.rollout)
    assert plant.ended(started) == 4
    assert plant.row(started.rollout).state is RolloutState.ABORTED
    assert trying.bench.only_instance().release == before
    assert trying.bench.app().outage_s == 0


def test_holds_and_windows_are_for_trying_too(trying: Trying) -> None:
    """What runs beside takes memory and traffic: a site that must not be touched is not."""
    plant = trying.plant
    rollout = plant.created(trying.other(), SHADOW)
    hold_site(plant.home, "site-1", "audit")
    assert plant.resume(rollout) == 3
    last = plant.journal(rollout)[-1]
    assert (last.step, last.outcome) == (Step.BESIDE, Outcome.WAITING)
    assert "audit" in last.detail
    assert len(trying.bench.instances()) == 1
    hold_site(plant.home, "site-1", None)
    # a window that has room for the switch alone is none
    long = msgspec.structs.replace(LONG, beside=SHADOW.beside, beside_for_s=86_400.0)
    set_calendar(plant.home, "site-1", ("Mon-Sun 00:00-12:00",), (), "UTC")
    try:
        _, planned = rollouts.plan(plant.home, trying.other(), (), long)
        assert "window" in planned.site("site-1").reason
        _, planned = rollouts.plan(plant.home, trying.other(), (), LONG)
        assert planned.site("site-1").reason == ""
    finally:
        set_calendar(plant.home, "site-1", (), (), "")
    assert plant.resume(rollout) == 0
    assert plant.row(rollout).state is RolloutState.DONE
