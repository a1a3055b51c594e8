"""Reads one site in full out of the inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound, UsageError
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.sites import get_site
from yolodeploy.inventory.status import list_site_apps
from yolodeploy.ops.calendars import opens_at
from yolodeploy.ops.expiry import ends_of
from yolodeploy.tui.state.site import SiteDetail, site_detail

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.tui.state.latency import Key, Recent
    from yolodeploy.tui.state.plays import PlayItem


def read_site(
    home: Home,
    inventory: Inventory,
    name: str | None,
    aliases: Mapping[str, str],
    recent: Mapping[Key, Recent],
    plays: Sequence[PlayItem],
    now: float,
) -> SiteDetail | None:
    """One site; None where none is wanted, or it was removed while it was open."""
    if name is None:
        return None
    try:
        row = get_site(inventory, name)
    except NotFound:
        return None
    try:
        opens = opens_at(row.calendar, now, 0.0)
    except UsageError:
        opens = None  # in a time zone that this machine does not know
    return site_detail(
        row,
        opens,
        list_site_apps(inventory, name),
        list_devices(inventory, name),
        ends_of(home, row),
        recent,
        aliases,
        next((play for play in plays if play.site == name), None),
    )
