"""The journal: if these fail, a rollout cannot be resumed, or two engines drive it."""

from __future__ import annotations

import pytest

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.gates import GateResult, Verdict
from yolodeploy.core.steps import Entry, Outcome, SiteResult, Step, following
from yolodeploy.inventory import journal, operations, rollouts
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.inventory.rollouts import RolloutState

from .parts import NOW, plan


@pytest.fixture
def rollout(inventory: Inventory) -> str:
    return rollouts.create_rollout(
        inventory, plan("north", "south", left_out=("west",)), "op-1", at=NOW
    )


def test_a_rollout_is_found_again_with_its_whole_plan(inventory: Inventory, rollout: str) -> None:
    found = rollouts.get_rollout(inventory, rollout)
    assert found.plan == plan("north", "south", left_out=("west",))
    assert (found.id, found.state, found.operation) == (rollout, RolloutState.RUNNING, "op-1")
    names = [site.site for site in journal.rollout_sites(inventory, rollout)]
    assert names == ["north", "south", "west"]
    for unknown in ("r-99", "nonsense", "r-"):
        with pytest.raises(NotFound):
            rollouts.get_rollout(inventory, unknown)


def test_the_journal_tells_what_comes_next(inventory: Inventory, rollout: str) -> None:
    entries = [
        Entry(Step.PREFETCH, Outcome.INTENDED, at=NOW),
        Entry(Step.PREFETCH, Outcome.DONE, "12 MB", at=NOW + 1),
        Entry(Step.CHECK, Outcome.SCHEDULED, "", at=NOW + 2, again_at=NOW + 3600),
    ]
    for entry in entries:
        journal.append_step(
            inventory, rollout, "north", entry.step, entry.outcome, entry.detail, at=entry.at,
            again_at=entry.again_at,
        )  # fmt: skip
    journal.append_step(inventory, rollout, "south", Step.PREFETCH, Outcome.WAITING, at=NOW + 9)
    assert journal.journal(inventory, rollout, "north") == entries
    assert following(journal.journal(inventory, rollout, "north")) is Step.CHECK
    rows = journal.steps(inventory, rollout)
    assert [(row.site, row.at) for row in rows][-1] == ("south", NOW + 9)
    assert journal.steps(inventory, rollout, after=rows[2].id) == rows[3:]


def test_two_rollouts_of_an_app_cannot_move_the_same_site(
    inventory: Inventory, rollout: str
) -> None:
    with pytest.raises(Refused) as caught:
        rollouts.create_rollout(inventory, plan("south", "east"), "op-2", at=NOW)
    assert caught.value.fields["rollout"] == rollout
    rollouts.create_rollout(inventory, plan("east"), "op-3", at=NOW)
    rollouts.create_rollout(inventory, plan("south", app="welds"), "op-4", at=NOW)
    # one that waits for a site which may never come back must not block the next release
    rollouts.set_state(inventory, rollout, RolloutState.WAITING, at=NOW)
    rollouts.create_rollout(inventory, plan("south"), "op-5", at=NOW)


def test_an_old_rollout_guards_its_sites_behind_a_hundred_newer_ones(
    inventory: Inventory, rollout: str
) -> None:
    newer = rollouts.create_rollout(inventory, plan("east"), "op-2", at=NOW)
    with inventory.transaction():  # a hundred durable ones would take long
        inventory.execute_many(
            "INSERT INTO rollouts (app, release, plan, operation, state, created_at) "
            "SELECT app, release, plan, operation, state, created_at FROM rollouts "
            "WHERE number = ?",
            [(rollouts.number_of(newer),)] * 100,
        )
    assert rollout not in {row.id for row in rollouts.list_rollouts(inventory, unfinished=True)}
    with pytest.raises(Refused) as caught:
        rollouts.create_rollout(inventory, plan("south"), "op-200", at=NOW)
    assert caught.value.fields["rollout"] == rollout


def test_only_one_engine_drives_a_rollout(inventory: Inventory, rollout: str) -> None:
    rollouts.take_rollout(inventory, rollout, "a", at=NOW, stale_after=30)
    with pytest.raises(Refused) as caught:
        rollouts.take_rollout(inventory, rollout, "b", at=NOW + 29, stale_after=30)
    assert caught.value.fields["holder"] == "a"
    rollouts.take_rollout(inventory, rollout, "a", at=NOW + 29, stale_after=30)
    rollouts.take_rollout(inventory, rollout, "b", at=NOW + 60, stale_after=30)
    with pytest.raises(Refused):  # a slept, woke and must not write over b
        journal.append_step(
            inventory, rollout, "north", Step.SWITCH, Outcome.INTENDED, at=NOW + 61, holder="a"
        )
    assert journal.steps(inventory, rollout) == []
    journal.append_step(
        inventory, rollout, "north", Step.SWITCH, Outcome.INTENDED, at=NOW + 62, holder="b"
    )
    assert rollouts.get_rollout(inventory, rollout).heartbeat_at == NOW + 62
    rollouts.leave_rollout(inventory, rollout, "a")
    assert rollouts.get_rollout(inventory, rollout).holder == "b"
    rollouts.leave_rollout(inventory, rollout, "b")
    assert rollouts.get_rollout(inventory, rollout).holder is None


