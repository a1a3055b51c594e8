"""Which devices a person means: by name, by site, or by address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import NotFound, Refused, YolodeployError
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.sites import list_sites
from yolodeploy.ops.connect import EMBEDDED
from yolodeploy.ops.sites import find_device
from yolodeploy.ssh.address import LOCAL, Address, is_address, parse_address
from yolodeploy.ssh.route import Route, parse_jump

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.ops.home import Home


class Target(NamedTuple):
    """One device: its name (else its address), the way, and why it must be left alone, if so."""

    device: str
    route: Route
    refusal: YolodeployError | None = None


def targets(home: Home, words: Iterable[str]) -> list[Target]:
    """The devices that some words mean, each once: `USER@HOST[:PORT]`, a site, a device.

    Raises:
        UsageError: `ssh.address_invalid`.
        NotFound: `inventory.missing`, `ops.unknown_device`, `inventory.unknown_device`,
            `send.no_device`.
        Refused: `ops.ambiguous_device`, `send.embedded`, `send.local`, `send.no_address`.
    """
    found: dict[tuple[Address, ...], Target] = {}  # behind another host it is another device
    for word in words:
        for target in _of_word(home, word):
            found.setdefault((*target.route.jump, target.route.address), target)
    return list(found.values())


def _of_word(home: Home, word: str) -> Iterator[Target]:
    if is_address(word):
        address = parse_address(word)
        yield Target(str(address), Route(address))
        return
    with read_inventory(home.inventory) as inventory:
        yield from map(_of_row, _rows(inventory, word))


def _rows(inventory: Inventory, word: str) -> list[DeviceRow]:
    sites = {row.name: row for row in list_sites(inventory)}
    rows = list_devices(inventory, word) if word in sites else [find_device(inventory, word)]
    if not rows:
        raise NotFound("send.no_device", site=word)
    for row in rows:
        if sites[row.site].kind == EMBEDDED:
            raise Refused("send.embedded", device=word)
    return rows


def _of_row(row: DeviceRow) -> Target:
    if row.address == LOCAL:
        raise Refused("send.local", device=row.name)
    if not row.address:
        raise Refused("send.no_address", device=row.name)
    reason = row.held if row.held is not None else row.site_held
    held = Refused("send.held", device=row.name, reason=reason) if reason is not None else None
    return Target(row.name, route_of(row), held)


def route_of(row: DeviceRow) -> Route:
    """The way to a device of the inventory.

    Raises:
        UsageError: `ssh.address_invalid`, `ssh.too_many_hops`.
    """
    identity = row.gateway.identity
    return Route(
        parse_address(row.address),
        parse_jump(row.gateway.jump),
        Path(identity) if identity else None,
        row.gateway.host_key,
        row.added_at,
    )
