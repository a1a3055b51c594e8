"""The long action `rollout`: drives the engine in the operation's process."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import Refused
from yolodeploy.core.steps import SiteResult, following
from yolodeploy.inventory import journal as journals
from yolodeploy.inventory import rollouts as rows
from yolodeploy.inventory.releases import get_release
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.connect import connect_named
from yolodeploy.ops.operations import alive
from yolodeploy.ops.pictures import golden_in, pictures_in
from yolodeploy.ops.rollout_journal import InventoryJournal, renew
from yolodeploy.rollouts.engine import Engine
from yolodeploy.rollouts.ports import Ending

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.ops.operations import Teller

STATES = {
    Ending.DONE: RolloutState.DONE,
    Ending.WAITING: RolloutState.WAITING,
    Ending.PAUSED: RolloutState.PAUSED,
    Ending.FAILED: RolloutState.FAILED,
    Ending.INCONCLUSIVE: RolloutState.INCONCLUSIVE,
    Ending.ABORTED: RolloutState.ABORTED,
}
EXIT_CODES = {Ending.FAILED: 4, Ending.INCONCLUSIVE: 4, Ending.ABORTED: 4, Ending.WAITING: 3}


def run(home: Home, inventory: Inventory, teller: Teller, arguments: Mapping[str, Any]) -> int:
    """Drive a rollout from where its journal ends; returns the exit code.

    Arguments: `rollout`, `frames` (a folder, empty for none), `take_over` (of the sites' leases).

    Raises:
        Refused: `inventory.rollout_taken`, `site.fenced`.
    """
    rollout = str(arguments["rollout"])
    row = rows.get_rollout(inventory, rollout)
    holder = new_holder(row.operation)
    if row.holder is not None and is_dead_here(row.holder):
        rows.leave_rollout(inventory, rollout, row.holder)  # it needs no waiting for
    rows.take_rollout(inventory, rollout, holder, at=time.time(), stale_after=rows.SILENT_S)
    try:
        ending = _drive(home, inventory, teller, arguments, rollout, holder)
    except Refused as error:
        if error.code == "site.fenced":
            # whoever fenced this process off may be its successor, whose rollout it is now
            renew(inventory, rollout, holder)
            _record(inventory, rollout, Ending.FAILED, error.text())
        raise
    finally:
        rows.leave_rollout(inventory, rollout, holder)
    return EXIT_CODES.get(ending, 0)


def new_holder(lineage: str) -> str:
    """A name for this process that no other one has: who, for which rollout, and which process."""
    who = f"{getpass.getuser()}@{socket.gethostname()}"
    return f"{who}/{lineage}/{os.getpid()}-{secrets.token_hex(3)}"


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
    release = get_release(inventory, row.release)
    rows.set_state(inventory, rollout, RolloutState.RUNNING, at=time.time())
    names = [site for wave in row.plan.waves for site in wave]
    sites = {name: connect_named(home, inventory, name) for name in names}
    folder = str(arguments.get("frames") or "")
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
        row.plan,
        release,
        journal,
        frames,
        sites.__getitem__,
        holder=holder,
        lineage=row.operation,
        take_over=bool(arguments.get("take_over")),
        golden=golden,
    )
    ending = engine.run()
    _record(inventory, rollout, ending)
    for name in names:
        journal.collect(name)
    teller.say("progress.ended", rollout=rollout, release=release.alias, state=ending.value)
    return ending


def _record(inventory: Inventory, rollout: str, ending: Ending, reason: str = "") -> None:
    """Store how every site came out, then how the rollout did, and why."""
    for wave in rows.get_rollout(inventory, rollout).plan.waves:
        for name in wave:
            entries = journals.journal(inventory, rollout, name)
            result = following(entries)
            final = result if isinstance(result, SiteResult) else None
            if final is None and ending in (Ending.FAILED, Ending.INCONCLUSIVE, Ending.ABORTED):
                final = SiteResult.STOPPED
            journals.set_result(inventory, rollout, name, final)
            told = [e.detail for e in entries if e.outcome.value in ("failed", "inconclusive")]
            reason = reason or (told[0] if told else "")
    rows.set_state(inventory, rollout, STATES[ending], at=time.time(), reason=reason)
