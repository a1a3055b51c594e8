"""If these fail, a wave begins too early, an approval is lost, or an offline site blocks the rest.

Nothing here waits for a window or a week: calendars are changed, and intents expire in a second.
"""

from __future__ import annotations

import time

import msgspec
import pytest

from tests.rollouts.plant import WISH, Plant, text_of
from tests.rollouts.test_rollouts import with_a_bad_second_site
from tests.sites.parts import until
from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.fates import Fate
from yolodeploy.core.site import Phase
from yolodeploy.core.steps import Outcome, SiteResult, Step
from yolodeploy.core.waves import Scope, Standing
from yolodeploy.inventory import journal, rollout_waves
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.rollouts import RolloutRow, RolloutState
from yolodeploy.ops import going_back, rollout_fates, rollouts
from yolodeploy.ops.calendars import set_calendar
from yolodeploy.ops.sites import edit_site
from yolodeploy.rollouts.planning import Wish

COMMITTED, REVERTED = SiteResult.COMMITTED, SiteResult.REVERTED
ONE_BY_ONE = msgspec.structs.replace(WISH, waves="1,100%")
# whenever this runs, the freeze has begun and lasts
FROZEN = ("2020-01-01/2099-12-31",)


def wish(**changed: object) -> Wish:
    made: Wish = msgspec.structs.replace(ONE_BY_ONE, **changed)
    return made


def marks(plant: Plant, rollout: str) -> dict[int, rollout_waves.WaveRow]:
    with read_inventory(plant.home.inventory) as inventory:
        return rollout_waves.waves(inventory, rollout)


def waits(row: RolloutRow) -> bool:
    return row.state is RolloutState.WAITING and row.holder is None


def test_a_person_approves_between_waves_and_it_is_kept_who(plant: Plant) -> None:
    _, two = plant.sites(2)
    alias = plant.release(1)
    rollout, code = plant.run(alias, wish=wish(approve_after="each", jitter_s=0.5))
    assert (code, plant.row(rollout).state) == (5, RolloutState.APPROVAL)
    assert plant.journal(rollout, "site-2") == []
    # asked again without an approval, it stands where it stood
    assert plant.resume(rollout) == 5
    assert two.site.observe().apps == ()
    with pytest.raises(Refused, match="wave 2"):
        rollouts.approve(plant.home, rollout, 2)
    assert rollouts.approve(plant.home, rollout, dry_run=True) == (1, None)
    for approved, second in ((0, Fate.WAITS), (1, Fate.BEGINS)):
        told = rollout_fates.of_approve(plant.home, rollout, approved)
        assert [one.fate for one in told] == [Fate.STAYS, second]
    assert not marks(plant, rollout)[1].approved_by
    wave, started = rollouts.approve(plant.home, rollout)
    assert wave == 1
    assert started is not None
    assert plant.ended(started) == 0
    mark = marks(plant, rollout)[1]
    assert "@" in mark.approved_by
    assert mark.ended_at is not None
    assert mark.approved_at is not None
    assert mark.ended_at < mark.approved_at
    assert two.app().phase is Phase.COMMITTED
    with pytest.raises(Refused, match="ended"):
        rollouts.approve(plant.home, rollout)


def test_a_soak_that_lasts_ends_the_process_and_keeps_its_end(plant: Plant) -> None:
    one, two = plant.sites(2)
    rollout, code = plant.run(plant.release(1), wish=wish(between_s=3600.0, approve_after="1"))
    row, mark = plant.row(rollout), marks(plant, rollout)[1]
    assert code == 3
    assert waits(row)
    assert mark.ended_at is not None
    assert row.again_at == mark.ended_at + 3600.0
    # going on early changes nothing; approving early is kept for later
    assert rollouts.approve(plant.home, rollout, 1) == (1, None)
    assert plant.resume(rollout) == 3
    assert plant.row(rollout).again_at == row.again_at
    assert two.site.observe().apps == ()
    with open_inventory(plant.home.inventory) as inventory:  # an hour later
        inventory.execute("UPDATE rollout_waves SET ended_at = ended_at - 3599")
    assert plant.resume(rollout) == 0  # the last second it waits itself
    assert {one.app().phase, two.app().phase} == {Phase.COMMITTED}


