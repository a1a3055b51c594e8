"""If these fail, sound sites are brought back because another process wrote for a while."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.inventory.parts import NOW, plan
from yolodeploy.core.steps import Entry, Outcome, Step
from yolodeploy.inventory import operations, rollouts
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.faults import Busy
from yolodeploy.ops import rollout_journal
from yolodeploy.ops.home import Home
from yolodeploy.ops.operations import Teller
from yolodeploy.ops.rollout_journal import InventoryJournal
from yolodeploy.rollouts.ports import Request


@pytest.fixture
def inventory(home: Home) -> Iterator[Inventory]:
    with open_inventory(home.inventory) as opened:
        opened.execute("PRAGMA busy_timeout=20")
        yield opened


def test_an_inventory_that_is_busy_for_a_while_is_no_end_of_a_rollout(
    home: Home, inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(rollout_journal, "monotonic", lambda: clock[0])
    operations.create_operation(inventory, "op-1", "rollout", {}, at=NOW)
    rollout = rollouts.create_rollout(inventory, plan("north"), "op-1", at=NOW)
    rollouts.take_rollout(inventory, rollout, "ann", at=NOW, stale_after=rollouts.SILENT_S)
    journal = InventoryJournal(inventory, rollout, "ann", Teller(inventory, "op-1"), {})
    rollouts.request_pause(inventory, rollout)
    assert journal.request() is Request.PAUSE
    with closing(sqlite3.connect(home.inventory, isolation_level=None)) as other:
        for _ in range(2):  # each time it may be silent for as long
            other.execute("BEGIN IMMEDIATE")
            clock[0] += rollouts.SILENT_S - 1
            assert journal.request() is Request.PAUSE
            with pytest.raises(Busy):
                journal.append("north", Entry(Step.COMMIT, Outcome.INTENDED))
            with pytest.raises(Busy):
                journal.end_wave(1)
            clock[0] += 3
            with pytest.raises(Busy):
                journal.request()
            other.execute("ROLLBACK")
            clock[0] += 3
            assert journal.request() is Request.PAUSE
    assert rollouts.get_rollout(inventory, rollout).heartbeat_at != NOW
    rollouts.request_abort(inventory, rollout)
    assert journal.request() is Request.ABORT
