"""Reading the inventory for one answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory

T = TypeVar("T")


def read(query: Callable[[Inventory], T]) -> T:
    """What a query finds in the inventory of the home folder in force.

    Raises:
        NotFound: `inventory.missing`; else what the query raises.
    """
    from yolodeploy.inventory.connection import read_inventory
    from yolodeploy.ops.home import home

    with read_inventory(home().inventory) as inventory:
        return query(inventory)
