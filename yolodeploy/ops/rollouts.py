"""Actions on rollouts: plan, start, pause, resume, abort, undo, and how one stands."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.notices import Notice
from yolodeploy.core.release import Release
from yolodeploy.core.waves import Plan, Standing
from yolodeploy.core.windows import Calendar
from yolodeploy.inventory import rollout_waves
from yolodeploy.inventory import rollouts as rows
from yolodeploy.inventory.catalog import get_app
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.releases import get_release
from yolodeploy.inventory.rollouts import FINAL, RolloutState
from yolodeploy.ops import operations
from yolodeploy.ops.calendars import opens_at
from yolodeploy.ops.connect import connect, connect_all
from yolodeploy.ops.notifying import post
from yolodeploy.ops.opening import present_inventory
from yolodeploy.ops.person import person
from yolodeploy.ops.pictures import pictures_in
from yolodeploy.ops.provenance import require_signature
from yolodeploy.ops.rollout_journal import held_back, holds
from yolodeploy.ops.rollout_run import is_dead_here
from yolodeploy.ops.selecting import chosen_sites
from yolodeploy.rollouts.planning import Wish, plan_rollout

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home


class Started(NamedTuple):
    """A rollout and the operation that drives it."""

    rollout: str
    operation: str


class Prepared(NamedTuple):
    """A rollout that can be started: its release, its plan and the folder of its frames."""

    release: Release
    plan: Plan
    frames: str


def plan(
    home: Home, release: str, sites: Sequence[str], wish: Wish, select: str = ""
) -> tuple[Release, Plan]:
    """What rolling out would do; no `sites` means all that this version can talk to.

    `select` leaves those out whose labels do not fit. Changes nothing.

    Raises:
        NotFound: `inventory.unknown_release`, `inventory.unknown_site`; `selector.no_site`.
        UsageError: `wave.*`, `selector.invalid`.
    """
    with open_inventory(home.inventory) as inventory:
        found = get_release(inventory, release)
        chosen = chosen_sites(inventory, sites, select)
        if sites:
            connected = [connect(home, row) for row in chosen]
        else:
            connected, _ = connect_all(home, chosen)
        held = holds(inventory)
        calendars = {row.name: row.calendar for row in chosen}

        @cache
        def opens_of(calendar: Calendar, at: float, need_s: float) -> float | None:
            return opens_at(calendar, at, need_s)

        planned = plan_rollout(
            found,
            connected,
            wish,
            held.get,
            lambda name, at, need_s: opens_of(calendars[name], at, need_s),
            time.time(),
        )
        older, busy = rows.overlapping(inventory, planned)
    return found, msgspec.structs.replace(
        planned,
        supersedes=tuple(row.id for row in older),
        blocked_by=tuple(row.id for row in busy),
    )


def start(
    home: Home,
    release: str,
    sites: Sequence[str],
    wish: Wish,
    frames: str = "",
    *,
    going_back: bool = False,
    select: str = "",
) -> Started:
    """Plan, journal the plan and start driving it in a process of its own.

    Raises:
        Everything of `prepare`.
    """
    drawn = msgspec.structs.replace(wish, seed=secrets.randbelow(2**31))
    wanted = prepare(home, release, sites, drawn, frames, going_back=going_back, select=select)
    return _start(home, wanted.plan, wanted.frames)


def prepare(
    home: Home,
    release: str,
    sites: Sequence[str],
    wish: Wish,
    frames: str = "",
    *,
    going_back: bool = False,
    select: str = "",
) -> Prepared:
    """What `start` would start; all that it would refuse is refused. Changes nothing.

    `select` is as `plan` has it. `frames` names a folder of pictures; without one the app's own
    are used. Who is `going_back` is not asked for signatures: what ran before must be had again.

    Raises:
        Refused: `rollout.nothing_to_do`, `rollout.left_out`, `site.held`, `site.device_held`;
            `inventory.rollout_unfinished`; `image.policy_*`, the image is not signed as the app
            asks for by now.
        NotFound, UsageError: As `plan`; `ops.no_frames`, `ops.unreadable` of the frames.
    """
    found, planned = plan(home, release, sites, wish, select)
    if not going_back:
        with open_inventory(home.inventory) as inventory:
            require_signature(home, get_app(inventory, found.spec.app), found.spec.image)
    if not planned.waves:
        raise _nobody(found, planned)
    frames = frames or frames_of(home, found.spec.app)
    if frames:
        pictures_in(Path(frames))  # said before anything is begun
    if planned.blocked_by:
        busy = planned.blocked_by[0]
        raise Refused("inventory.rollout_unfinished", rollout=busy, app=planned.app)
    return Prepared(found, planned, frames)


def _nobody(release: Release, planned: Plan) -> Refused:
    """Why nothing would move: a site must not be touched, or all run it already."""
    for site in planned.sites:
        reason = site.said.get("reason")
        if reason is not None and site.standing is Standing.HELD:
            return held_back(site.site, reason)
        if reason is not None and site.standing is Standing.BLOCKED:
            alias = release.alias
            return Refused("rollout.left_out", site=site.site, release=alias, reason=reason)
    return Refused("rollout.nothing_to_do", release=release.alias)


def resume(home: Home, rollout: str, *, take_over: bool = False, due_only: bool = False) -> Started:
    """Go on with a rollout that was paused, waits, or whose process is gone.

    Sites that wait are tried now, unless `due_only`: then when their time has come, and a pause
    that somebody asked for meanwhile stays.

    Raises:
        Refused: `rollout.finished`, `inventory.rollout_taken`.
    """
    with open_inventory(home.inventory) as inventory:
        row = unfinished(inventory, rollout)
        check_free(row)
        if not due_only:
            rows.request_pause(inventory, row.id, wanted=False)
        frames = frames_of_operation(inventory, row.operation)
    arguments = {
        "rollout": row.id,
        "frames": frames,
        "take_over": take_over,
        "due_only": due_only,
    }
    return Started(row.id, operations.start(home, "rollout", arguments))


def pause(home: Home, rollout: str) -> bool:
    """Let sites that are under way finish, and begin no further one.

    Returned is whether it is paused already: one that only waits has nobody who would do it.
    """
    with open_inventory(home.inventory) as inventory:
        unfinished(inventory, rollout)
        rows.request_pause(inventory, rollout)
        # looked at only now: an engine that takes it after this finds the word
        row = rows.get_rollout(inventory, rollout)
        waits = row.state in (RolloutState.WAITING, RolloutState.APPROVAL) and is_free(row)
        if waits:
            rows.set_state(inventory, row.id, RolloutState.PAUSED, at=time.time())
        return waits or row.state is RolloutState.PAUSED


def abort(home: Home, rollout: str) -> Started | None:
    """End a rollout: what is on trial goes back, what was committed stays.

    Returns the operation that does it when nobody drives the rollout now.
    """
    with open_inventory(home.inventory) as inventory:
        row = unfinished(inventory, rollout)
        rows.request_abort(inventory, rollout)
    return resume(home, rollout) if is_free(row) else None


def approve(
    home: Home, rollout: str, wave: int | None = None, *, dry_run: bool = False
) -> tuple[int, Started | None]:
    """Let a rollout go on after a wave; who and when is kept.

    No wave: the one that has ended and that it stands after. One that is named can be ahead.

    Returns the wave, and the operation that goes on where nobody drives it and it waited for this.
    One that is paused stays so.

    Raises:
        Refused: `rollout.finished`, `rollout.no_approval`.
    """
    with present_inventory(home, dry_run=dry_run) as inventory:
        row = unfinished(inventory, rollout)
        known = rollout_waves.waves(inventory, row.id)
        open_ones = [
            number
            for number in row.plan.approvals
            if number not in known or not known[number].approved_by
        ]
        if wave is None and row.state in (RolloutState.APPROVAL, RolloutState.PAUSED):
            # paused in the middle of a wave it stands after none: who knows how that comes out
            over = (number for number in open_ones if number in known and known[number].ended_at)
            wave = next(over, None)
        if wave is None or wave not in open_ones:
            raise Refused("rollout.no_approval", rollout=row.id, wave=wave or "-")
        if dry_run:
            return wave, None
        rollout_waves.approve_wave(inventory, row.id, wave, person(), at=time.time())
        # the next wave's approval is told anew
        post(inventory, Notice("notice.approval", row.id, {}, over=True))
    waits = row.state is RolloutState.APPROVAL and not row.pause_requested
    goes_on = waits and wave == open_ones[0]
    return wave, resume(home, rollout) if goes_on and is_free(row) else None


def latest_operation(inventory: Inventory, row: rows.RolloutRow) -> str:
    """The operation that drives a rollout now or drove it last: resuming makes a new one."""
    from yolodeploy.inventory.operations import list_operations

    driving = (
        item.id
        for item in list_operations(inventory)
        if item.kind == "rollout" and item.arguments.get("rollout") == row.id
    )
    return next(driving, row.operation)


def frames_of(home: Home, app: str) -> str:
    """The folder of an app's frames, empty where it has none."""
    with open_inventory(home.inventory) as inventory:
        try:
            return get_app(inventory, app).frames
        except NotFound:
            return ""


