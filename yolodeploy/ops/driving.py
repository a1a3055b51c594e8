"""Going on with rollouts that nobody drives, without a person."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import YolodeployError
from yolodeploy.inventory.operations import follow
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.pending import PendingRollout, Turn, pending_rollouts

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home

Tell = Callable[[str, Mapping[str, str]], None]
"""Says something: a code of the catalogue, and its fields."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 10.0, 600.0
TROUBLE_AFTER = 3
"""So many engines in a row that died or gave up make a rollout one that a person must see."""


class _Tries(NamedTuple):
    times: int
    at: float


class Driver:
    """Starts an engine where it is nobody else's turn; keeps nothing that a successor needs."""

    def __init__(self) -> None:
        self._tries: dict[str, _Tries] = {}

    def round(self, home: Home, inventory: Inventory, tell: Tell) -> Mapping[str, str]:
        """Look once at every rollout that has not ended; why some cannot be driven, by their id.

        Raises:
            YolodeployError: `inventory.*`.
        """
        found = pending_rollouts(inventory, at=time.time())
        self._tries = {
            item.row.id: self._tries[item.row.id] for item in found if item.row.id in self._tries
        }
        for item in found:
            if item.turn is Turn.NOW and self._rested(item):
                self._drive(home, item, tell)
        return {
            item.row.id: _complaint(inventory, item)
            for item in found
            if self._tries.get(item.row.id, _Tries(0, 0.0)).times > TROUBLE_AFTER
        }

    def _rested(self, item: PendingRollout) -> bool:
        tries = self._tries.get(item.row.id)
        if tries is None:
            return True
        pause_s = min(FIRST_PAUSE_S * 2.0 ** min(tries.times - 1, 8), LONGEST_PAUSE_S)
        return time.monotonic() - tries.at >= pause_s

    def _drive(self, home: Home, item: PendingRollout, tell: Tell) -> None:
        from yolodeploy.ops.rollouts import resume

        row = item.row
        # one that waited has done what it could; one that did not was ended in the middle
        fresh = row.state is RolloutState.WAITING or row.id not in self._tries
        times = 1 if fresh else self._tries[row.id].times + 1
        self._tries[row.id] = _Tries(times, time.monotonic())
        try:
            started = resume(home, row.id, due_only=True)
        except YolodeployError as error:
            tell(error.code, error.fields)
        else:
            tell(
                "controller.resumed",
                {"rollout": row.id, "operation": started.operation, "state": row.state.value},
            )


def _complaint(inventory: Inventory, item: PendingRollout) -> str:
    """What its last engine said before it ended."""
    said = follow(inventory, item.operation.id) if item.operation else []
    errors = [YolodeployError(one.code, **one.fields) for one in said if one.level == "error"]
    return errors[-1].text() if errors else item.row.reason or "its engine ends without a word"
