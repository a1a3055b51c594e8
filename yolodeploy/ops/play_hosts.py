"""Which hosts a play is run on, out of the inventory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.sites import get_site
from yolodeploy.ops.connect import K3S
from yolodeploy.ops.targets import route_of
from yolodeploy.provision.play import AGENT, SERVER, Host
from yolodeploy.ssh.address import LOCAL

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.inventory.sites import SiteRow

HERE = LOCAL  # the address of a device that is this machine


def site_of_hosts(inventory: Inventory, name: str) -> SiteRow:
    """A site that has hosts.

    Raises:
        NotFound: `inventory.unknown_site`.
        Refused: `play.no_hosts`, an embedded site.
    """
    row = get_site(inventory, name)
    if row.kind != K3S:
        raise Refused("play.no_hosts", site=name, kind=row.kind)
    return row


def chosen(
    inventory: Inventory, site: str, names: Sequence[str], *, held: bool = False
) -> list[DeviceRow]:
    """The devices of a site that are named, or all that are not held; with `held` those too.

    Raises:
        NotFound: `play.no_device`, the site has none; `inventory.unknown_device`.
        Refused: `send.held`.
    """
    rows = list_devices(inventory, site)
    if not rows:
        raise NotFound("play.no_device", site=site)
    known = {row.name: row for row in rows}
    for name in names:
        if name not in known:
            raise NotFound("inventory.unknown_device", site=site, device=name)
    wanted = [row for row in rows if not names or row.name in names]
    kept = [] if held else [row for row in wanted if _held(row) is not None]
    if kept and (names or len(kept) == len(wanted)):
        raise Refused("send.held", device=kept[0].name, reason=_held(kept[0]))
    return [row for row in wanted if row not in kept]


def hosts_of(rows: Iterable[DeviceRow]) -> tuple[Host, ...]:
    """Devices as hosts.

    Raises:
        UsageError: `ssh.address_invalid`, `ssh.too_many_hops`.
        Refused: `send.no_address`.
    """
    return tuple(map(_host, rows))


def with_first_server(rows: Sequence[DeviceRow], chosen_rows: Sequence[DeviceRow]) -> list[str]:
    """The names of chosen devices and of the first server, whom those who join have to ask."""
    servers = [row.name for row in rows if row.gateway.role == SERVER]
    names = {row.name for row in chosen_rows} | set(servers[:1])
    return [row.name for row in rows if row.name in names]


def _host(row: DeviceRow) -> Host:
    if not row.address:
        raise Refused("send.no_address", device=row.name)
    gateway = row.gateway
    variables = {
        "node_profile": gateway.profile or "cpu",
        "node_labels": row.labels,
        "node_gpu_sharing": gateway.sharing or "exclusive",
    }
    return Host(
        row.name,
        None if row.address == HERE else route_of(row),
        gateway.role or AGENT,
        variables,
    )


def _held(row: DeviceRow) -> str | None:
    return row.held if row.held is not None else row.site_held
