"""If these fail, whoever watches a long action is told something else than how it ended."""

from __future__ import annotations

import time

import pytest

from yolodeploy.core.errors import Failed
from yolodeploy.inventory import operations as rows
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.operations import OperationState, Said
from yolodeploy.ops import operations
from yolodeploy.ops.home import Home

ID = "op-000001"


def begun(home: Home) -> None:
    with open_inventory(home.inventory) as inventory:
        rows.create_operation(inventory, ID, "play", {}, at=time.time())
        rows.started(inventory, ID, 1, operations.boot_id(), at=time.time())


def test_a_process_that_ends_while_it_is_looked_at_has_ended(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says its last word, and is gone, after its row was read and before it is looked for."""
    begun(home)

    def ends(_: int) -> bool:
        with open_inventory(home.inventory) as inventory:
            rows.append_events(inventory, ID, [Said(time.time(), "info", "progress.ended", {})])
            rows.finish(inventory, ID, OperationState.DONE, 0, at=time.time())
        return False

    monkeypatch.setattr(operations, "alive", ends)
    assert [event.code for event in operations.follow(home, ID)] == ["progress.ended"]


def test_a_process_that_is_gone_without_a_word_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(home)
    monkeypatch.setattr(operations, "alive", lambda _: False)
    with pytest.raises(Failed) as told:
        list(operations.follow(home, ID))
    assert told.value.code == "ops.lost"