def test_a_site_waits_for_its_window_and_its_wave_for_it(plant: Plant) -> None:
    one, two = plant.sites(2)
    first, second = plant.release(1), plant.release(2)
    set_calendar(plant.home, "site-1", (), ("2020-01-01/2099-12-31",), "Europe/Berlin")
    _, planned = rollouts.plan(plant.home, first, (), ONE_BY_ONE)
    assert planned.names(Standing.BLOCKED) == ("site-1",)
    assert planned.waves == (("site-2",),)
    # with a window in sight: it is brought what it needs, and the next wave does not begin
    later = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86400))
    set_calendar(plant.home, "site-1", (), (f"2020-01-01/{later}",), "Asia/Kathmandu")
    rollout, code = plant.run(first, wish=ONE_BY_ONE)
    row = plant.row(rollout)
    assert code == 3
    assert waits(row)
    assert row.again_at is not None
    assert row.again_at > time.time() + 86400
    assert row.again_at == row.plan.site("site-1").goes_at
    assert [text_of(entry) for entry in plant.journal(rollout)] == [
        "prefetch intended", "prefetch done", "check scheduled",
    ]  # fmt: skip
    assert plant.journal(rollout, "site-2") == []
    before = plant.journal(rollout)
    assert plant.resume(rollout) == 3
    assert plant.journal(rollout) == before  # asked every minute, it would fill the journal
    # a person who cannot wait
    now = msgspec.structs.replace(WISH, windows=False)
    emergency, code = plant.run(second, ("site-1",), wish=now)
    assert code == 0
    assert plant.results(rollout)["site-1"] is SiteResult.SUPERSEDED
    # the freeze ends; the rest goes on
    set_calendar(plant.home, "site-1", (), (), "")
    assert plant.resume(rollout) == 4  # not all of it came about: one was taken over
    assert one.app().release == one.release(second)
    assert two.app().release == two.release(first)
    assert plant.row(emergency).state is RolloutState.DONE


def test_a_window_made_too_short_meanwhile_blocks_nobody_and_expires(plant: Plant) -> None:
    _, two = plant.sites(2)
    alias = plant.release(1)
    later = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86400))
    set_calendar(plant.home, "site-1", (), (f"2020-01-01/{later}",), "")
    rollout, _ = plant.run(alias, wish=wish(expires_s=86400.0))
    assert plant.journal(rollout, "site-2") == []
    set_calendar(plant.home, "site-1", (), FROZEN, "")
    assert plant.resume(rollout) == 3
    row = plant.row(rollout)
    assert "no window of site site-1 is" in row.reason
    assert "yolodeploy site window site-1" in row.reason
    assert row.again_at is not None, "a controller goes on by itself"
    assert two.app().phase is Phase.COMMITTED, "the next wave has not waited for what never comes"
    with open_inventory(plant.home.inventory) as inventory:
        inventory.execute("UPDATE steps SET at = at - 86400")
    assert plant.resume(rollout) == 6
    assert plant.results(rollout)["site-1"] is SiteResult.EXPIRED
    assert plant.row(rollout).state is RolloutState.EXPIRED


def test_a_site_that_stays_away_expires_and_blocks_nobody(plant: Plant) -> None:
    one, two = plant.sites(2)
    one.stop()
    alias = plant.release(1)
    rollout, code = plant.run(alias, wish=wish(expires_s=86400.0))
    row = plant.row(rollout)
    assert code == 3
    assert waits(row)
    assert row.again_at is not None
    assert row.again_at < time.time() + 60
    assert two.app().phase is Phase.COMMITTED
    with open_inventory(plant.home.inventory) as inventory:
        # away for a day; its next try is hours ahead
        inventory.execute("UPDATE steps SET at = at - 3600, again_at = again_at + 7200")
    tried = len(plant.journal(rollout))
    started = rollouts.resume(plant.home, rollout, due_only=True)
    assert plant.ended(started) == 3
    assert len(plant.journal(rollout)) == tried
    assert plant.resume(rollout) == 3  # a person wants it tried now
    again = plant.journal(rollout)[-1]
    assert len(plant.journal(rollout)) == tried + 2
    assert again.again_at is not None
    assert 1300 < again.again_at - again.at <= 1800  # an hour away: half an hour, nearly
    with open_inventory(plant.home.inventory) as inventory:
        inventory.execute("UPDATE steps SET at = at - 86400")
    one.start()  # too late: nobody knows what it would be switched into
    assert plant.resume(rollout) == 6
    assert plant.row(rollout).state is RolloutState.EXPIRED
    assert plant.results(rollout) == {"site-1": SiteResult.EXPIRED, "site-2": COMMITTED}
    assert one.site.observe().apps == ()


