"""Going back: rollouts of their own to what sites ran before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import Refused
from yolodeploy.core.steps import SiteResult
from yolodeploy.inventory import journal as journals
from yolodeploy.inventory import rollouts as rows
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.releases import get_release
from yolodeploy.ops.rollouts import Started, start
from yolodeploy.ops.selecting import chosen_sites

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home
    from yolodeploy.rollouts.planning import Wish


def undo(home: Home, rollout: str, wish: Wish, release: str = "") -> Started:
    """A new rollout that brings back what an earlier one replaced, on the sites it committed.

    Or an earlier `release` still, on those of them that have run it.

    It is judged by its own health alone: detections are known to differ from the present ones.

    Raises:
        Refused: `rollout.no_previous`, `rollout.several_previous`; as `undo_to`.
    """
    with open_inventory(home.inventory) as inventory:
        row = rows.get_rollout(inventory, rollout)
    committed = _committed_by(home, rollout)
    if release and committed:
        return undo_to(home, release, committed, wish)
    before = {row.plan.site(site).previous for site in committed} - {""}
    if not before:
        raise Refused("rollout.no_previous", rollout=row.id)
    if len(before) > 1:
        raise Refused("rollout.several_previous", rollout=row.id, releases=", ".join(before))
    return _back(home, before.pop(), committed, wish)


def undo_to(
    home: Home, release: str, sites: Sequence[str], wish: Wish, select: str = ""
) -> Started:
    """A new rollout to an earlier release, on sites that have run it; judged as an `undo` is.

    Raises:
        Refused: `rollout.never_ran`: what a site never ran is a new release to it.
        NotFound, UsageError: As `plan`.
    """
    with open_inventory(home.inventory) as inventory:
        found = get_release(inventory, release)
        ran = journals.sites_that_ran(inventory, found.digest)
        names = [row.name for row in chosen_sites(inventory, sites, select)]
    strange = [name for name in names if name not in ran]
    known = [name for name in names if name in ran]
    if strange and (sites or not known):
        raise Refused("rollout.never_ran", site=strange[0], release=found.alias)
    return _back(home, release, known, wish)


def _committed_by(home: Home, rollout: str) -> list[str]:
    """The sites that run their release because of a rollout.

    Raises:
        NotFound: `inventory.unknown_rollout`.
    """
    with open_inventory(home.inventory) as inventory:
        return [
            site.site
            for site in journals.rollout_sites(inventory, rollout)
            if site.result is SiteResult.COMMITTED
        ]


def _back(home: Home, release: str, sites: Sequence[str], wish: Wish) -> Started:
    alone = msgspec.structs.replace(wish, compare=False)
    return start(home, release, sites, alone, going_back=True)
