"""Gateways in the inventory: added after a first look at them, and removed.

Nothing is stored of a device that was not what it was said to be, its pinned key included.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Refused, YolodeployError
from yolodeploy.inventory import devices as rows
from yolodeploy.inventory.devices import DeviceRow, Gateway
from yolodeploy.ops.device_wish import (
    DeviceWish,
    Known,
    checked,
    known_devices,
    refuse_taken,
)
from yolodeploy.ops.opening import changing, present_inventory
from yolodeploy.ops.play_hosts import HERE, site_of_hosts
from yolodeploy.ops.sites import find_device
from yolodeploy.provision.acquaintance import Look, look_at
from yolodeploy.provision.play import AGENT, SERVER, Secrets
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.shell import LocalShell
from yolodeploy.ssh.sockets import socket_folder

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home

AT_ONCE = 16


class Seen(NamedTuple):
    """A device that was asked for: what it is, or why it was not added.

    `look` is None and `host_key` empty where nobody asked the device.
    """

    wish: DeviceWish
    role: str = AGENT
    look: Look | None = None
    host_key: str = ""
    error: YolodeployError | None = None

    @property
    def profile(self) -> str:
        """What was said, else what was seen."""
        return self.wish.profile or (self.look.profile if self.look else "")

    @property
    def known(self) -> Known:
        """What tells it from others."""
        wish = self.wish
        return Known(wish.site, wish.name, wish.address, wish.jump, self.host_key)


def add_devices(
    home: Home,
    wishes: Sequence[DeviceWish],
    *,
    offline: bool = False,
    secrets: Secrets | None = None,
    dry_run: bool = False,
) -> list[Seen]:
    """Look at devices, all at once, and remember them: all, or none where one has an `error`.

    `offline` asks nobody. A dry run does ask.

    Raises:
        NotFound: `inventory.missing`.
        Failed: `ssh.no_folder`, `ssh.no_host_keys`.
    """
    with present_inventory(home, dry_run=dry_run) as inventory:
        known = known_devices(inventory)
        found = _told_apart(known, [_checked(inventory, wish) for wish in wishes])
        if offline or _refused(found):
            return _stored(inventory, found, dry_run=dry_run)
        with tempfile.TemporaryDirectory(prefix="yolodeploy-keys-") as folder:
            # keys are pinned apart until everything is right
            new = HostKeys(Path(folder) / "known_hosts", home.host_keys).create()
            found = _told_apart(known, _looked_at(found, new, secrets or Secrets()))
            stored = _stored(inventory, found, dry_run=dry_run)
            if not dry_run and not _refused(found):
                HostKeys(home.host_keys).take_over(new)
            return stored


def remove_device(
    home: Home, name: str, *, forget: bool = False, dry_run: bool = False
) -> DeviceRow:
    """Forget a device of a k3s site and its key; one that was provisioned only with `forget`.

    Raises:
        NotFound: `inventory.missing`, `ops.unknown_device`, `inventory.unknown_device`.
        Refused: `play.no_hosts`, `device.provisioned`, `ops.ambiguous_device`.
    """
    with (
        present_inventory(home, dry_run=dry_run) as inventory,
        changing(inventory, dry_run=dry_run),
    ):
        row = find_device(inventory, name)
        site_of_hosts(inventory, row.site)
        if row.gateway.proved_at is not None and not forget:
            raise Refused("device.provisioned", device=row.name, site=row.site)
        if not dry_run:
            rows.remove_device(inventory, row.site, row.name)
    if not dry_run and row.address not in (HERE, ""):
        HostKeys(home.host_keys).forget(parse_address(row.address))
    return row


def _checked(inventory: Inventory, wish: DeviceWish) -> Seen:
    try:
        found = checked(wish)
        site_of_hosts(inventory, found.site)
    except YolodeployError as error:
        return Seen(wish, error=error)
    return Seen(found)


def _told_apart(known: Iterable[Known], found: Iterable[Seen]) -> list[Seen]:
    """The same, those refused that are there already or come twice."""
    before = list(known)
    judged = []
    for one in found:
        if one.error is None:
            try:
                refuse_taken(before, one.known)
            except YolodeployError as error:
                judged.append(one._replace(error=error))
                continue
            before.append(one.known)
        judged.append(one)
    return judged


def _refused(found: Iterable[Seen]) -> bool:
    return any(one.error is not None for one in found)


def _looked_at(found: Sequence[Seen], keys: HostKeys, secrets: Secrets) -> list[Seen]:
    with (
        socket_folder() as folder,
        ThreadPoolExecutor(max_workers=min(len(found), AT_ONCE) or 1) as pool,
    ):
        return list(pool.map(partial(_look, keys=keys, secrets=secrets, folder=folder), found))


def _look(one: Seen, keys: HostKeys, secrets: Secrets, folder: Path) -> Seen:
    wish, route = one.wish, one.wish.route
    try:
        if route is None:
            return one._replace(look=look_at(LocalShell(wish.name), secrets.sudo))
        connection = Connection(wish.name, route, keys, folder, password=secrets.login)
        try:
            look = look_at(connection, secrets.sudo)
        finally:
            connection.close()
        return one._replace(look=look, host_key=keys.of(route.address))
    except YolodeployError as error:
        return one._replace(error=error)


def _stored(inventory: Inventory, found: Sequence[Seen], *, dry_run: bool) -> list[Seen]:
    """With their roles, in the inventory where nothing is wrong."""
    servers = {row.site for row in rows.list_devices(inventory) if row.gateway.role == SERVER}
    roles = []
    for one in found:
        # somebody has to be one
        server = one.wish.server or one.wish.site not in servers
        servers.add(one.wish.site)
        roles.append(one._replace(role=SERVER if server else AGENT))
    if not dry_run and not _refused(roles):
        with inventory.transaction():
            for one in roles:
                _store(inventory, one)
    return roles


def _store(inventory: Inventory, one: Seen) -> None:
    wish = one.wish
    gateway = Gateway(
        role=one.role, profile=one.profile, jump=wish.jump, identity=wish.identity,
        host_key=one.host_key,
    )  # fmt: skip
    rows.add_device(
        inventory, wish.site, wish.name, wish.address, at=time.time(),
        labels=dict(wish.labels), gateway=gateway,
    )  # fmt: skip
