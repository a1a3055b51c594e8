"""The long action `rollout`: drives the engine in the operation's process."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import Refused
from yolodeploy.core.sentences import Sentence, sentence, words
from yolodeploy.core.steps import LATER, Entry, Outcome, SiteResult, following, overtaken
from yolodeploy.inventory import journal as journals
from yolodeploy.inventory import rollout_waves
from yolodeploy.inventory import rollouts as rows
from yolodeploy.inventory.releases import get_release
from yolodeploy.inventory.rollouts import FINAL, RolloutState
from yolodeploy.ops.connect import connect_named
from yolodeploy.ops.notifying import notify
from yolodeploy.ops.operations import alive
from yolodeploy.ops.person import person
from yolodeploy.ops.pictures import golden_in, pictures_in
from yolodeploy.ops.rollout_journal import InventoryJournal
from yolodeploy.ops.watching import of_rollout
from yolodeploy.rollouts.engine import Engine
from yolodeploy.rollouts.ports import Ending
from yolodeploy.rollouts.rollout import Operator, Rollout

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.ops.operations import Teller

STATES = {
    Ending.DONE: RolloutState.DONE,
    Ending.WAITING: RolloutState.WAITING,
    Ending.APPROVAL: RolloutState.APPROVAL,
    Ending.PAUSED: RolloutState.PAUSED,
    Ending.FAILED: RolloutState.FAILED,
    Ending.INCONCLUSIVE: RolloutState.INCONCLUSIVE,
    Ending.ABORTED: RolloutState.ABORTED,
    Ending.EXPIRED: RolloutState.EXPIRED,
}
# what passes by itself, what a person must say, and what is over are told apart by scripts
EXIT_CODES = {
    Ending.FAILED: 4,
    Ending.INCONCLUSIVE: 4,
    Ending.ABORTED: 4,
    Ending.WAITING: 3,
    Ending.APPROVAL: 5,
    Ending.EXPIRED: 6,
}
BAD = frozenset({Outcome.FAILED, Outcome.INCONCLUSIVE})
ENDED_EARLY = frozenset({Ending.FAILED, Ending.INCONCLUSIVE, Ending.ABORTED})


def run(home: Home, inventory: Inventory, teller: Teller, arguments: Mapping[str, Any]) -> int:
    """Drive a rollout from where its journal ends; returns the exit code.

    Arguments: `rollout`, `frames` (a folder, empty for none), `take_over` (of the sites' leases),
    `due_only` (leave sites alone whose time to be tried again has not come).

    Raises:
        Refused: `inventory.rollout_taken`; `rollout.finished`, a newer rollout has taken it over
            meanwhile.
    """
    rollout = str(arguments["rollout"])
    row = rows.get_rollout(inventory, rollout)
    holder = new_holder(row.operation)
    if row.holder is not None and is_dead_here(row.holder):
        rows.leave_rollout(inventory, rollout, row.holder)  # it needs no waiting for
    rows.take_rollout(inventory, rollout, holder, at=time.time(), stale_after=rows.SILENT_S)
    try:
        ending = _drive(home, inventory, teller, arguments, rollout, holder)
    finally:
        rows.leave_rollout(inventory, rollout, holder)
    return EXIT_CODES.get(ending, 0)


def new_holder(lineage: str) -> str:
    """A name for this process that no other one has: who, for which rollout, and which process."""
    return f"{person()}/{lineage}/{os.getpid()}-{secrets.token_hex(3)}"


def is_dead_here(holder: str) -> bool:
    """Whether a holder was a process of this machine that is gone."""
    who, _, rest = holder.partition("/")
    pid = rest.rpartition("/")[2].partition("-")[0]
    here = who.rpartition("@")[2] == socket.gethostname()
    return here and pid.isdigit() and not alive(int(pid))


def _drive(
    home: Home,
    inventory: Inventory,
    teller: Teller,
    arguments: Mapping[str, Any],
    rollout: str,
    holder: str,
) -> Ending:
    row = rows.get_rollout(inventory, rollout)
    if row.state in FINAL:
        raise Refused("rollout.finished", rollout=row.id, state=row.state.said)
    release = get_release(inventory, row.release)
    if _was_paused(row):
        rows.set_state(inventory, rollout, RolloutState.PAUSED, at=time.time())
        state = RolloutState.PAUSED.said
        teller.say("progress.ended", rollout=rollout, release=release.alias, state=state)
        return Ending.PAUSED
    rows.set_state(inventory, rollout, RolloutState.RUNNING, at=time.time())
    names = row.plan.moving
    sites = {name: connect_named(home, inventory, name) for name in names}
    # who goes back needs no frames, and their folder may be gone
    aborted = rows.requests(inventory, rollout).abort
    folder = "" if aborted else str(arguments.get("frames") or "")
    frames = [picture.content for picture in pictures_in(Path(folder))] if folder else []
    golden = golden_in(Path(folder)) if folder else []
    begun = any(journals.journal(inventory, rollout, name) for name in names)
    teller.say(
        "progress.resumed" if begun else "progress.started",
        rollout=rollout,
        release=release.alias,
        sites=len(names),
        waves=len(row.plan.waves),
    )
    journal = InventoryJournal(inventory, rollout, holder, teller, sites)
    engine = Engine(
        Rollout(rollout, row.plan, release, journal, frames, golden),
        Operator(holder, row.operation, bool(arguments.get("take_over"))),
        sites.__getitem__,
        due_only=bool(arguments.get("due_only")),
    )
    ending = engine.run()
    _record(inventory, rollout, ending, engine.again_at)
    told = of_rollout(inventory, rows.get_rollout(inventory, rollout))
    if told is not None:
        notify(home, told)
    for name in sorted(journal.touched):
        journal.collect(name)
    state = STATES[ending].said
    teller.say("progress.ended", rollout=rollout, release=release.alias, state=state)
    return ending


def _was_paused(row: rows.RolloutRow) -> bool:
    """Whether somebody has paused it, and no engine died in the middle of sites.

    The person was told that it is paused, perhaps after this process was asked for. One whose
    engine died is driven: sites that are under way finish, and no further one begins.
    """
    asked = row.pause_requested and not row.abort_requested
    return asked and row.state is not RolloutState.RUNNING


def _record(
    inventory: Inventory,
    rollout: str,
    ending: Ending,
    again_at: float | None,
) -> None:
    """Store how every site came out, then how the rollout did, why, and when it goes on."""
    stored = {row.site: row.result for row in journals.rollout_sites(inventory, rollout)}
    reason: Sentence | None = None
    waits: Sentence | None = None
    taken: Sentence | None = None
    expired: list[str] = []
    for name in rows.get_rollout(inventory, rollout).plan.moving:
        entries = journals.journal(inventory, rollout, name)
        result = following(entries)
        final = result if isinstance(result, SiteResult) else None
        if final is None and ending in ENDED_EARLY:
            final = SiteResult.STOPPED
        if final is not stored[name]:
            journals.set_result(inventory, rollout, name, final)
        told = [_said(e) for e in entries if e.outcome in BAD]
        reason = reason or next(iter(told), None)
        taken = taken or overtaken(entries)
        if result is SiteResult.EXPIRED:
            expired.append(name)
        if entries and entries[-1].outcome in LATER:
            waits = waits or _said(entries[-1]) or sentence("step.window", site=name)
    if ending is Ending.WAITING:
        reason = reason or waits or _after_which(inventory, rollout)
    if ending is Ending.FAILED:
        reason = reason or taken
    if ending is Ending.APPROVAL:
        reason = _after_which(inventory, rollout)
    if ending is Ending.EXPIRED:
        reason = sentence("step.given_up", sites=", ".join(expired))
    rows.set_state(
        inventory,
        rollout,
        STATES[ending],
        at=time.time(),
        reason=reason.told() if reason is not None else "",
        said=reason,
        again_at=again_at,
    )


def _said(line: Entry) -> Sentence | None:
    """What a line of the journal says; an older one has only words."""
    return line.said or (words(line.detail) if line.detail else None)


def _after_which(inventory: Inventory, rollout: str) -> Sentence:
    """Which wave is over and waits for a word."""
    over = [n for n, wave in rollout_waves.waves(inventory, rollout).items() if wave.ended_at]
    total = len(rows.get_rollout(inventory, rollout).plan.waves)
    return sentence("step.wave_over", wave=max(over, default=0), all=total)
