"""If these fail, crashes, sleeping laptops and other operators leave a site in a wrong state."""

from __future__ import annotations

import os
import signal

import msgspec
import pytest

from tests.rollouts.plant import LONG, WISH, Plant, text_of, wait
from tests.rollouts.sleeping import asleep, put_to_sleep
from tests.sites.parts import APP, answer, kill, until
from yolodeploy.cli.rollout_status import print_status
from yolodeploy.core.errors import Refused
from yolodeploy.core.site import Guard, Intent, Phase
from yolodeploy.core.steps import SiteResult
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops import operations, rollouts
from yolodeploy.ops.adopt import adopt_site


def test_a_server_that_dies_while_observed_fails_its_release(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    first, second = plant.release(1), plant.release(2)
    plant.run(first)
    started = plant.start(second, wish=LONG)
    plant.reached(started.rollout, "observe intended")
    kill(bench.pid(bench.only_instance().name))
    assert plant.ended(started) == 4
    assert plant.row(started.rollout).state is RolloutState.FAILED
    assert "restarts" in plant.row(started.rollout).reason
    assert plant.results(started.rollout) == {"site-1": SiteResult.REVERTED}
    assert bench.app().release == bench.release(first)
    assert bench.only_instance().ready


def test_a_server_that_dies_while_nobody_looks_is_counted(plant: Plant) -> None:
    """It may have died and come back between two looks of the agent, within one second."""
    (bench,) = plant.sites(1)
    first, second = plant.release(1), plant.release(2)
    plant.run(first)
    started = plant.start(second, wish=LONG)
    plant.reached(started.rollout, "observe intended")
    put_to_sleep(bench.root, bench.agent)
    try:
        server = bench.only_instance().name
        died = bench.pid(server)
        kill(died)
        until(lambda: bench.pid(server) not in (0, died), "the supervisor has started it again")
    finally:
        os.kill(bench.agent, signal.SIGCONT)
    assert plant.ended(started) == 4
    assert bench.settled(bench.release(first)).release == bench.release(first)


@pytest.mark.parametrize("gone", [False, True], ids=["still-there", "come-and-gone"])
def test_a_laptop_that_wakes_behind_another_operator_changes_nothing(
    plant: Plant, gone: bool
) -> None:
    (bench,) = plant.sites(1)
    first, second, third = plant.release(1), plant.release(2), plant.release(3)
    plant.run(first)
    started = plant.start(second, wish=LONG)
    plant.reached(started.rollout, "observe intended")
    pid = plant.operation(started).pid
    assert pid is not None
    put_to_sleep(plant.home.root, pid)
    try:
        fence = bench.site.claim("bob", 600.0, take_over=True)
        bench.commit(bench.release(third), fence)
        if gone:
            bench.site.release_lease(fence)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert plant.ended(started) == 4
    row = plant.row(started.rollout)
    assert row.state is RolloutState.FAILED
    assert "taken over" in row.reason
    app = bench.app()
    assert (app.release, app.phase) == (bench.release(third), Phase.COMMITTED)
    lease = bench.site.observe().lease
    assert (lease.fence if lease else None) == (None if gone else fence)
    with pytest.raises(Refused, match="ended"):
        rollouts.resume(plant.home, started.rollout)


@pytest.mark.parametrize("moment", ["before switch intended", "before commit intended"])
@pytest.mark.parametrize("gone", [False, True], ids=["still-there", "come-and-gone"])
def test_a_laptop_that_slept_before_a_step_does_not_do_it(
    plant: Plant, moment: str, gone: bool
) -> None:
    """Here nothing is asked of the site between waking and writing to it."""
    (bench,) = plant.sites(1)
    first, second, third = plant.release(1), plant.release(2), plant.release(3)
    plant.run(first)
    rollout = plant.created(second)
    engine = plant.crash(rollout, moment, "STOP")
    try:
        until(lambda: asleep(engine.pid), "the engine sleeps")
        fence = bench.site.claim("bob", 600.0, take_over=True)
        bench.commit(bench.release(third), fence)
        if gone:
            bench.site.release_lease(fence)
    finally:
        os.kill(engine.pid, signal.SIGCONT)
    assert wait(engine) == 4
    assert plant.results(rollout) == {"site-1": SiteResult.SUPERSEDED}
    assert plant.row(rollout).state is RolloutState.FAILED
    assert "taken over" in plant.row(rollout).reason
    assert bench.app().release == bench.release(third)
    assert bench.app().phase is Phase.COMMITTED


def test_an_operator_with_another_inventory_goes_on_where_the_first_died(plant: Plant) -> None:
    """The laptop is lost; a new one adopts the site and rolls out the same release."""
    (bench,) = plant.sites(1)
    first, second = plant.release(1), plant.release(2)
    plant.run(first)
    rollout = plant.created(second)
    assert wait(plant.crash(rollout, "after switch done")) == -signal.SIGKILL
    bench.settled(bench.release(second), Phase.TRIAL)
    kill(bench.pid(bench.only_instance().name))
    bench.settled(bench.release(first), Phase.REVERTED)
    for path in plant.home.root.glob("inventory.db*"):
        path.unlink()
    adopt_site(plant.home, "site-1")
    again = rollouts.start(plant.home, second, (), WISH, str(plant.frames))
    # the first laptop's lease may not have run out yet
    assert plant.ended(again) in (0, 3)
    bench.site.claim("bob", 0.0, take_over=True)
    if plant.row(again.rollout).state is RolloutState.WAITING:
        assert plant.resume(again.rollout) == 0
    assert bench.app().release == bench.release(second)
    assert bench.app().phase is Phase.COMMITTED


def test_the_site_saves_itself_when_the_operator_dies(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    first, second = plant.release(1), plant.release(2)
    plant.run(first)
    rollout = plant.created(second, msgspec.structs.replace(WISH, guard_s=3.0))
    assert wait(plant.crash(rollout, "after switch done")) == -signal.SIGKILL
    app = bench.settled(bench.release(first), Phase.REVERTED)
    assert app.reason == "deadline"
    assert answer(app.endpoints[0]) == 200
    assert len(bench.events("guard.reverted")) == 1
    assert plant.resume(rollout) == 4
    assert plant.row(rollout).state is RolloutState.FAILED
    assert "deadline" in plant.row(rollout).reason
    assert plant.results(rollout) == {"site-1": SiteResult.REVERTED}
    assert bench.app().phase is Phase.COMMITTED
    # and the same release may be tried again
    _, code = plant.run(second, wish=msgspec.structs.replace(WISH, guard_s=300.0))
    assert code == 0


def test_a_trial_that_the_guard_took_back_may_be_tried_again(plant: Plant) -> None:
    """With the same guard it is the same intent; it must not be taken for the old one."""
    (bench,) = plant.sites(1)
    first, second = (bench.release(plant.release(version)) for version in (1, 2))
    fence = bench.commit(first)
    bench.site.prefetch(second.spec)
    again = Intent(app=APP, release=second, previous=first, guard=Guard(WISH.guard_s))
    bench.site.apply(again, fence)
    bench.settled(second)
    kill(bench.pid(bench.only_instance().name))
    bench.settled(first, Phase.REVERTED)
    bench.site.release_lease(fence)
    _, code = plant.run(second.alias)
    assert code == 0
    assert bench.app().release == second


@pytest.mark.parametrize("finished", [False, True], ids=["under-way", "finished"])
def test_a_resumed_engine_takes_over_from_one_that_is_only_slow(
    plant: Plant, finished: bool
) -> None:
    """It must neither fight its successor for the site nor end the rollout that is not its own."""
    (bench,) = plant.sites(1)
    first, second = plant.release(1), plant.release(2)
    plant.run(first)
    rollout = plant.created(second, msgspec.structs.replace(WISH, soak_s=4.0))
    slow = plant.crash(rollout, "after observe intended", "STOP")
    try:
        until(lambda: asleep(slow.pid), "the engine is slow")
        with open_inventory(plant.home.inventory) as inventory:
            inventory.execute("UPDATE rollouts SET heartbeat_at = heartbeat_at - 60")
        successor = rollouts.resume(plant.home, rollout)
        plant.reached(rollout, "observe intended")
        until(lambda: len(told(plant, rollout, "observe intended")) == 2, "the successor observes")
        if finished:
            assert plant.ended(successor) == 0
    finally:
        os.kill(slow.pid, signal.SIGCONT)
    assert wait(slow) == 1
    assert plant.ended(successor) == 0
    assert plant.row(rollout).state is RolloutState.DONE
    assert plant.row(rollout).holder is None
    assert plant.results(rollout) == {"site-1": SiteResult.COMMITTED}
    assert bench.app().release == bench.release(second)
    assert bench.app().phase is Phase.COMMITTED


def test_an_engine_that_lives_is_not_displaced(plant: Plant) -> None:
    plant.sites(1)
    started = plant.start(plant.release(1), wish=LONG)
    plant.reached(started.rollout, "observe intended")
    with pytest.raises(Refused) as why:
        rollouts.resume(plant.home, started.rollout)
    assert why.value.code == "inventory.rollout_taken"
    rollouts.abort(plant.home, started.rollout)
    plant.ended(started)


def test_what_nobody_expected_in_one_site_leaves_the_others_well(plant: Plant) -> None:
    """A damaged file makes the engine stumble over one site; the rollout can be resumed."""
    one, two = plant.sites(2)
    alias = plant.release(1)
    two.stop()
    content = two.folder.database.read_bytes()
    two.folder.database.write_bytes(b"no database at all, but long enough to be opened" * 100)
    started = plant.start(alias, wish=msgspec.structs.replace(WISH, waves="100%"))
    assert plant.ended(started) == 3
    assert plant.row(started.rollout).state is RolloutState.WAITING
    assert one.app().phase is Phase.COMMITTED
    for name in ("site.db-wal", "site.db-shm"):
        (two.root / name).unlink(missing_ok=True)
    two.folder.database.write_bytes(content)
    two.start()
    assert plant.resume(started.rollout) == 0
    assert two.app().phase is Phase.COMMITTED


def test_an_operation_that_was_killed_is_shown_as_lost(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.sites(1)
    started = plant.start(plant.release(1), wish=LONG)
    plant.reached(started.rollout, "observe intended")
    operations.end(plant.operation(started))
    assert operations.shown_state(plant.operation(started)) is OperationState.LOST
    assert plant.row(started.rollout).state is RolloutState.RUNNING
    print_status(plant.home, started.rollout, "table")
    mends = f"nobody drives it any more; yolodeploy rollout resume {started.rollout}"
    assert mends in capsys.readouterr().err
    with open_inventory(plant.home.inventory) as inventory:
        inventory.execute("UPDATE rollouts SET plan = json_set(plan, '$.soak_s', 0.2)")
    assert plant.resume(started.rollout) == 0
    assert plant.row(started.rollout).state is RolloutState.DONE


def told(plant: Plant, rollout: str, line: str) -> list[str]:
    return [text for entry in plant.journal(rollout) if (text := text_of(entry)) == line]
