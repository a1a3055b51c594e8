"""The action `device edit`: what a person says of a device that is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy.inventory import devices as device_rows
from yolodeploy.ops.device_wish import Known, known_devices, refuse_taken
from yolodeploy.ops.opening import changing, present_inventory
from yolodeploy.ops.sites import find_device
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.route import parse_jump

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.ops.home import Home


def edit_device(
    home: Home,
    name: str,
    labels: dict[str, str],
    address: str = "",
    jump: str | None = None,
    *,
    dry_run: bool = False,
) -> DeviceRow:
    """Set labels of a device (an empty value takes one away), where it answers, and the way there.

    Raises:
        NotFound, Refused: As `find_device`.
        Refused: `device.address_taken`.
        UsageError: `ssh.address_invalid`, `ssh.too_many_hops`.
    """
    address = str(parse_address(address)) if address else ""
    through = None if jump is None else ",".join(map(str, parse_jump(jump)))
    with (
        present_inventory(home, dry_run=dry_run) as inventory,
        changing(inventory, dry_run=dry_run),
    ):
        found = find_device(inventory, name)
        kept = {key: value for key, value in (found.labels | labels).items() if value}
        if address or through is not None:
            _refuse_taken(inventory, found, address, through)
        if not dry_run:
            device_rows.set_device_labels(inventory, found.site, found.name, kept)
            if address:
                device_rows.set_device_address(inventory, found.site, found.name, address)
            if through is not None:
                gateway = found.gateway._replace(jump=through)
                device_rows.set_device_gateway(inventory, found.site, found.name, gateway)
        return found._replace(labels=kept, address=address or found.address)


def _refuse_taken(inventory: Inventory, row: DeviceRow, address: str, through: str | None) -> None:
    jump = row.gateway.jump if through is None else through
    new = Known(row.site, row.name, address or row.address, jump)
    others = (one for one in known_devices(inventory) if (one.site, one.name) != new[:2])
    refuse_taken(others, new)
