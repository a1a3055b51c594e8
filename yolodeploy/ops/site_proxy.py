"""The action `site proxy`: what a site's gateways reach the internet through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from yolodeploy.inventory.sites import set_site_proxy
from yolodeploy.ops.opening import changing, present_inventory
from yolodeploy.ops.play_hosts import site_of_hosts

if TYPE_CHECKING:
    from yolodeploy.core.proxy import Proxy
    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home


def set_proxy(home: Home, name: str, proxy: Proxy, *, dry_run: bool = False) -> SiteRow:
    """Say it of a site; an empty one for none. Plays tell gateways, and nothing does before.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`.
        Refused: `play.no_hosts`.
    """
    with (
        present_inventory(home, dry_run=dry_run) as inventory,
        changing(inventory, dry_run=dry_run),
    ):
        found = site_of_hosts(inventory, name)
        if not dry_run:
            set_site_proxy(inventory, name, proxy)
        return found._replace(proxy=proxy)


def site_variables(row: SiteRow) -> dict[str, Any]:
    """What every playbook is told of a site."""
    return {"site_name": row.name, "site_proxy": msgspec.to_builtins(row.proxy)}
