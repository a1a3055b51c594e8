"""What a rollout has measured of a site, kept for whoever drives it next."""

from __future__ import annotations

from yolodeploy.core.errors import NotFound
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.rollouts import number_of


def save_figures(inventory: Inventory, rollout: str, site: str, blob: bytes) -> None:
    """Replace the figures of a site, durably.

    Raises:
        NotFound: `inventory.unknown_site`, the site is not part of the rollout.
    """
    with inventory.durable():
        changed = inventory.execute(
            "UPDATE rollout_sites SET figures = ? WHERE rollout = ? AND site = ?",
            (blob, number_of(rollout), site),
        ).rowcount
    if not changed:
        raise NotFound("inventory.unknown_site", site=site)


def load_figures(inventory: Inventory, rollout: str, site: str) -> bytes | None:
    """The figures saved last; None before the first."""
    row = inventory.row(
        "SELECT figures FROM rollout_sites WHERE rollout = ? AND site = ?",
        (number_of(rollout), site),
    )
    return row[0] if row else None
