"""Going back: rollouts of their own to what sites ran before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.errors import Refused
from yolodeploy.core.steps import SiteResult
from yolodeploy.inventory import journal as journals
from yolodeploy.inventory import rollouts as rows
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.releases import get_release
from yolodeploy.ops.rollout_journal import figures_of
from yolodeploy.ops.rollouts import Prepared, Started, prepare, start
from yolodeploy.ops.selecting import chosen_sites
from yolodeploy.rollouts.planning import Wish

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.rollouts import RolloutRow
    from yolodeploy.ops.home import Home


class Back(NamedTuple):
    """A rollout that goes back: to which release, on which sites, and as wished for."""

    release: str
    sites: Sequence[str]
    wish: Wish


def undo(home: Home, rollout: str, wish: Wish, release: str = "") -> Started:
    """A new rollout that brings back what an earlier one replaced, on the sites it committed.

    Or an earlier `release` still, on those of them that have run it.

    It is judged by its own health alone: detections are known to differ from the present ones.

    Raises:
        Everything of `back_of` and `prepare`.
    """
    return start(home, *back_of(home, rollout, wish, release), going_back=True)


def undo_to(
    home: Home, release: str, sites: Sequence[str], wish: Wish, select: str = ""
) -> Started:
    """A new rollout to an earlier release, on sites that have run it; judged as an `undo` is.

    Raises:
        Everything of `back_to` and `prepare`.
    """
    return start(home, *back_to(home, release, sites, wish, select), going_back=True)


def prepared(home: Home, back: Back) -> Prepared:
    """What going back would start. Changes nothing.

    Raises:
        Everything of `ops.rollouts.prepare`.
    """
    return prepare(home, *back, going_back=True)


def back_of(home: Home, rollout: str, wish: Wish, release: str = "") -> Back:
    """What `undo` means.

    Raises:
        NotFound: `inventory.unknown_rollout`.
        Refused: `rollout.no_previous`, `rollout.several_previous`; as `back_to`.
    """
    with open_inventory(home.inventory) as inventory:
        row = rows.get_rollout(inventory, rollout)
    committed = _committed_by(home, rollout)
    if release and committed:
        return back_to(home, release, committed, wish)
    with open_inventory(home.inventory) as inventory:
        before = {_replaced(inventory, row, site) for site in committed} - {""}
    if not before:
        raise Refused("rollout.no_previous", rollout=row.id, app=row.app)
    if len(before) > 1:
        told = ", ".join(sorted(before))
        raise Refused("rollout.several_previous", rollout=row.id, app=row.app, releases=told)
    return Back(before.pop(), committed, _alone(wish))


def back_to(home: Home, release: str, sites: Sequence[str], wish: Wish, select: str = "") -> Back:
    """What `undo_to` means.

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
    return Back(release, known, _alone(wish))


def _replaced(inventory: Inventory, row: RolloutRow, site: str) -> str:
    """The digest of what a rollout replaced on a site; empty where nothing ran.

    A plan knows nothing of a site that was offline, and what ran may have changed since.
    """
    figures = figures_of(inventory, row.id, site)
    if figures is None:
        return row.plan.site(site).previous
    return figures.previous.digest if figures.previous is not None else ""


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


def _alone(wish: Wish) -> Wish:
    """What is known already is compared with nothing, and not tried beside anything."""
    return msgspec.structs.replace(wish, compare=False, beside=None)
