"""What asking something of a rollout would do, site by site; it is not asked, and no site is.

What the action would refuse is refused here in the same words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core import fates
from yolodeploy.core.fates import Fate
from yolodeploy.core.sentences import Sentence
from yolodeploy.core.steps import Entry, SiteResult, Step, failed, following
from yolodeploy.core.waves import too_many_failed
from yolodeploy.inventory import rollout_waves
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.journal import journal, rollout_sites
from yolodeploy.inventory.rollout_waves import WaveRow
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.pictures import pictures_in
from yolodeploy.ops.rollout_journal import holds
from yolodeploy.ops.rollouts import check_free, frames_of_operation, is_free, unfinished

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.rollouts import RolloutRow
    from yolodeploy.ops.home import Home


class SiteFate(NamedTuple):
    """One site: its devices, how far it is (a step, or how it came out), and what becomes of it.

    `again_at` is when a site that waits is tried again (Unix seconds), `held` why it must not be
    changed now: then it goes as far as the switch and waits there.
    """

    site: str
    wave: int
    devices: tuple[str, ...]
    stands: Step | SiteResult
    fate: Fate
    again_at: float | None
    held: Sentence | None


def of_pause(home: Home, rollout: str) -> list[SiteFate]:
    """What `pause` would do.

    Raises:
        As `ops.rollouts.pause`.
    """
    with read_inventory(home.inventory) as inventory:
        row = unfinished(inventory, rollout)
        driven = not is_free(row)
        return _sites(inventory, row, lambda _, entries: fates.if_paused(entries, driven=driven))


def of_resume(home: Home, rollout: str, *, approved: int = 0) -> list[SiteFate]:
    """What `resume` would do, after a word on the wave that is `approved`.

    Raises:
        As `ops.rollouts.resume`; what its operation would end with: `ops.no_frames`,
        `ops.unreadable`.
    """
    with read_inventory(home.inventory) as inventory:
        row = unfinished(inventory, rollout)
        check_free(row)
        if row.abort_requested:
            return _sites(inventory, row, _if_aborted)
        bad = sum(failed(journal(inventory, row.id, site)) for site in row.plan.moving)
        if too_many_failed(row.plan, bad):
            return _sites(inventory, row, _if_aborted)  # who was switched goes back, nobody begins
        frames = frames_of_operation(inventory, row.operation)
        if frames:
            pictures_in(Path(frames))
        now = time.time()
        unbegun = _unbegun(inventory, row, approved, now)

        def fate(wave: int, entries: Sequence[Entry]) -> Fate:
            return fates.if_resumed(entries, unbegun=unbegun[wave], now=now)

        return _sites(inventory, row, fate)


def of_approve(home: Home, rollout: str, wave: int) -> list[SiteFate]:
    """What `approve` would do after a wave: one that is paused waits for `resume` all the same.

    Raises:
        As `of_resume`.
    """
    with read_inventory(home.inventory) as inventory:
        row = unfinished(inventory, rollout)
        if row.state is RolloutState.PAUSED or row.pause_requested:
            return _sites(inventory, row, _if_left)
    return of_resume(home, rollout, approved=wave)


def of_abort(home: Home, rollout: str) -> list[SiteFate]:
    """What `abort` would do.

    Raises:
        As `ops.rollouts.abort`.
    """
    with read_inventory(home.inventory) as inventory:
        return _sites(inventory, unfinished(inventory, rollout), _if_aborted)


def _if_left(_wave: int, entries: Sequence[Entry]) -> Fate:
    return fates.if_paused(entries, driven=False)


def _if_aborted(_wave: int, entries: Sequence[Entry]) -> Fate:
    return fates.if_aborted(entries)


def _sites(
    inventory: Inventory, row: RolloutRow, fate: Callable[[int, Sequence[Entry]], Fate]
) -> list[SiteFate]:
    held, found = holds(inventory), list[SiteFate]()
    for number, wave in enumerate(row.plan.waves, 1):
        for site in wave:
            entries = journal(inventory, row.id, site)
            becomes = fate(number, entries)
            waits = becomes is Fate.WAITS and entries
            found.append(
                SiteFate(
                    site=site,
                    wave=number,
                    devices=tuple(device.name for device in list_devices(inventory, site)),
                    stands=following(entries, beside=row.plan.beside is not None),
                    fate=becomes,
                    again_at=entries[-1].again_at if waits else None,
                    held=held.get(site) if becomes in (Fate.GOES_ON, Fate.BEGINS) else None,
                )
            )
    return found


def _unbegun(inventory: Inventory, row: RolloutRow, approved: int, now: float) -> dict[int, Fate]:
    """What becomes of the sites of each wave that have not begun."""
    known = rollout_waves.waves(inventory, row.id)
    results = {site.site: site.result for site in rollout_sites(inventory, row.id)}
    found = {1: Fate.BEGINS}
    for number, wave in enumerate(row.plan.waves[:-1], 1):
        mark = known.get(number, WaveRow(number))
        next_one = known.get(number + 1, WaveRow(number + 1))
        ended_at = mark.ended_at or now
        found[number + 1] = fates.of_wave(
            found[number],
            begun=next_one.begun_at is not None,
            over=all(results[site] for site in wave) and ended_at + row.plan.between_s <= now,
            wanted=number in row.plan.approvals and number != approved and not mark.approved_by,
        )
    return found
