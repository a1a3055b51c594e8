"""Actions on rollouts: plan, start, pause, resume, abort, undo, and how one stands."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.core.release import Release
from yolodeploy.core.steps import SiteResult
from yolodeploy.core.waves import Plan
from yolodeploy.inventory import journal as journals
from yolodeploy.inventory import rollouts as rows
from yolodeploy.inventory.catalog import get_app
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.releases import get_release
from yolodeploy.inventory.rollouts import FINAL
from yolodeploy.inventory.sites import list_sites
from yolodeploy.ops import operations
from yolodeploy.ops.connect import connect_all, connect_named
from yolodeploy.ops.provenance import require_signature
from yolodeploy.ops.rollout_journal import hold_of
from yolodeploy.ops.rollout_run import is_dead_here
from yolodeploy.rollouts.planning import Wish, plan_rollout

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home


class Started(NamedTuple):
    """A rollout and the operation that drives it."""

    rollout: str
    operation: str


def plan(home: Home, release: str, sites: Sequence[str], wish: Wish) -> tuple[Release, Plan]:
    """What rolling out would do; no `sites` means all that this version can talk to.

    Changes nothing.

    Raises:
        NotFound: `inventory.unknown_release`, `inventory.unknown_site`.
        UsageError: `wave.*`.
    """
    with open_inventory(home.inventory) as inventory:
        found = get_release(inventory, release)
        if sites:
            connected = [connect_named(home, inventory, name) for name in sites]
        else:
            connected, _ = connect_all(home, list_sites(inventory))
        held = {site.name: hold_of(inventory, site.name) for site in connected}
    return found, plan_rollout(found, connected, wish, held.__getitem__)


def start(
    home: Home,
    release: str,
    sites: Sequence[str],
    wish: Wish,
    frames: str = "",
    *,
    going_back: bool = False,
) -> Started:
    """Plan, journal the plan and start driving it in a process of its own.

    `frames` names a folder of pictures; without one the app's own are used. Who is `going_back`
    is not asked for signatures: what ran before must be had again.

    Raises:
        Refused: `rollout.nothing_to_do`, `inventory.rollout_unfinished`; `image.policy_*`, the
            image is not signed as the app asks for by now.
        NotFound, UsageError: As `plan`.
    """
    found, planned = plan(home, release, sites, wish)
    if not going_back:
        with open_inventory(home.inventory) as inventory:
            require_signature(home, get_app(inventory, found.spec.app), found.spec.image)
    if not planned.waves:
        raise Refused("rollout.nothing_to_do", release=found.alias)
    return _start(home, planned, frames or frames_of(home, found.spec.app))


def resume(home: Home, rollout: str, *, take_over: bool = False) -> Started:
    """Go on with a rollout that was paused, waits, or whose process is gone.

    Raises:
        Refused: `rollout.finished`, `inventory.rollout_taken`.
    """
    with open_inventory(home.inventory) as inventory:
        row = rows.get_rollout(inventory, rollout)
        if row.state in FINAL:
            raise Refused("rollout.finished", rollout=row.id, state=row.state.value)
        _check_free(row)
        rows.request_pause(inventory, row.id, wanted=False)
        frames = _frames_of_operation(inventory, row.operation)
    arguments = {"rollout": row.id, "frames": frames, "take_over": take_over}
    return Started(row.id, operations.start(home, "rollout", arguments))


def pause(home: Home, rollout: str) -> None:
    """Let sites that are under way finish, and begin no further one."""
    with open_inventory(home.inventory) as inventory:
        _unfinished(inventory, rollout)
        rows.request_pause(inventory, rollout)


def abort(home: Home, rollout: str) -> Started | None:
    """End a rollout: what is on trial goes back, what was committed stays.

    Returns the operation that does it when nobody drives the rollout now.
    """
    with open_inventory(home.inventory) as inventory:
        row = _unfinished(inventory, rollout)
        rows.request_abort(inventory, rollout)
    driven = row.holder is not None and not _stale(row)
    return None if driven else resume(home, rollout)


def undo(home: Home, rollout: str, wish: Wish) -> Started:
    """A new rollout that brings back what an earlier one replaced, on the sites it committed.

    It is judged by its own health alone: detections are known to differ from the present ones.

    Raises:
        Refused: `rollout.no_previous`, `rollout.several_previous`.
    """
    with open_inventory(home.inventory) as inventory:
        row = rows.get_rollout(inventory, rollout)
        committed = [
            site.site
            for site in journals.rollout_sites(inventory, rollout)
            if site.result is SiteResult.COMMITTED
        ]
    before = {row.plan.site(site).previous for site in committed} - {""}
    if not before:
        raise Refused("rollout.no_previous", rollout=row.id)
    if len(before) > 1:
        raise Refused("rollout.several_previous", rollout=row.id, releases=", ".join(before))
    alone = msgspec.structs.replace(wish, compare=False)
    return start(home, before.pop(), committed, alone, going_back=True)


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


def _unfinished(inventory: Inventory, rollout: str) -> rows.RolloutRow:
    row = rows.get_rollout(inventory, rollout)
    if row.state in FINAL:
        raise Refused("rollout.finished", rollout=row.id, state=row.state.value)
    return row


def _check_free(row: rows.RolloutRow) -> None:
    if row.holder is not None and not _stale(row):
        raise Refused("inventory.rollout_taken", rollout=row.id, holder=row.holder)


def _stale(row: rows.RolloutRow) -> bool:
    """Whether the engine of a rollout has given no sign of life for too long, or is known dead."""
    if row.heartbeat_at is None or abs(time.time() - row.heartbeat_at) > rows.SILENT_S:
        return True
    return is_dead_here(row.holder or "")


def _frames_of_operation(inventory: Inventory, operation: str) -> str:
    from yolodeploy.inventory.operations import get_operation

    try:
        return str(get_operation(inventory, operation).arguments.get("frames") or "")
    except NotFound:
        return ""
