"""Names in questions: a misspelt one is an error, and not a fleet in which nothing happened."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound
from yolodeploy.inventory.names import app_names, device_names, site_names, source_names

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory

ALWAYS = {"http", "shadow"}
"""Sources that every server has."""


def check_site(inventory: Inventory, name: str) -> None:
    """A site that is there, or of which events are kept.

    Raises:
        NotFound: `ops.near_site`, `inventory.unknown_site`.
    """
    known = site_names(inventory)
    if name in known:
        return
    if near := _near(name, known):
        raise NotFound("ops.near_site", site=name, near=near)
    raise NotFound("inventory.unknown_site", site=name)


def check_device(inventory: Inventory, name: str, sites: Collection[str] = ()) -> None:
    """A device, of one of the sites if some are named, or one of which something is kept.

    Raises:
        NotFound: `ops.near_device`, `ops.unknown_device`, `inventory.unknown_device`.
    """
    if name in device_names(inventory, sites):
        return
    known = device_names(inventory)
    if name in known:
        raise NotFound("inventory.unknown_device", site=", ".join(sites), device=name)
    if near := _near(name, known):
        raise NotFound("ops.near_device", device=name, near=near)
    raise NotFound("ops.unknown_device", device=name)


def check_app(inventory: Inventory, name: str) -> None:
    """An app that is in the inventory, on a site, or of which figures are kept.

    Raises:
        NotFound: `ops.near_app`, `inventory.unknown_app`.
    """
    known = app_names(inventory)
    if name in known:
        return
    if near := _near(name, known):
        raise NotFound("ops.near_app", app=name, near=near)
    raise NotFound("inventory.unknown_app", app=name)


def check_source(inventory: Inventory, name: str) -> None:
    """A source that every server has, or one of which figures are kept.

    Raises:
        NotFound: `ops.near_source`, `ops.unknown_source`.
    """
    known = ALWAYS | source_names(inventory)
    if name in known:
        return
    if near := _near(name, known):
        raise NotFound("ops.near_source", source=name, near=near)
    raise NotFound("ops.unknown_source", source=name)


def _near(name: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(name, known, n=1)), "")
