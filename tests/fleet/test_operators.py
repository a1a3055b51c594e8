"""If these fail, two people, or one and her own past, leave sites in a state that nobody asked for.

Two clusters and an embedded site; both operators' engines are real processes.
"""

from __future__ import annotations

import os
import signal

import pytest
from msgspec.structs import replace

from tests.fleet.ending import wrongs
from tests.fleet.fleet import EMBEDDED, FLEET_WISH, Fleet
from tests.fleet.plants import Kind
from tests.rollouts.plant import text_of, wait
from tests.rollouts.sleeping import put_to_sleep
from tests.sites.parts import APP
from yolodeploy.core.site import Phase
from yolodeploy.core.steps import SiteResult
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.adopt import adopt_cluster, adopt_site

pytestmark = pytest.mark.slow

THREE = ("plant-01", "plant-02", "plant-03")
WISH = replace(FLEET_WISH, waves="100%")
LATER = replace(WISH, soak_s=60.0)  # until another process has been started, on a busy machine


def test_of_two_operators_at_once_the_second_waits(fleet: Fleet) -> None:
    ann, bob = fleet.laptop, fleet.other_laptop()
    started = ann.start(fleet.sound, THREE, LATER)
    for name in THREE:
        ann.reached(started.rollout, "observe intended", name)
    second, code = bob.run(fleet.sound, THREE, WISH)
    assert code == 3
    assert bob.row(second).state is RolloutState.WAITING
    for name in THREE:
        assert text_of(bob.journal(second, name)[-1]) == "check waiting"
        waits = bob.journal(second, name)[-1].detail
        assert f"/{ann.row(started.rollout).operation}/" in waits
        assert f"yolodeploy rollout resume {second} --take-over" in waits
    assert ann.ended(started) == 0, "she is not disturbed"
    assert bob.resume(second) == 0
    assert not wrongs(fleet, bob, second, Kind.SOUND, rollouts=2, only=THREE)


def test_a_laptop_that_sleeps_after_the_switch_wakes_behind_another(fleet: Fleet) -> None:
    """Asleep she keeps her leases; he takes them over and brings back what was there."""
    ann, bob = fleet.laptop, fleet.other_laptop()
    started = ann.start(fleet.sound, THREE, LATER)
    for name in THREE:
        ann.reached(started.rollout, "observe intended", name)
    pid = ann.operation(started).pid
    assert pid is not None
    put_to_sleep(ann.home.root, pid)
    try:
        second = bob.created(fleet.before, replace(WISH, compare=False), THREE)
        assert bob.drive(second) == 0
    finally:
        os.kill(pid, signal.SIGCONT)
    assert ann.ended(started) == 4, "she is told, and touches nothing"
    assert ann.row(started.rollout).state is RolloutState.FAILED
    assert "taken over" in ann.row(started.rollout).reason
    # the first release had been committed before, too
    assert not wrongs(fleet, bob, second, Kind.SOUND, rollouts=2, only=THREE)


def test_an_inventory_that_is_lost_in_the_middle_is_rebuilt_by_adopting(fleet: Fleet) -> None:
    ann = fleet.laptop
    rollout = ann.created(fleet.sound, LATER, THREE)
    assert wait(ann.crash(rollout, "after observe intended")) == -signal.SIGKILL
    for path in ann.home.root.glob("inventory.db*"):
        path.unlink()
    for name in THREE:
        if name in EMBEDDED:
            adopt_site(ann.home, name)
        else:
            adopt_cluster(ann.home, name, "here", fleet.root / f"{name}.kubeconfig")
    again = ann.start(fleet.sound, THREE, WISH, str(ann.frames))
    ann.ended(again)
    if ann.row(again.rollout).state is RolloutState.WAITING:  # for her own lost lease
        ann.drive(again.rollout)
    results = set(ann.results(again.rollout).values())
    assert results <= {SiteResult.COMMITTED, SiteResult.REVERTED, SiteResult.INCONCLUSIVE}, ann.row(
        again.rollout
    ).reason
    for name in THREE:
        app = fleet.inside(name).observe().app(APP)
        assert app is not None
        assert (app.phase, app.guard_left_s) == (Phase.COMMITTED, None)
        assert app.release in (ann.kept(fleet.before), ann.kept(fleet.sound))


def test_who_edits_the_deployment_on_trial_does_not_keep_a_bad_release_there(fleet: Fleet) -> None:
    ann = fleet.laptop
    fleet.make(fleet.spoiled, Kind.BLIND)
    rollout = ann.created(fleet.spoiled, WISH, THREE)
    assert wait(ann.crash(rollout, "plant-01: after observe intended")) == -signal.SIGKILL
    plant = fleet.plants["plant-01"]
    plant.take_over(APP, APP, ".spec.minReadySeconds", "kubectl-edit", 1)
    assert ann.drive(rollout) == 4
    assert not wrongs(fleet, ann, rollout, Kind.BLIND, only=THREE)
