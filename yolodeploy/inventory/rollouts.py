"""Rollouts: the plan, the state, what people ask of it, and who drives it.

The journal of steps is in `journal`.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

import msgspec

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.sentences import Sentence, sentence
from yolodeploy.core.waves import Plan
from yolodeploy.inventory.connection import Inventory, Row

SILENT_S = 10.0
"""After this long without a sign of life nobody drives a rollout; engines give one every 2 s."""

_ID = re.compile(r"(?:r-)?(\d{1,15})", re.ASCII)


class RolloutState(Enum):
    """How far a rollout is; `FINAL` has those that are ends."""

    RUNNING = "running"
    PAUSED = "paused"
    ABORTING = "aborting"
    WAITING = "waiting"  # for sites, a window or the end of a soak
    APPROVAL = "approval"  # a person must say that it may go on
    DONE = "done"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ABORTED = "aborted"
    EXPIRED = "expired"  # ended without the sites that were not reached in time

    @property
    def said(self) -> Sentence:
        """Its name for readers of any language."""
        return Sentence(f"tui.rollout.{self.value}")


PENDING = frozenset({RolloutState.WAITING, RolloutState.APPROVAL})
"""Nobody drives it, and it may be long before it goes on: a newer rollout takes its rest over."""

FINAL = frozenset(
    {
        RolloutState.DONE,
        RolloutState.FAILED,
        RolloutState.INCONCLUSIVE,
        RolloutState.ABORTED,
        RolloutState.EXPIRED,
    }
)
_FINAL = "'done', 'failed', 'inconclusive', 'aborted', 'expired'"


class RolloutRow(NamedTuple):
    """One rollout.

    `release` is a digest, `holder` the engine that drives it (None: nobody) and `heartbeat_at`
    its last sign of life. `pause_requested` and `abort_requested` are what other processes ask;
    `approved_by` names who approved changed classes, empty without. `again_at` is when it is worth
    going on without a person; None: when somebody asks. `reason` is in English, `said` the same for
    readers of any language; an older row has only words. Times are Unix seconds.
    """

    id: str
    app: str
    release: str
    plan: Plan
    operation: str
    state: RolloutState
    reason: str
    created_at: float
    ended_at: float | None
    pause_requested: bool
    abort_requested: bool
    approved_by: str
    holder: str | None
    heartbeat_at: float | None
    again_at: float | None = None
    said: Sentence | None = None

    def why(self, language: str) -> str:
        """The reason in the reader's language; as it is where there are only words."""
        return self.said.told(language) if self.said is not None else self.reason


class Requests(NamedTuple):
    """What people ask of a rollout that is under way; an engine polls it."""

    pause: bool
    abort: bool
    approved_by: str


_ROLLOUT = """
    SELECT number, app, release, plan, operation, state, reason, created_at, ended_at,
        pause_requested, abort_requested, approved_by, holder, heartbeat_at,
        again_at, said FROM rollouts
"""


def create_rollout(inventory: Inventory, plan: Plan, operation: str, *, at: float) -> str:
    """Store a plan as a running rollout, durably; its id, such as `r-7`.

    The rest of an older one of the app that only waits is taken over: its sites that this one
    was asked for are `superseded` there, and it has ended where no other is left.

    Raises:
        Refused: `inventory.rollout_unfinished`: another rollout of the app moves a site of it.
    """
    moving = plan.moving
    with inventory.durable():
        older, busy = overlapping(inventory, plan)
        if busy:
            raise Refused("inventory.rollout_unfinished", rollout=busy[0].id, app=plan.app)
        number = inventory.execute(
            "INSERT INTO rollouts (app, release, plan, operation, state, created_at) "
            "VALUES (?, ?, ?, ?, 'running', ?)",
            (plan.app, plan.release, msgspec.json.encode(plan).decode(), operation, at),
        ).lastrowid
        left_out = [site.site for site in plan.sites if site.site not in set(moving)]
        inventory.execute_many(
            "INSERT INTO rollout_sites (rollout, site, position) VALUES (?, ?, ?)",
            [(number, site, position) for position, site in enumerate([*moving, *left_out])],
        )
        for row in older:
            _supersede(inventory, row, f"r-{number}", {site.site for site in plan.sites}, at)
    return f"r-{number}"


