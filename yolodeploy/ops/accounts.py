"""The account for day-to-day work on a site: what its playbook is told, and where it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yolodeploy.core.names import checked_name
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.ops.connect import account_file
from yolodeploy.ops.play_hosts import site_of_hosts
from yolodeploy.ops.shipped import shipped

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home


def account_variables(
    home: Home, site: str, namespaces: Sequence[str], days: int
) -> dict[str, Any]:
    """The variables of `account.yml`.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `ops.not_shipped`.
        Refused: `play.no_hosts`.
        UsageError: `name.invalid`.
    """
    with read_inventory(home.inventory) as inventory:
        site_of_hosts(inventory, site)
    return {
        "account_file": str(account_file(home, site)),
        "account_namespaces": [checked_name("app", name) for name in namespaces],
        "account_days": days,
        "account_objects": str(shipped("k3s") / "account"),
    }
