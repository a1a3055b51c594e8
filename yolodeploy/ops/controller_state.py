"""How the controller is, for those who look."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy import __version__
from yolodeploy.core.errors import Failed, Refused, YolodeployError
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.controllers import ControllerRow, get_controller
from yolodeploy.inventory.notices import place_row, waiting
from yolodeploy.inventory.sites import list_sites
from yolodeploy.ops.one_controller import is_running
from yolodeploy.ops.pending import PendingRollout, Turn, pending_rollouts

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home

SILENT_S = 60.0
"""It gives a sign of life every 5 s; what writes to the inventory may make it wait for 10."""


class ControllerState(NamedTuple):
    """Whether one runs, what it said last, and what is pending. `notices` wait for their places."""

    running: bool
    row: ControllerRow | None
    sites: int
    silent: int
    pending: list[PendingRollout]
    notices: int
    faults: tuple[YolodeployError, ...]

    @property
    def word(self) -> str:
        """`running`, `hangs`, or `none`."""
        return ("running" if self.well else "hangs") if self.running else "none"

    @property
    def driven(self) -> tuple[str, ...]:
        """The rollouts that an engine drives now."""
        return tuple(item.row.id for item in self.pending if item.turn is Turn.DRIVEN)

    @property
    def well(self) -> bool:
        """Whether a controller runs and gives signs of life."""
        return self.running and not any(f.code == "controller.hangs" for f in self.faults)


def controller_state(home: Home) -> ControllerState:
    """How it is now.

    Raises:
        NotFound: `inventory.missing`.
    """
    with read_inventory(home.inventory) as inventory:
        return state_in(inventory, running=is_running(home), now=time.time())


def state_in(inventory: Inventory, *, running: bool, now: float) -> ControllerState:
    """How it is, as an inventory has it; `running` is what its lock says."""
    row = get_controller(inventory)
    sites = list_sites(inventory)
    outbox = waiting(inventory)
    places = [place_row(inventory, name) for name in outbox]
    pending = pending_rollouts(inventory, at=now)
    faults: list[YolodeployError] = []
    if not running:
        faults.append(Refused("controller.none"))
    elif row is not None and abs(now - row.alive_at) > SILENT_S:
        faults.append(Failed("controller.hangs", seconds=round(abs(now - row.alive_at))))
    if running and row is not None and row.version != __version__:
        faults.append(Refused("controller.version", theirs=row.version, ours=__version__))
    return ControllerState(
        running,
        row,
        len(sites),
        sum(site.reachable is False for site in sites),
        pending,
        sum(outbox.values()),
        (
            *faults,
            *(Failed("notice.waits", reason=place.reason) for place in places if place.reason),
        ),
    )
