"""If these fail, a bad release spreads, or a sound one is taken back for what it did not do.

What goes wrong beside the release: the link dies when a site must go back, somebody else has taken
a site, the journal cannot be written, an answer is lost.
"""

from __future__ import annotations

import signal
import time

import msgspec
import pytest

from tests.rollouts.plant import WISH, Plant, text_of, wait
from tests.sites.parts import Bench, until
from yolodeploy.core.errors import Refused, Unreachable
from yolodeploy.core.fates import Fate
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.site import Fence, Intent, Phase, Prefetched
from yolodeploy.core.steps import SiteResult
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.faults import Busy
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops import rollout_fates, rollouts
from yolodeploy.ops.calendars import set_calendar
from yolodeploy.ops.operations import Teller
from yolodeploy.ops.rollout_journal import InventoryJournal
from yolodeploy.rollouts.frames import Frames
from yolodeploy.rollouts.rollout import Rollout
from yolodeploy.sites.embedded.site import EmbeddedSite

COMMITTED, REVERTED = SiteResult.COMMITTED, SiteResult.REVERTED
DAY_S = 86400.0
IN_WAVES = msgspec.structs.replace(WISH, waves="1,100%", expires_s=DAY_S)


def before_an_update(plant: Plant) -> tuple[Bench, str, str, str]:
    """A site, the release that it runs, another one, and the rollout that nobody drives yet."""
    (bench,) = plant.sites(1)
    first, second = plant.release(1), plant.release(2)
    plant.run(first)
    return bench, first, second, plant.created(second)


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_canary_that_failed_and_cannot_go_back_yet_lets_nobody_follow(
    plant: Plant, comes_back: bool
) -> None:
    """The release itself may have cost it its link."""
    one, _ = plant.sites(2)
    first, spoiled = plant.release(1), plant.release(3)
    plant.run(first)
    rollout = plant.created(spoiled, IN_WAVES)
    assert wait(plant.crash(rollout, "after verdict failed")) == -signal.SIGKILL
    one.stop()
    assert plant.resume(rollout) == 3
    assert text_of(plant.journal(rollout)[-1]) == "revert waiting"
    assert plant.journal(rollout, "site-2") == []
    assert plant.row(rollout).state is RolloutState.WAITING
    assert "agreement" in plant.row(rollout).reason
    if comes_back:
        one.start()
    else:
        with open_inventory(plant.home.inventory) as inventory:
            inventory.execute("UPDATE steps SET at = at - ?", (DAY_S,))
    assert plant.resume(rollout) == 4
    assert plant.row(rollout).state is RolloutState.FAILED
    assert plant.results(rollout) == {
        "site-1": REVERTED if comes_back else SiteResult.EXPIRED,
        "site-2": SiteResult.STOPPED,
    }
    if comes_back:
        assert one.app().release == one.release(first)


def test_a_failure_waits_for_nobody_but_those_who_go_back(plant: Plant) -> None:
    """Else an engine is started for ever, to look at a site of which nothing is asked any more."""
    one, two, _ = plant.sites(3)
    first, spoiled = plant.release(1), plant.release(3)
    plant.run(first)
    lists = (("site-2", "site-1"), ("site-3",))
    two.stop()
    rollout = plant.created(spoiled, msgspec.structs.replace(WISH, lists=lists, concurrency=1))
    assert wait(plant.crash(rollout, "site-1: after verdict failed")) == -signal.SIGKILL
    one.stop()
    two.start()  # it waited for its turn, and may not have what did not pass elsewhere
    waits = plant.journal(rollout, "site-2")
    assert waits
    assert plant.resume(rollout) == 3
    assert plant.journal(rollout, "site-2") == waits
    with open_inventory(plant.home.inventory) as inventory:
        changed = inventory.execute("UPDATE steps SET again_at = 1 WHERE site = 'site-2'")
        assert changed.rowcount > 0
    assert plant.resume(rollout) == 3
    again_at = plant.row(rollout).again_at
    assert again_at is not None
    assert again_at > time.time()
    told = {one.site: one.fate for one in rollout_fates.of_resume(plant.home, rollout)}
    assert told == {"site-2": Fate.STOPS, "site-1": Fate.GOES_BACK, "site-3": Fate.STOPS}
    one.start()
    assert plant.resume(rollout) == 4
    assert plant.results(rollout) == {
        "site-1": REVERTED,
        "site-2": SiteResult.STOPPED,
        "site-3": SiteResult.STOPPED,
    }
    assert two.app().release == two.release(first)


def test_a_site_that_somebody_else_took_keeps_no_other_from_going_back(plant: Plant) -> None:
    one, two, three = plant.sites(3)
    first, second, spoiled = plant.release(1), plant.release(2), plant.release(3)
    plant.run(first, ("site-1", "site-2"))
    plant.run(spoiled, ("site-3",))  # where nothing was found, the next one finds too much
    lists = (("site-1", "site-2"), ("site-3",))
    asked = msgspec.structs.replace(WISH, lists=lists, approve_after="1", concurrency=1)
    rollout, code = plant.run(second, wish=asked)
    assert code == 5
    fence = one.site.claim("bob", 600.0, take_over=True)
    one.commit(one.release(spoiled), fence)
    one.site.release_lease(fence)
    _, started = rollouts.approve(plant.home, rollout)
    assert started is not None
    assert plant.ended(started) == 4
    assert plant.results(rollout) == {
        "site-1": SiteResult.SUPERSEDED,
        "site-2": REVERTED,
        "site-3": REVERTED,
    }
    assert plant.row(rollout).state is RolloutState.FAILED
    assert "site-3" in plant.row(rollout).reason
    assert one.app().phase is Phase.COMMITTED
    assert two.app().release == two.release(first)
    assert three.app().release == three.release(spoiled)


