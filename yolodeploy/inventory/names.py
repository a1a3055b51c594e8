"""Names that the inventory has rows of, those included of what is gone and left figures or events.

A site's figures go with it; its events stay.
"""

from __future__ import annotations

from collections.abc import Collection

from yolodeploy.inventory.connection import Inventory

_SITES = "SELECT name FROM sites UNION SELECT site FROM events WHERE site <> ''"
_DEVICES = """
    SELECT sites.name, devices.name FROM devices JOIN sites ON sites.id = site_id
    UNION SELECT sites.name, device FROM latency_streams JOIN sites ON sites.id = site_id
    UNION SELECT site, device FROM events WHERE device <> ''
"""
_APPS = """
    SELECT name FROM apps UNION SELECT app FROM site_apps UNION SELECT app FROM latency_fleets
"""
_SOURCES = "SELECT source FROM latency_fleets"


def site_names(inventory: Inventory) -> set[str]:
    """Sites that are there, or of which events are kept."""
    return {row[0] for row in inventory.rows(_SITES)}


def device_names(inventory: Inventory, sites: Collection[str] = ()) -> set[str]:
    """Devices that are there, or of which figures or events are kept: of some sites, or of all."""
    return {name for site, name in inventory.rows(_DEVICES) if not sites or site in sites}


def app_names(inventory: Inventory) -> set[str]:
    """Apps that are in the inventory, on a site, or of which figures are kept."""
    return {row[0] for row in inventory.rows(_APPS)}


def source_names(inventory: Inventory) -> set[str]:
    """Sources of which figures are kept."""
    return {row[0] for row in inventory.rows(_SOURCES)}
