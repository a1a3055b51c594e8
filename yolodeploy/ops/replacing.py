"""The action `device replace`: a gateway that was installed anew, known by its new key."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.inventory import devices as rows
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.events import add_event
from yolodeploy.ops.opening import present_inventory
from yolodeploy.ops.play_hosts import HERE, site_of_hosts
from yolodeploy.ops.sites import find_device
from yolodeploy.ops.targets import route_of
from yolodeploy.provision.play import SERVER, Secrets
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.route import fingerprint
from yolodeploy.ssh.sockets import socket_folder

if TYPE_CHECKING:
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.ops.home import Home


class Replacement(NamedTuple):
    """A device and its keys as OpenSSH has them: the pinned one (empty: none), and the new one.

    `devices` are those that the play needs: a server joins the others, which must be there.
    """

    row: DeviceRow
    old: str
    new: str
    devices: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether it shows another key."""
        return self.old != self.new

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Both as people compare them; `-` for none."""
        return (fingerprint(self.old) if self.old else "-", fingerprint(self.new))


def first_server(home: Home, site: str) -> str:
    """The device that is asked for all of a site, and on which a restore begins.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `play.no_device`.
        Refused: `play.no_hosts`.
    """
    with read_inventory(home.inventory) as inventory:
        site_of_hosts(inventory, site)
        for row in rows.list_devices(inventory, site):
            if row.gateway.role == SERVER:
                return row.name
    raise NotFound("play.no_device", site=site)


def look_at_new(
    home: Home, name: str, secrets: Secrets | None = None, *, restoring: bool = False
) -> Replacement:
    """Log in to a device whatever key it shows, and remember nothing.

    The only server of a site can be known anew only when the site is about to be restored.

    Raises:
        NotFound: `inventory.missing`, `ops.unknown_device`, `inventory.unknown_device`,
            `replace.no_key`.
        Refused: `play.no_hosts`, `ops.ambiguous_device`, `send.no_address`, `replace.here`,
            `replace.only_server`, `ssh.*`.
        Unreachable: `ssh.*`.
        Failed: `ssh.no_folder`, `ssh.no_host_keys`.
    """
    with read_inventory(home.inventory) as inventory:
        row = find_device(inventory, name)
        site_of_hosts(inventory, row.site)
        servers = [one.name for one in rows.list_devices(inventory, row.site)
                   if one.gateway.role == SERVER]  # fmt: skip
    if row.address == HERE:
        if restoring:
            return Replacement(row, row.gateway.host_key, row.gateway.host_key)
        raise Refused("replace.here", device=row.name)
    if servers == [row.name] and not restoring:
        raise Refused("replace.only_server", device=row.name, site=row.site)
    old = row.gateway.host_key or HostKeys(home.host_keys).of(parse_address(row.address))
    with socket_folder() as folder:
        # the hosts in between stay known; this one alone may show anything
        keys = HostKeys(Path(folder) / "known_hosts").create()
        keys.take_over(HostKeys(home.host_keys).create())
        keys.forget(route_of(row).address)
        route = route_of(row)._replace(host_key="")
        connection = Connection(
            row.name, route, keys, folder, password=(secrets or Secrets()).login
        )
        try:
            connection.run("true")
        finally:
            connection.close()
        new = keys.of(route.address)
    if not new:
        raise NotFound("replace.no_key", device=row.name)
    needed = servers if row.name in servers else [row.name]
    return Replacement(row, old, new, tuple(needed))


def pin_new(home: Home, found: Replacement) -> None:
    """Know the device by its new key from now on; it is proved no longer.

    Raises:
        NotFound: `inventory.unknown_device`.
        Failed: `ssh.no_host_keys`.
    """
    row = found.row
    if found.changed:
        HostKeys(home.host_keys).pin(parse_address(row.address), found.new)
    with present_inventory(home) as inventory, inventory.transaction():
        gateway = row.gateway._replace(host_key=found.new, proved_at=None)
        rows.set_device_gateway(inventory, row.site, row.name, gateway)
        detail = " → ".join(found.fingerprints)
        add_event(
            inventory, row.site, "device.replaced", at=time.time(), device=row.name, detail=detail
        )
