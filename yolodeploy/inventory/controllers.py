"""The controller of this home, as it said of itself last."""

from __future__ import annotations

from typing import NamedTuple

from yolodeploy.inventory.connection import Inventory


class ControllerRow(NamedTuple):
    """Who collects, since when, and how the last round was. Times are Unix seconds.

    `ended_at` is None for one that runs, or was killed. `round_at` is None before the first round,
    which took `round_s` seconds; `trouble` is why it cannot go on, empty for nothing.
    """

    host: str
    pid: int
    version: str
    started_at: float
    alive_at: float
    ended_at: float | None = None
    round_at: float | None = None
    round_s: float = 0.0
    trouble: str = ""


def set_controller(inventory: Inventory, row: ControllerRow) -> None:
    """Say how the controller is."""
    inventory.execute(
        "INSERT OR REPLACE INTO controller (one, host, pid, version, started_at, alive_at, "
        "ended_at, round_at, round_s, trouble) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )


def get_controller(inventory: Inventory) -> ControllerRow | None:
    """How the last controller was; None where there never was one."""
    row = inventory.row(
        "SELECT host, pid, version, started_at, alive_at, ended_at, round_at, round_s, trouble "
        "FROM controller"
    )
    return ControllerRow._make(row) if row else None