def test_a_newer_rollout_takes_the_rest_of_an_older_one(plant: Plant) -> None:
    one, _ = plant.sites(2)
    first, second = plant.release(1), plant.release(2)
    one.stop()
    older, _ = plant.run(first, wish=ONE_BY_ONE)
    assert waits(plant.row(older))
    _, planned = rollouts.plan(plant.home, second, (), WISH)
    assert (planned.supersedes, planned.blocked_by) == ((older,), ())
    newer, code = plant.run(second, wish=ONE_BY_ONE)
    assert code == 3
    assert plant.row(older).state is RolloutState.ABORTED
    assert newer in plant.row(older).reason
    assert plant.results(older) == {"site-1": SiteResult.SUPERSEDED, "site-2": COMMITTED}
    assert plant.journal(older)[-1].outcome is Outcome.SUPERSEDED
    with pytest.raises(Refused, match="ended"):
        rollouts.resume(plant.home, older)
    one.start()
    assert plant.resume(newer) == 0
    assert one.app().release == one.release(second)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scope", "tolerated", "results"),
    [
        (Scope.ROLLOUT, "1", (COMMITTED, REVERTED, COMMITTED)),
        (Scope.ROLLOUT, "30%", (REVERTED, REVERTED, SiteResult.STOPPED)),
        (Scope.SITE, "0", (COMMITTED, REVERTED, SiteResult.STOPPED)),
    ],
)
def test_so_many_may_fail_and_no_more(
    plant: Plant, scope: Scope, tolerated: str, results: tuple[SiteResult, ...]
) -> None:
    _, other = with_a_bad_second_site(plant)
    with other:
        asked = wish(waves="1,2,100%", on_failure=scope, max_failed=tolerated)
        rollout, code = plant.run(plant.release(2), wish=asked)
    assert tuple(plant.results(rollout).values()) == results
    assert (code, plant.row(rollout).state) == (4, RolloutState.FAILED)


def test_an_undo_reaches_any_release_that_a_site_has_run(plant: Plant) -> None:
    one, two = plant.sites(2)
    first, second, third = plant.release(1), plant.release(2), plant.release(3)
    plant.run(first)
    plant.run(second, ("site-1",))
    edit_site(plant.home, "site-1", {"line": "3"})
    edit_site(plant.home, "site-2", {"line": "4"})
    with pytest.raises(Refused, match="no rollout that is known here"):
        going_back.undo_to(plant.home, third, ("site-1",), WISH)
    with pytest.raises(Refused, match="no rollout that is known here"):
        going_back.undo_to(plant.home, second, ("site-2",), WISH)
    with pytest.raises(NotFound, match="no site"):
        going_back.undo_to(plant.home, first, (), WISH, "line=5")
    meant = going_back.back_to(plant.home, first, (), WISH, "line in (3,5)")
    told = going_back.prepared(plant.home, meant).plan
    back = going_back.undo_to(plant.home, first, (), WISH, "line in (3,5)")
    assert told == msgspec.structs.replace(plant.row(back.rollout).plan, seed=told.seed)
    assert plant.ended(back) == 0
    assert plant.row(back.rollout).plan.moving == ("site-1",)
    assert one.app().release == two.app().release == one.release(first)
    again = going_back.undo(plant.home, back.rollout, WISH, second)
    assert plant.ended(again) == 0
    assert one.app().release == one.release(second)


def test_what_a_newer_rollout_takes_of_a_wave_does_not_begin_it(plant: Plant) -> None:
    """Else who needs an approval before it begins without one."""
    plant.sites(4)
    lists = (("site-1",), ("site-2",), ("site-3", "site-4"))
    asked = msgspec.structs.replace(WISH, lists=lists, approve_after="each")
    older, code = plant.run(plant.release(1), wish=asked)
    assert code == 5
    _, code = plant.run(plant.release(2), ("site-4",))
    assert code == 0
    _, started = rollouts.approve(plant.home, older, 1)
    assert started is not None
    assert plant.ended(started) == 5
    assert plant.results(older)["site-2"] is COMMITTED
    assert plant.journal(older, "site-3") == []


