"""What the inventory knows when a playbook has ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.inventory.parts import NOW
from yolodeploy.core.site import SiteEvent
from yolodeploy.inventory import devices, events, sites
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.ops.home import Home
from yolodeploy.ops.play_after import AFTER, Ended
from yolodeploy.provision.play import HostEnd, Outcome


@pytest.fixture
def inventory(home: Home) -> Iterator[Inventory]:
    with open_inventory(home.inventory) as opened:
        yield opened


@pytest.mark.parametrize("playbook", ["reset.yml", "restore.yml"])
def test_a_cluster_that_we_made_again_or_put_back_is_heard_from_its_beginning(
    home: Home, inventory: Inventory, playbook: str
) -> None:
    """Else its guards go back and nobody is told, until it has counted as far as it had."""
    sites.add_site(inventory, "plant", "k3s", "", at=NOW)
    devices.add_device(inventory, "plant", "gateway-1", at=NOW)
    started = [SiteEvent(812_345, NOW, "", "instance.started", "")]
    events.record_site_events(inventory, "plant", started)
    outcome = Outcome((HostEnd("gateway-1"),), {}, 0)
    AFTER[playbook](Ended(home, inventory, "plant", {}, outcome))
    assert events.last_sequence(inventory, "plant") == 0
    assert events.record_site_events(inventory, "plant", started) == 0, "it was told"
