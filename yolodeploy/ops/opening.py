"""Opening the inventory of a home folder, for those who change something.

Nothing is made by asking: only what adds a first site, model or app makes an inventory.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from yolodeploy.inventory.connection import missing, open_inventory, read_inventory
from yolodeploy.inventory.sites import list_sites

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home


def present_inventory(home: Home, *, dry_run: bool = False) -> Inventory:
    """The inventory that must be there already; a dry run opens it for reading only.

    Raises:
        NotFound: `inventory.missing`.
        Refused: `home.no_folder`.
    """
    if dry_run:
        return read_inventory(home.inventory)
    if not home.inventory.exists():
        raise missing(home.inventory)
    return open_inventory(home.inventory)


def known_sites(home: Home) -> dict[str, str]:
    """The sites in the inventory and where they are; none where there is no inventory yet."""
    if not home.inventory.exists():
        return {}
    with read_inventory(home.inventory) as inventory:
        return {row.name: row.location for row in list_sites(inventory)}


def changing(inventory: Inventory, *, dry_run: bool) -> AbstractContextManager[None]:
    """A transaction, or nothing for a dry run."""
    return nullcontext() if dry_run else inventory.transaction()