def get_rollout(inventory: Inventory, rollout: str) -> RolloutRow:
    """One rollout.

    Raises:
        NotFound: `inventory.unknown_rollout`.
    """
    row = inventory.row(f"{_ROLLOUT} WHERE number = ?", (number_of(rollout),))
    if row is None:
        raise NotFound("inventory.unknown_rollout", rollout=rollout)
    return _rollout(row)


def list_rollouts(
    inventory: Inventory,
    *,
    app: str | None = None,
    unfinished: bool = False,
    limit: int | None = 100,
) -> list[RolloutRow]:
    """Rollouts, newest first, no more than `limit` (None: all); `unfinished`: without the ended."""
    rows = inventory.rows(
        f"{_ROLLOUT} WHERE (?1 IS NULL OR app = ?1) AND (NOT ?2 OR state NOT IN ({_FINAL})) "
        "ORDER BY number DESC LIMIT ?3",
        (app, unfinished, -1 if limit is None else limit),
    )
    return [_rollout(row) for row in rows]


def set_state(
    inventory: Inventory,
    rollout: str,
    state: RolloutState,
    *,
    at: float,
    reason: str = "",
    said: Sentence | None = None,
    again_at: float | None = None,
) -> None:
    """Move a rollout to another state, durably; the same again is harmless, a final one stays.

    `again_at` is when one that waits is worth going on with; the rest as in `RolloutRow`.

    Raises:
        NotFound: `inventory.unknown_rollout`.
    """
    ended_at = at if state in FINAL else None
    with inventory.durable():
        changed = inventory.execute(
            "UPDATE rollouts SET state = ?, reason = ?, said = ?, ended_at = ?, "  # noqa: S608
            f"again_at = ? WHERE number = ? AND state NOT IN ({_FINAL})",
            (state.value, reason, stored(said), ended_at, again_at, number_of(rollout)),
        ).rowcount
    if not changed:
        get_rollout(inventory, rollout)


def request_pause(inventory: Inventory, rollout: str, *, wanted: bool = True) -> None:
    """Ask whoever drives it to pause, or to go on (`wanted` false).

    Raises:
        NotFound: `inventory.unknown_rollout`.
    """
    _ask(inventory, rollout, "pause_requested", wanted)


def request_abort(inventory: Inventory, rollout: str) -> None:
    """Ask whoever drives it to abort. There is no way back from that.

    Raises:
        NotFound: `inventory.unknown_rollout`.
    """
    _ask(inventory, rollout, "abort_requested", True)


def approve(inventory: Inventory, rollout: str, person: str) -> None:
    """Remember who approved what needs an approval.

    Raises:
        NotFound: `inventory.unknown_rollout`.
    """
    _ask(inventory, rollout, "approved_by", person)


def requests(inventory: Inventory, rollout: str) -> Requests:
    """What people ask of a rollout; cheap enough to be polled.

    Raises:
        NotFound: `inventory.unknown_rollout`.
    """
    row = inventory.row(
        "SELECT pause_requested, abort_requested, approved_by FROM rollouts WHERE number = ?",
        (number_of(rollout),),
    )
    if row is None:
        raise NotFound("inventory.unknown_rollout", rollout=rollout)
    return Requests(bool(row[0]), bool(row[1]), row[2])


def take_rollout(
    inventory: Inventory, rollout: str, holder: str, *, at: float, stale_after: float
) -> None:
    """Become the one that drives a rollout; again renews it (the heartbeat).

    Another holder is displaced when its last sign of life lies more than `stale_after` seconds
    from `at`, on either side: clocks are set back too.

    Raises:
        NotFound: `inventory.unknown_rollout`.
        Refused: `inventory.rollout_taken`.
    """
    number = number_of(rollout)
    changed = inventory.execute(
        "UPDATE rollouts SET holder = ?1, heartbeat_at = ?2 WHERE number = ?3 AND (holder IS NULL "
        "OR holder = ?1 OR heartbeat_at IS NULL OR abs(?2 - heartbeat_at) > ?4)",
        (holder, at, number, stale_after),
    ).rowcount
    if not changed:
        other = get_rollout(inventory, rollout).holder
        raise Refused("inventory.rollout_taken", rollout=rollout, holder=other)


