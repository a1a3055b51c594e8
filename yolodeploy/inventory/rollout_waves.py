"""The waves of rollouts: when each began and ended, and who let the next one begin."""

from __future__ import annotations

from typing import NamedTuple

from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.rollouts import number_of


class WaveRow(NamedTuple):
    """One wave, counted from 1; times are Unix seconds, None before. `approved_by` may be empty."""

    wave: int
    begun_at: float | None = None
    ended_at: float | None = None
    approved_by: str = ""
    approved_at: float | None = None


def waves(inventory: Inventory, rollout: str) -> dict[int, WaveRow]:
    """What is known of a rollout's waves, by number; nothing of those that are still to come."""
    rows = inventory.rows(
        "SELECT wave, begun_at, ended_at, approved_by, approved_at FROM rollout_waves "
        "WHERE rollout = ?",
        (number_of(rollout),),
    )
    return {row[0]: WaveRow._make(row) for row in rows}


def begin_wave(inventory: Inventory, rollout: str, wave: int, *, at: float) -> None:
    """Store durably that a wave begins; the first word stays."""
    _first_word(inventory, rollout, wave, "begun_at = coalesce(begun_at, ?)", at)


def end_wave(inventory: Inventory, rollout: str, wave: int, *, at: float) -> None:
    """Store durably that every site of a wave had its turn; the first word stays."""
    _first_word(inventory, rollout, wave, "ended_at = coalesce(ended_at, ?)", at)


def approve_wave(
    inventory: Inventory, rollout: str, wave: int, person: str, *, at: float
) -> WaveRow:
    """Store durably who lets a rollout go on after a wave; returns what counts: the first word."""
    _first_word(
        inventory,
        rollout,
        wave,
        "approved_at = coalesce(approved_at, ?), approved_by = "
        "CASE approved_by WHEN '' THEN ? ELSE approved_by END",
        at,
        person,
    )
    return waves(inventory, rollout)[wave]


def _first_word(
    inventory: Inventory, rollout: str, wave: int, assignments: str, *values: object
) -> None:
    number = number_of(rollout)
    with inventory.durable():
        inventory.execute(
            "INSERT OR IGNORE INTO rollout_waves (rollout, wave) VALUES (?, ?)", (number, wave)
        )
        inventory.execute(
            f"UPDATE rollout_waves SET {assignments} "  # noqa: S608 assignments are ours
            "WHERE rollout = ? AND wave = ?",
            (*values, number, wave),
        )