def test_a_window_of_a_wave_that_is_over_holds_up_no_other(plant: Plant) -> None:
    """The site of the first wave is back in the night; one of the second is still on trial."""
    one, two = plant.sites(2)
    alias = plant.release(1)
    one.stop()
    rollout = plant.created(alias, IN_WAVES)
    assert wait(plant.crash(rollout, "site-2: after switch done")) == -signal.SIGKILL
    later = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * DAY_S))
    set_calendar(plant.home, "site-1", (), (f"2020-01-01/{later}",), "")
    one.start()
    assert plant.resume(rollout) == 3
    assert text_of(plant.journal(rollout)[-1]) == "check scheduled"
    assert two.app().phase is Phase.COMMITTED
    assert plant.results(rollout)["site-2"] is COMMITTED


def test_a_journal_that_cannot_be_written_is_no_fault_of_the_release(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, _, second, rollout = before_an_update(plant)

    def busy(*_: object) -> None:
        raise Busy("inventory.busy", path=plant.home.inventory)

    monkeypatch.setattr(InventoryJournal, "record_verdict", busy)
    with pytest.raises(Busy):
        plant.drive(rollout)
    assert text_of(plant.journal(rollout)[-1]) == "verdict intended"
    monkeypatch.undo()
    monkeypatch.setenv("YOLODEPLOY_HOME", str(plant.home.root))
    assert plant.resume(rollout) == 0
    assert bench.app().release == bench.release(second)


@pytest.mark.parametrize(("refused", "asked_times"), [(True, 1), (False, 2)])
def test_a_commit_that_the_site_has_is_one_whatever_it_answered(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, refused: bool, asked_times: int
) -> None:
    """Where nothing was answered it is asked again: what comes after may not be done."""
    bench, _, second, rollout = before_an_update(plant)
    asked = EmbeddedSite.apply
    commits: list[Intent] = []

    def stored(site: EmbeddedSite, intent: Intent, fence: Fence) -> None:
        asked(site, intent, fence)
        if intent.guard is not None:
            return
        commits.append(intent)
        if refused:
            raise Refused("kubernetes.changed", site=site.name, reason="an answer was lost")
        if len(commits) == 1:
            raise Unreachable("kubernetes.contended", site=site.name, tries=8)

    monkeypatch.setattr(EmbeddedSite, "apply", stored)
    assert plant.drive(rollout) == 0
    assert len(commits) == asked_times
    assert plant.results(rollout) == {"site-1": COMMITTED}
    assert bench.app().release == bench.release(second)


def test_an_old_release_that_is_just_starting_is_waited_for(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would have answered is what the new one is held against."""
    bench, first, second, rollout = before_an_update(plant)
    asked: list[str] = []
    answered = Frames.are_answered_by

    def not_at_once(frames: Frames, release: Release) -> bool:
        asked.append(release.alias)
        return len(asked) > 1 and answered(frames, release)

    monkeypatch.setattr(Frames, "are_answered_by", not_at_once)
    assert plant.drive(rollout) == 0
    assert asked[:2] == [first, first]
    assert bench.app().release == bench.release(second)


def test_life_is_shown_while_an_image_is_brought(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another engine takes the rollout from one that only waits for a slow link."""
    plant.sites(1)
    rollout = plant.created(plant.release(1))
    brought = EmbeddedSite.prefetch

    def slowly(site: EmbeddedSite, spec: ReleaseSpec) -> Prefetched:
        began = plant.row(rollout).heartbeat_at or 0.0
        until(lambda: (plant.row(rollout).heartbeat_at or 0.0) > began, "a sign of life")
        return brought(site, spec)

    monkeypatch.setattr(EmbeddedSite, "prefetch", slowly)
    assert plant.drive(rollout) == 0


def test_a_lease_is_kept_and_life_is_shown_while_pictures_are_sent(plant: Plant) -> None:
    """A few hundred of them take longer than a lease lasts."""
    (bench,) = plant.sites(1)
    first = plant.release(1)
    rollout, _ = plant.run(first)
    release = bench.release(first)
    pictures = [path.read_bytes() for path in plant.frames.iterdir()]
    looks: list[int] = []
    with open_inventory(plant.home.inventory) as inventory:
        journal = InventoryJournal(inventory, rollout, "", Teller(inventory, "op"), {})
        made = Rollout(rollout, plant.row(rollout).plan, release, journal, pictures)
        frames = Frames(bench.site, made, meanwhile=lambda: looks.append(1))
        until(lambda: bench.app().settled, "it serves")
        answered = frames.baseline(release).answered
    assert len(looks) >= answered >= len(pictures)
