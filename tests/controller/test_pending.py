"""Whose turn it is: if these fail, a rollout stands still for ever, or two engines drive it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.inventory.parts import plan
from yolodeploy.core.steps import SiteResult
from yolodeploy.inventory import events, journal, operations, rollouts, sites
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.home import Home
from yolodeploy.ops.operations import boot_id
from yolodeploy.ops.pending import Turn, pending_rollouts


@pytest.fixture
def inventory(home: Home) -> Iterator[Inventory]:
    with open_inventory(home.inventory) as opened:
        for name in ("north", "south"):
            sites.add_site(opened, name, "embedded", "/nowhere", at=time.time())
        yield opened


def rollout(
    inventory: Inventory, state: RolloutState, *names: str, again_at: float | None = None
) -> str:
    """One whose engine has ended, an hour ago."""
    then = time.time() - 3600
    found = rollouts.create_rollout(
        inventory, plan(*(names or ("north", "south"))), "op-0", at=then
    )
    operation = f"op-of-{found}"
    operations.create_operation(inventory, operation, "rollout", {"rollout": found}, at=then)
    operations.started(inventory, operation, 2**22 - 1, boot_id(), at=then)
    operations.finish(inventory, operation, OperationState.DONE, 0, at=then)
    if state is not RolloutState.RUNNING:
        rollouts.set_state(inventory, found, state, at=then, again_at=again_at)
    return found


def turn(inventory: Inventory, of: str) -> Turn:
    return {p.row.id: p.turn for p in pending_rollouts(inventory, at=time.time())}[of]


def test_one_that_waits_goes_on_when_its_time_has_come(inventory: Inventory) -> None:
    now = time.time()
    for again_at, whose in ((now - 1, Turn.NOW), (now + 60, Turn.LATER), (None, Turn.LATER)):
        found = rollout(inventory, RolloutState.WAITING, again_at=again_at)
        assert turn(inventory, found) is whose
        rollouts.set_state(inventory, found, RolloutState.ABORTED, at=now)


@pytest.mark.parametrize("code", ["site.back", "hold.ended", "window.set"])
def test_one_that_waits_goes_on_when_a_site_of_it_is_free(inventory: Inventory, code: str) -> None:
    found = rollout(inventory, RolloutState.WAITING)
    events.add_event(inventory, "elsewhere", code, at=time.time())
    assert turn(inventory, found) is Turn.LATER
    journal.set_result(inventory, found, "north", SiteResult.COMMITTED)
    events.add_event(inventory, "north", code, at=time.time())  # it is done there
    assert turn(inventory, found) is Turn.LATER
    events.add_event(inventory, "south", code, at=time.time())
    assert turn(inventory, found) is Turn.NOW


def test_what_is_a_persons_is_left_to_the_person(inventory: Inventory) -> None:
    for state in (RolloutState.PAUSED, RolloutState.APPROVAL):
        found = rollout(inventory, state)
        assert turn(inventory, found) is Turn.PERSON
        rollouts.request_abort(inventory, found)
        assert turn(inventory, found) is Turn.NOW  # what a person asked for, and nobody does
        rollouts.set_state(inventory, found, RolloutState.ABORTED, at=time.time())
    # to go on would take the pause back that somebody asked for while the engine died
    found = rollout(inventory, RolloutState.RUNNING)
    assert turn(inventory, found) is Turn.NOW
    rollouts.request_pause(inventory, found)
    assert turn(inventory, found) is Turn.PERSON


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Some process of another program."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_an_engine_that_lives_is_left_alone_however_silent(
    inventory: Inventory, other: subprocess.Popen[bytes]
) -> None:
    found = rollout(inventory, RolloutState.RUNNING)
    # the process is there, but it is another program: a container's numbers begin anew
    operations.create_operation(inventory, "op-9", "rollout", {"rollout": found}, at=time.time())
    assert turn(inventory, found) is Turn.DRIVEN  # it has still to come
    operations.started(inventory, "op-9", other.pid, boot_id(), at=time.time())
    assert turn(inventory, found) is Turn.NOW
    # one on another machine that shares the home gives signs
    holder = "somebody@elsewhere/op-0/77-abc"
    rollouts.take_rollout(inventory, found, holder, at=time.time(), stale_after=10)
    assert turn(inventory, found) is Turn.DRIVEN
    inventory.execute("UPDATE rollouts SET heartbeat_at = heartbeat_at - 60")
    assert turn(inventory, found) is Turn.NOW
