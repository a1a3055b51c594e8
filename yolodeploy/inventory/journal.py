"""The journal of a rollout: every step of every site, and how the sites came out.

A step is on the disk before `append_step` returns, so that an intended one survives a power cut.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.gates import GateResult
from yolodeploy.core.sentences import Sentence
from yolodeploy.core.steps import Entry, Outcome, SiteResult, Step
from yolodeploy.inventory.connection import Inventory, Row
from yolodeploy.inventory.rollouts import kept, number_of, stored


class StepRow(NamedTuple):
    """One line of the journal with its time (Unix seconds); `id` grows over all rollouts."""

    id: int
    site: str
    entry: Entry
    at: float


class RolloutSite(NamedTuple):
    """How one site came out of a rollout; `result` is None while it is under way."""

    site: str
    result: SiteResult | None
    gates: tuple[GateResult, ...]


def append_step(
    inventory: Inventory,
    rollout: str,
    site: str,
    step: Step,
    outcome: Outcome,
    detail: str = "",
    *,
    at: float,
    holder: str | None = None,
    again_at: float | None = None,
    said: Sentence | None = None,
) -> None:
    """Journal a step durably, in a transaction of its own; the rest as in `core.steps.Entry`.

    With `holder` it also counts as a sign of life, and is refused when somebody else drives the
    rollout by now.

    Raises:
        Refused: `inventory.rollout_taken`.
    """
    number = number_of(rollout)
    with inventory.durable():
        if holder is not None:
            _still_ours(inventory, rollout, holder, at)
        inventory.execute(
            "INSERT INTO steps (rollout, site, step, outcome, detail, at, again_at, said) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (number, site, step.value, outcome.value, detail, at, again_at, stored(said)),
        )


def journal(inventory: Inventory, rollout: str, site: str) -> list[Entry]:
    """Everything journalled of one site, oldest first: what `core.steps.following` reads."""
    rows = inventory.rows(
        "SELECT step, outcome, detail, at, again_at, said FROM steps "
        "WHERE rollout = ? AND site = ? ORDER BY id",
        (number_of(rollout), site),
    )
    return [_entry(*row) for row in rows]


def steps(inventory: Inventory, rollout: str, *, after: int = 0) -> list[StepRow]:
    """The journal of all sites, oldest first, after the line with id `after`."""
    rows = inventory.rows(
        "SELECT id, site, step, outcome, detail, at, again_at, said FROM steps "
        "WHERE rollout = ? AND id > ? ORDER BY id",
        (number_of(rollout), after),
    )
    return [StepRow(row[0], row[1], _entry(*row[2:]), row[5]) for row in rows]


def set_result(inventory: Inventory, rollout: str, site: str, result: SiteResult | None) -> None:
    """Store durably how a site came out; None takes it back (an offline site that is back).

    Raises:
        NotFound: `inventory.unknown_site`, the site is not part of the rollout.
    """
    with inventory.durable():
        _update(inventory, rollout, site, "result", result.value if result else None)


def set_gates(inventory: Inventory, rollout: str, site: str, gates: tuple[GateResult, ...]) -> None:
    """Store what the gates said of a site last.

    Raises:
        NotFound: `inventory.unknown_site`, the site is not part of the rollout.
    """
    _update(inventory, rollout, site, "gates", msgspec.json.encode(gates).decode())


def rollout_sites(inventory: Inventory, rollout: str) -> list[RolloutSite]:
    """The sites of a rollout in the order of its waves, those that do not move last."""
    rows = inventory.rows(
        "SELECT site, result, gates FROM rollout_sites WHERE rollout = ? ORDER BY position",
        (number_of(rollout),),
    )
    return [_site(row) for row in rows]


def sites_that_ran(inventory: Inventory, release: str) -> set[str]:
    """The sites on which a release (a digest) was committed by some rollout."""
    rows = inventory.rows(
        "SELECT DISTINCT site FROM rollout_sites JOIN rollouts ON number = rollout "
        "WHERE release = ? AND result = 'committed'",
        (release,),
    )
    return {row[0] for row in rows}


def _still_ours(inventory: Inventory, rollout: str, holder: str, at: float) -> None:
    changed = inventory.execute(
        "UPDATE rollouts SET heartbeat_at = ? WHERE number = ? AND holder = ?",
        (at, number_of(rollout), holder),
    ).rowcount
    if not changed:
        row = inventory.row("SELECT holder FROM rollouts WHERE number = ?", (number_of(rollout),))
        raise Refused("inventory.rollout_taken", rollout=rollout, holder=row[0] if row else None)


def _update(inventory: Inventory, rollout: str, site: str, column: str, value: object) -> None:
    sql = f"UPDATE rollout_sites SET {column} = ? WHERE rollout = ? AND site = ?"  # noqa: S608
    if not inventory.execute(sql, (value, number_of(rollout), site)).rowcount:
        raise NotFound("inventory.unknown_site", site=site)


def _entry(
    step: str, outcome: str, detail: str, at: float, again_at: float | None, said: str
) -> Entry:
    return Entry(Step(step), Outcome(outcome), detail, at, again_at, kept(said))


def _site(row: Row) -> RolloutSite:
    site, result, gates = row
    return RolloutSite(
        site,
        SiteResult(result) if result else None,
        msgspec.json.decode(gates, type=tuple[GateResult, ...]),
    )