def _start(home: Home, planned: Plan, frames: str) -> Started:
    operation = operations.new_id()
    with open_inventory(home.inventory) as inventory:
        rollout = rows.create_rollout(inventory, planned, operation, at=time.time())
    arguments = {"rollout": rollout, "frames": str(Path(frames).absolute()) if frames else ""}
    return Started(rollout, operations.start(home, "rollout", arguments, operation))


def unfinished(inventory: Inventory, rollout: str) -> rows.RolloutRow:
    """A rollout of which something can be asked.

    Raises:
        NotFound: `inventory.unknown_rollout`.
        Refused: `rollout.finished`.
    """
    row = rows.get_rollout(inventory, rollout)
    if row.state in FINAL:
        raise Refused("rollout.finished", rollout=row.id, state=row.state.said)
    return row


def is_free(row: rows.RolloutRow) -> bool:
    """Whether nobody drives a rollout."""
    return row.holder is None or _stale(row)


def check_free(row: rows.RolloutRow) -> None:
    """See that nobody drives a rollout.

    Raises:
        Refused: `inventory.rollout_taken`.
    """
    if not is_free(row):
        raise Refused("inventory.rollout_taken", rollout=row.id, holder=row.holder)


def _stale(row: rows.RolloutRow) -> bool:
    """Whether the engine of a rollout has given no sign of life for too long, or is known dead."""
    if row.heartbeat_at is None or abs(time.time() - row.heartbeat_at) > rows.SILENT_S:
        return True
    return is_dead_here(row.holder or "")


def frames_of_operation(inventory: Inventory, operation: str) -> str:
    """The folder of the frames that a rollout was begun with, empty where it has none."""
    from yolodeploy.inventory.operations import get_operation

    try:
        return str(get_operation(inventory, operation).arguments.get("frames") or "")
    except NotFound:
        return ""