def test_a_clock_that_was_set_back_does_not_lock_a_rollout_for_ever(
    inventory: Inventory, rollout: str
) -> None:
    rollouts.take_rollout(inventory, rollout, "a", at=NOW + 86400, stale_after=30)
    rollouts.take_rollout(inventory, rollout, "b", at=NOW, stale_after=30)


def test_what_a_person_asks_reaches_the_engine_in_another_process(
    inventory: Inventory, rollout: str
) -> None:
    with open_inventory(inventory.path) as person:
        rollouts.request_pause(person, rollout)
        assert rollouts.requests(inventory, rollout) == (True, False, "")
        rollouts.request_pause(person, rollout, wanted=False)
        rollouts.request_abort(person, rollout)
        rollouts.approve(person, rollout, "ana")
    assert rollouts.requests(inventory, rollout) == (False, True, "ana")
    with pytest.raises(NotFound):
        rollouts.request_abort(inventory, "r-99")


def test_a_rollout_that_ended_stays_ended(inventory: Inventory, rollout: str) -> None:
    rollouts.set_state(inventory, rollout, RolloutState.FAILED, at=NOW + 5, reason="gates")
    rollouts.set_state(inventory, rollout, RolloutState.DONE, at=NOW + 9)
    found = rollouts.get_rollout(inventory, rollout)
    assert (found.state, found.reason, found.ended_at) == (RolloutState.FAILED, "gates", NOW + 5)
    assert rollouts.list_rollouts(inventory, unfinished=True) == []
    assert [row.id for row in rollouts.list_rollouts(inventory, app="brake-disc")] == [rollout]


def test_results_and_gates_are_kept_for_each_site(inventory: Inventory, rollout: str) -> None:
    gates = (GateResult("latency total p95", Verdict.FAILED, 81.5, 60.0, 240, "ms"),)
    journal.set_gates(inventory, rollout, "north", gates)
    journal.set_result(inventory, rollout, "north", SiteResult.REVERTED)
    north, south, _ = journal.rollout_sites(inventory, rollout)
    assert (north.result, north.gates) == (SiteResult.REVERTED, gates)
    assert (south.result, south.gates) == (None, ())
    with pytest.raises(NotFound):
        journal.set_result(inventory, rollout, "elsewhere", SiteResult.REVERTED)


def test_an_operation_is_followed_from_where_one_left_off(inventory: Inventory) -> None:
    operations.create_operation(inventory, "op", "rollout start", {"app": "brake-disc"}, at=NOW)
    operations.started(inventory, "op", 4711, "boot", at=NOW + 1)
    for number in range(3):
        sequence = operations.append_event(
            inventory, "op", "info", "progress.step", {"n": number}, at=NOW + number
        )
        assert sequence == number + 1
    assert [event.fields["n"] for event in operations.follow(inventory, "op", 1)] == [1, 2]
    assert operations.follow(inventory, "op", 3) == []
    running = operations.get_operation(inventory, "op")
    assert (running.state, running.pid, running.boot_id) == (OperationState.RUNNING, 4711, "boot")
    assert running.arguments == {"app": "brake-disc"}


def test_an_operation_hears_that_it_shall_stop_and_says_how_it_ended(
    inventory: Inventory,
) -> None:
    operations.create_operation(inventory, "op", "site create", {}, at=NOW)
    operations.started(inventory, "op", 1, "boot", at=NOW)
    assert not operations.cancel_requested(inventory, "op")
    operations.request_cancel(inventory, "op", at=NOW + 1)
    assert operations.cancel_requested(inventory, "op")
    operations.heartbeat(inventory, "op", at=NOW + 2)
    assert [row.id for row in operations.list_operations(inventory, unfinished=True)] == ["op"]
    operations.finish(inventory, "op", OperationState.CANCELLED, 130, at=NOW + 3)
    ended = operations.get_operation(inventory, "op")
    assert (ended.state, ended.exit_code, ended.heartbeat_at) == (
        OperationState.CANCELLED, 130, NOW + 2,
    )  # fmt: skip
    assert operations.list_operations(inventory, unfinished=True) == []
    with pytest.raises(NotFound):
        operations.get_operation(inventory, "other")
