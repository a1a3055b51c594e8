"""Which devices of a site have yet to be provisioned, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yolodeploy.ops.opening import present_inventory
from yolodeploy.ops.play_hosts import chosen, site_of_hosts

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home


def unfinished(home: Home, site: str, names: Sequence[str], *, every: bool) -> list[str]:
    """The devices, of all or of some, that have not run a pod to completion; `every` takes all.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `inventory.unknown_device`,
            `play.no_device`.
        Refused: `play.no_hosts`, `send.held`.
    """
    with present_inventory(home, dry_run=True) as inventory:
        site_of_hosts(inventory, site)
        wanted = chosen(inventory, site, names)
    return [row.name for row in wanted if every or row.gateway.proved_at is None]