def leave_rollout(inventory: Inventory, rollout: str, holder: str) -> None:
    """Drive it no longer; harmless where somebody else does meanwhile."""
    inventory.execute(
        "UPDATE rollouts SET holder = NULL, heartbeat_at = NULL WHERE number = ? AND holder = ?",
        (number_of(rollout), holder),
    )


def number_of(rollout: str) -> int:
    """The number in `r-7` or `7`.

    Raises:
        NotFound: `inventory.unknown_rollout`.
    """
    match = _ID.fullmatch(rollout)
    if match is None:
        raise NotFound("inventory.unknown_rollout", rollout=rollout)
    return int(match[1])


def overlapping(inventory: Inventory, plan: Plan) -> tuple[list[RolloutRow], list[RolloutRow]]:
    """Unfinished rollouts of the app that a plan meets.

    First those that only wait, with sites left of which this one was asked; then those that move
    one of its sites now.
    """
    asked, moving = {site.site for site in plan.sites}, set(plan.moving)
    found = list_rollouts(inventory, app=plan.app, unfinished=True, limit=None)
    older = [row for row in found if row.state in PENDING and _left(inventory, row) & asked]
    busy = [row for row in found if row.state not in PENDING and moving & {*row.plan.moving}]
    return older, busy


def _left(inventory: Inventory, row: RolloutRow) -> set[str]:
    """The sites that a rollout has still to move."""
    rows = inventory.rows(
        "SELECT site FROM rollout_sites WHERE rollout = ? AND result IS NULL", (number_of(row.id),)
    )
    return {site for (site,) in rows} & {*row.plan.moving}


def _supersede(
    inventory: Inventory, older: RolloutRow, newer: str, asked: set[str], at: float
) -> None:
    """Give the sites of an older rollout that are still to come to a newer one."""
    number, left = number_of(older.id), _left(inventory, older)
    said = sentence("step.superseded", rollout=newer)
    taken = [(number, site, newer, stored(said), at) for site in sorted(left & asked)]
    inventory.execute_many(
        "INSERT INTO steps (rollout, site, step, outcome, detail, said, at) SELECT ?1, ?2, "
        "coalesce((SELECT step FROM steps WHERE rollout = ?1 AND site = ?2 "
        "ORDER BY id DESC LIMIT 1), 'prefetch'), 'superseded', ?3, ?4, ?5",
        taken,
    )
    inventory.execute_many(
        "UPDATE rollout_sites SET result = 'superseded' WHERE rollout = ? AND site = ?",
        [row[:2] for row in taken],
    )
    if left <= asked:
        inventory.execute(
            "UPDATE rollouts SET state = 'aborted', reason = ?, said = ?, ended_at = ?, "
            "again_at = NULL WHERE number = ?",
            (said.told(), stored(said), at, number),
        )


def _ask(inventory: Inventory, rollout: str, column: str, value: object) -> None:
    sql = f"UPDATE rollouts SET {column} = ? WHERE number = ?"  # noqa: S608 the column is ours
    if not inventory.execute(sql, (value, number_of(rollout))).rowcount:
        raise NotFound("inventory.unknown_rollout", rollout=rollout)


def _rollout(row: Row) -> RolloutRow:
    return RolloutRow._make(row)._replace(
        id=f"r-{row[0]}",
        plan=msgspec.json.decode(row[3], type=Plan),
        state=RolloutState(row[5]),
        pause_requested=bool(row[9]),
        abort_requested=bool(row[10]),
        said=kept(row[15]),
    )


def stored(said: Sentence | None) -> str:
    """A sentence as a column has it."""
    return msgspec.json.encode(said).decode()


def kept(said: str) -> Sentence | None:
    """What a column has; None where a line is older."""
    return msgspec.json.decode(said, type=Sentence | None)
