"""If these fail, a controller that runs for years fills the disk of its gateway with journals."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.inventory.parts import plan
from yolodeploy.inventory import operations, retention, rollouts
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.operations import OperationState, Said
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.home import Home
from yolodeploy.ops.operation_logs import LOG_MOST
from yolodeploy.ops.rollouts import frames_of_operation
from yolodeploy.ops.tending import Tending

DAY_S = 86400.0


@pytest.fixture
def inventory(home: Home) -> Iterator[Inventory]:
    with open_inventory(home.inventory) as opened:
        yield opened


def operation(
    home: Home, inventory: Inventory, name: str, days: float, log: bytes, *, ended: bool = True
) -> Path:
    """One that began so many days ago, and its log."""
    then = time.time() - days * DAY_S
    operations.create_operation(inventory, name, "rollout", {}, at=then)
    operations.append_events(inventory, name, [Said(then, "info", "progress.ended", {})])
    if ended:
        operations.finish(inventory, name, OperationState.DONE, 0, at=then)
    path = home.operations / f"{name}.log"
    path.write_bytes(log)
    os.utime(path, (then, then))
    return path


def test_logs_and_what_operations_said_are_bounded(
    home: Home,
    inventory: Inventory,
    run: Run,  # noqa: F811
) -> None:
    long = b"x" * LOG_MOST + b"\nthe reason\n"
    old = operation(home, inventory, "op-old", 91, b"a traceback")
    killed = operation(home, inventory, "op-killed", 91, b"a traceback", ended=False)
    empty = operation(home, inventory, "op-empty", 2, b"")
    today = operation(home, inventory, "op-today", 0.1, b"")
    kept = operation(home, inventory, "op-kept", 80, b"a traceback")
    grown = operation(home, inventory, "op-grown", 5, long)
    runs = operation(home, inventory, "op-runs", 2, long, ended=False)
    strange = home.operations / "plant.lock"
    strange.touch()
    assert "2 rows and 3 logs would be" in run("inventory", "prune", "--dry-run").err
    assert "2 rows and 3 logs deleted" in run("inventory", "prune").err
    assert not any(path.exists() for path in (old, killed, empty))
    assert today.exists()
    assert kept.read_bytes() == b"a traceback"
    assert grown.read_bytes() == long[-LOG_MOST:], "its end has the reason"
    assert grown.stat().st_mode & 0o777 == 0o600
    assert runs.read_bytes() == long, "its process writes on"
    assert strange.exists()
    left = {row.id for row in operations.list_operations(inventory)}
    assert left == {"op-empty", "op-today", "op-kept", "op-grown", "op-runs"}
    assert inventory.row("SELECT count(*) FROM operation_events") == (5,)

    # what a controller does every hour
    os.utime(kept, (0, 0))
    Tending(home).round(lambda code, fields: None, {})
    assert not kept.exists()


def test_what_an_unfinished_rollout_was_begun_with_is_kept(
    home: Home,
    inventory: Inventory,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,  # noqa: F811
) -> None:
    """Without its first operation a rollout goes on without the frames that judge it."""
    monkeypatch.setattr(retention, "OPERATIONS_MOST", 30)
    now = time.time()
    waits, ended = (
        rollouts.create_rollout(inventory, plan(site), f"op-{site}", at=now - 100 * DAY_S)
        for site in ("north", "south")
    )
    for rollout, site in ((waits, "north"), (ended, "south")):
        then, arguments = now - 100 * DAY_S, {"rollout": rollout, "frames": "/line-3"}
        operations.create_operation(inventory, f"op-{site}", "rollout", arguments, at=then)
        operations.finish(inventory, f"op-{site}", OperationState.DONE, 3, at=then)
    rollouts.set_state(inventory, waits, RolloutState.WAITING, at=now)
    rollouts.set_state(inventory, ended, RolloutState.DONE, at=now)
    for number in range(40):
        operation(home, inventory, f"op-{number}", 0.1 + number / 1000, b"")
    assert "11 rows and 0 logs would be" in run("inventory", "prune", "--dry-run").err
    assert "11 rows and 0 logs deleted" in run("inventory", "prune").err
    assert frames_of_operation(inventory, "op-north") == "/line-3"
    assert frames_of_operation(inventory, "op-south") == ""
    assert len(operations.list_operations(inventory)) == 31


def test_of_operations_the_newest_are_kept(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollout that waits for a site tries it fifty times a day."""
    monkeypatch.setattr(retention, "OPERATIONS_MOST", 30)
    now = time.time()
    for number in range(80):
        operations.create_operation(inventory, f"op-{number}", "rollout", {}, at=now + number)
        if number != 5:
            operations.finish(inventory, f"op-{number}", OperationState.DONE, 0, at=now + number)
    retention.prune(inventory, at=now)
    left = {row.id for row in operations.list_operations(inventory)}
    assert left == {f"op-{number}" for number in (5, *range(50, 80))}
