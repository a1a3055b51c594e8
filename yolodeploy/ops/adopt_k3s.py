"""The action `site adopt` for a k3s cluster that somebody made: it is read, not changed."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Refused
from yolodeploy.core.names import checked_name
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.devices import Gateway, add_device
from yolodeploy.inventory.sites import add_site, set_site_k3s
from yolodeploy.ops.connect import K3S
from yolodeploy.ops.device_wish import Known, known_devices, refuse_taken
from yolodeploy.ops.opening import known_sites
from yolodeploy.provision.play import Secrets
from yolodeploy.provision.running_site import Node, RunningSite, look_at_site
from yolodeploy.ssh.address import Address, parse_address
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.route import Route, parse_jump
from yolodeploy.ssh.sockets import socket_folder

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home


class Adopted(NamedTuple):
    """A site and its devices as they are written down."""

    site: RunningSite
    devices: tuple[tuple[Node, str, Gateway], ...]


def adopt_k3s(
    home: Home,
    name: str,
    address: str,
    *,
    identity: Path | None = None,
    jump: str = "",
    secrets: Secrets | None = None,
    dry_run: bool = False,
) -> Adopted:
    """Write an existing cluster, read from a server of it, into the inventory.

    The server's address and key are as it was reached; the other devices are taken to answer at
    the addresses that the cluster has for them, to the same user and key.

    Raises:
        UsageError: `name.invalid`, `ssh.address_invalid`, `ssh.too_many_hops`.
        Refused: `inventory.site_exists`, `adopt.*`, `device.*`, `ssh.*`.
        NotFound: `adopt.absent`.
        Everything of `look_at_site`.
    """
    checked_name("site", name)
    where = parse_address(address)
    if name in known_sites(home):
        raise Refused("inventory.site_exists", site=name)
    with tempfile.TemporaryDirectory(prefix="yolodeploy-keys-") as folder:
        # its key is pinned apart until everything is right
        keys = HostKeys(Path(folder) / "known_hosts", home.host_keys).create()
        found, host_key = _looked(Route(where, parse_jump(jump), identity), keys, secrets)
        if not host_key:
            raise Refused("adopt.no_key", address=address)
        devices = tuple(
            _device(node, found, where, identity, jump, host_key) for node in found.nodes
        )
        _refuse_taken(home, name, devices)
        if not dry_run:
            _store(home, name, found, devices)
            HostKeys(home.host_keys).take_over(keys)
    return Adopted(found, devices)


def _looked(route: Route, keys: HostKeys, secrets: Secrets | None) -> tuple[RunningSite, str]:
    given = secrets or Secrets()
    with socket_folder() as folder:
        name = str(route.address)
        connection = Connection(name, route, keys, folder, password=given.login)
        try:
            return look_at_site(connection, name, given.sudo), keys.of(route.address)
        finally:
            connection.close()


def _device(
    node: Node, site: RunningSite, where: Address, identity: Path | None, jump: str, key: str
) -> tuple[Node, str, Gateway]:
    """A node as a device. The server that was asked is the one with its address, else the first."""
    servers = [one for one in site.nodes if one.server]
    asked = next((one for one in servers if one.address == where.host), servers[0])
    mine = node is asked
    address = where if mine else where._replace(host=parse_address(node.address or "-").host)
    gateway = Gateway(
        role=node.role, profile=node.profile, sharing=node.sharing, jump=jump,
        identity=str(identity or ""), host_key=key if mine else "",
    )  # fmt: skip
    return node, str(address), gateway


def _refuse_taken(home: Home, name: str, devices: tuple[tuple[Node, str, Gateway], ...]) -> None:
    if not home.inventory.exists():
        return
    with read_inventory(home.inventory) as inventory:
        known = known_devices(inventory)
    for node, address, gateway in devices:
        refuse_taken(known, Known(name, node.name, address, gateway.jump, gateway.host_key))


def _store(
    home: Home,
    name: str,
    found: RunningSite,
    devices: tuple[tuple[Node, str, Gateway], ...],
) -> None:
    now = time.time()
    with open_inventory(home.create().inventory) as inventory, inventory.transaction():
        add_site(inventory, name, K3S, "", at=now)
        set_site_k3s(inventory, name, found.version)
        for node, address, gateway in devices:
            add_device(
                inventory, name, node.name, address, at=now, labels=node.own_labels,
                gateway=gateway,
            )  # fmt: skip
