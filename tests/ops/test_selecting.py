"""If these fail, figures are of devices that nobody asked about, or a site's label is not heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui import fleet
from yolodeploy.core.errors import NotFound, UsageError
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.latency import latency
from yolodeploy.inventory.sites import set_site_labels
from yolodeploy.ops.selecting import chosen_sites, latency_of_selected, selected_devices

WINDOW = (fleet.NOW - 3600, fleet.NOW)


def test_a_device_has_its_sites_labels_and_its_own_over_them(tmp_path: Path) -> None:
    home = fleet.build(tmp_path / "home")
    with open_inventory(home.inventory) as inventory:
        for site in ("plant-east", "yard"):
            set_site_labels(inventory, site, {"line": "z", "town": "1"})
        devices = list_devices(inventory)

        def names(select: str) -> set[str]:
            return {row.site for row in selected_devices(inventory, devices, select)}

        assert names("line=a") == {"plant-east"}
        assert names("line=z") == {"yard"}
        assert names("town") == {"plant-east", "yard"}
        assert names("!town") == {"plant-west"}
        assert [row.name for row in chosen_sites(inventory, (), "line=z")] == ["plant-east", "yard"]
        assert chosen_sites(inventory, ("yard",), "town=1")[0].name == "yard"
        for select, error in (("line=y", NotFound), ("line=", NotFound), ("=", UsageError)):
            with pytest.raises(error):
                selected_devices(inventory, devices, select)
            with pytest.raises(error):
                chosen_sites(inventory, (), select)


def test_latency_of_some_devices_is_the_sum_of_theirs(tmp_path: Path) -> None:
    home = fleet.build(tmp_path / "home")
    with open_inventory(home.inventory) as inventory:
        each = {row.group: row for row in latency(inventory, *WINDOW, group_by=("site",)).rows}
        found = latency_of_selected(inventory, "line=a", *WINDOW, group_by=("app",), where={})
        [row] = found.rows
        east = each["plant-east",]
        assert row.group == (fleet.APP,)
        assert (row.requests, row.failures) == (east.requests, east.failures)
        assert row.requests < sum(one.requests for one in each.values())
        assert row.stages["total"].quantile(0.95) == east.stages["total"].quantile(0.95)
        both = latency_of_selected(inventory, "line", *WINDOW, group_by=("site",), where={})
        assert {one.group: one.requests for one in both.rows} == {
            group: one.requests for group, one in each.items()
        }
        with pytest.raises(NotFound):
            latency_of_selected(inventory, "line=y", *WINDOW, group_by=("app",), where={})