def test_sites_are_chosen_by_their_labels(plant: Plant) -> None:
    plant.sites(3)
    alias = plant.release(1)
    for name, line in (("site-1", "1"), ("site-2", "2"), ("site-3", "2")):
        edit_site(plant.home, name, {"line": line, "spare": "x"})
    edit_site(plant.home, "site-3", {"spare": ""})
    for select, names in (("line=2", ("site-2", "site-3")), ("line!=2", ("site-1",)),
                          ("line in (1,2),!spare", ("site-3",)), ("", ("site-1", "site-2", "site-3"))):  # fmt: skip  # noqa: E501
        _, planned = rollouts.plan(plant.home, alias, (), WISH, select)
        assert planned.moving == names
    with pytest.raises(NotFound):
        rollouts.plan(plant.home, alias, ("site-1",), WISH, "line=2")
    plan = plant.row(plant.created(alias, wish(between_s=3600.0))).plan
    assert plan.site("site-1").goes_at is None  # at once
    assert (plan.site("site-2").goes_at or 0) > time.time() + 3600


def test_an_abort_ends_what_only_waits(plant: Plant) -> None:
    one, two = plant.sites(2)
    rollout, _ = plant.run(plant.release(1), wish=wish(approve_after="1"))
    ended = rollouts.abort(plant.home, rollout)
    assert ended is not None
    assert plant.ended(ended) == 4
    assert plant.row(rollout).state is RolloutState.ABORTED
    assert plant.results(rollout) == {"site-1": COMMITTED, "site-2": SiteResult.STOPPED}
    assert one.app().phase is Phase.COMMITTED
    assert two.site.observe().apps == ()


def test_a_pause_reaches_an_engine_that_waits_itself(plant: Plant) -> None:
    plant.sites(2)
    started = plant.start(plant.release(1), wish=wish(between_s=50.0))
    until(lambda: marks(plant, started.rollout).get(1, None) is not None, "wave 1 has begun")
    until(lambda: marks(plant, started.rollout)[1].ended_at is not None, "wave 1 has ended")
    rollouts.pause(plant.home, started.rollout)
    assert plant.ended(started) == 0
    assert plant.row(started.rollout).state is RolloutState.PAUSED
    assert plant.journal(started.rollout, "site-2") == []


def test_a_pause_holds_what_only_waits_and_an_approval_does_not_end_it(plant: Plant) -> None:
    """Else it says that it goes on at ten, where nobody will, or goes on against a word."""
    plant.sites(2)
    rollout, _ = plant.run(plant.release(1), wish=wish(approve_after="1"))
    assert rollouts.pause(plant.home, rollout)
    assert rollouts.pause(plant.home, rollout)
    assert plant.row(rollout).state is RolloutState.PAUSED
    told = rollout_fates.of_approve(plant.home, rollout, 1)
    assert [one.fate for one in told] == [Fate.STAYS, Fate.WAITS]
    assert rollouts.approve(plant.home, rollout) == (1, None)
    assert plant.row(rollout).state is RolloutState.PAUSED
    assert plant.resume(rollout) == 0
    assert plant.results(rollout) == {"site-1": COMMITTED, "site-2": COMMITTED}


def test_what_is_paused_before_its_wave_has_ended_is_approved_only_by_name(plant: Plant) -> None:
    """Else the second wave begins although nobody has seen how the first came out."""
    plant.sites(2)
    rollout = plant.created(plant.release(1), wish(approve_after="1"))
    rollouts.pause(plant.home, rollout)
    assert plant.drive(rollout) == 0
    assert plant.row(rollout).state is RolloutState.PAUSED
    for dry_run in (True, False):
        with pytest.raises(Refused) as raised:
            rollouts.approve(plant.home, rollout, dry_run=dry_run)
        assert raised.value.code == "rollout.no_approval"
    assert plant.resume(rollout) == 5
    assert plant.journal(rollout, "site-2") == []
    ahead = plant.created(plant.release(2), wish(approve_after="1"))
    assert rollouts.approve(plant.home, ahead, 1) == (1, None)


def test_a_hold_is_tried_again_by_itself(plant: Plant) -> None:
    """Whoever drives rollouts looks at `again_at`: an unhold needs no word of its own."""
    from yolodeploy.ops.sites import hold_site

    plant.sites(1)
    rollout = plant.created(plant.release(1))
    hold_site(plant.home, "site-1", "pressing brakes")
    assert plant.resume(rollout) == 3
    row = plant.row(rollout)
    assert row.again_at is not None
    assert 0 < row.again_at - time.time() < 60
    assert "pressing brakes" in row.reason
    with read_inventory(plant.home.inventory) as inventory:
        [entry] = [s.entry for s in journal.steps(inventory, rollout) if s.entry.again_at]
    assert (entry.step, entry.outcome) == (Step.SWITCH, Outcome.WAITING)
