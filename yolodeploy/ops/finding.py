"""Looking for devices whose address has changed, by the key that each is known by."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import NotFound, Refused, Unreachable, YolodeployError
from yolodeploy.inventory import devices as rows
from yolodeploy.inventory.events import add_event
from yolodeploy.inventory.sites import list_sites
from yolodeploy.ops.opening import changing, present_inventory
from yolodeploy.ops.sites import find_device
from yolodeploy.ops.targets import route_of
from yolodeploy.ssh.address import LOCAL, parse_address
from yolodeploy.ssh.candidates import MOST, candidates
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.lookout import Lookout, Place, kinds_of
from yolodeploy.ssh.route import Route
from yolodeploy.ssh.sockets import socket_folder

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.ops.home import Home

_SSH_PORT = 22

# how many addresses have been asked, and of how many
Tell = Callable[[int, int], None]


class State(Enum):
    """Where a device is."""

    UNCHANGED = "unchanged"
    MOVED = "moved"
    NOT_FOUND = "not found"


class Found(NamedTuple):
    """One device. `address` is where it is now, empty where it was not found, and `was` before."""

    device: str
    site: str
    state: State
    address: str
    was: str
    error: YolodeployError | None = None


class _Lost(NamedTuple):
    """A device and the way to it."""

    row: DeviceRow
    route: Route

    @property
    def place(self) -> Place:
        return Place(self.route.address.host, self.route.address.port or _SSH_PORT)

    @property
    def alike(self) -> tuple[object, ...]:
        """What those have in common that can be looked for at once."""
        return self.route.jump, self.route.identity, self.place.port, kinds_of(self.route.host_key)


def find_devices(
    home: Home,
    words: Sequence[str] = (),
    network: str = "",
    *,
    dry_run: bool = False,
    tell: Tell = lambda _asked, _all: None,
) -> list[Found]:
    """Look for devices (names or sites; all that are known by a key), and keep where they are.

    Nothing is logged in to; a host counts when it has proved to have the pinned key.

    Raises:
        NotFound: `inventory.missing`, `ops.unknown_device`, `find.no_device`.
        Refused: `ops.ambiguous_device`, `find.no_key`.
        UsageError: `find.network_invalid`, `find.network_too_large`, `ssh.address_invalid`.
    """
    candidates("", (), network)  # before anybody is asked
    with present_inventory(home, dry_run=dry_run) as inventory:
        lost = [_Lost(row, route_of(row)) for row in _chosen(inventory, words)]
        found = [one for group in _groups(lost) for one in _found(home, group, network, tell)]
        if not dry_run:
            _write(inventory, found)
            _pin(HostKeys(home.host_keys), lost, found)
    return sorted(found, key=lambda one: (one.site, one.device))


def check(found: Sequence[Found]) -> None:
    """Raise an error where a device was not found.

    Raises:
        Unreachable: `find.some_not_found`.
        Refused: `find.some_twice`, some answered at two addresses.
    """
    twice = [one.device for one in found if one.error and one.error.code == "find.twice"]
    if twice:
        raise Refused("find.some_twice", devices=", ".join(twice))
    absent = [one.device for one in found if one.error is not None]
    if absent:
        raise Unreachable("find.some_not_found", devices=", ".join(absent))


def _chosen(inventory: Inventory, words: Sequence[str]) -> list[DeviceRow]:
    sites = {row.name for row in list_sites(inventory)}
    chosen: dict[tuple[str, str], DeviceRow] = {}
    for word in words:
        listed = rows.list_devices(inventory, word) if word in sites else [
            find_device(inventory, word)
        ]  # fmt: skip
        for row in listed:
            if not _can_be_found(row):
                raise Refused("find.no_key", device=row.name)
            chosen[row.site, row.name] = row
    if words:
        return list(chosen.values())
    found = [row for row in rows.list_devices(inventory) if _can_be_found(row)]
    if not found:
        raise NotFound("find.no_device")
    return found


def _can_be_found(row: DeviceRow) -> bool:
    return bool(row.gateway.host_key and row.address and row.address != LOCAL)


def _groups(lost: Sequence[_Lost]) -> list[list[_Lost]]:
    groups: dict[tuple[object, ...], list[_Lost]] = {}
    for one in lost:
        groups.setdefault(one.alike, []).append(one)
    return list(groups.values())


def _found(home: Home, group: list[_Lost], network: str, tell: Tell) -> list[Found]:
    """Those of a group; a host in between that is in the way is theirs alone."""
    try:
        return list(_looked_for(home, group, network, tell))
    except (Refused, Unreachable) as error:
        return [
            Found(one.row.name, one.row.site, State.NOT_FOUND, "", one.row.address, error)
            for one in group
        ]


def _looked_for(home: Home, group: list[_Lost], network: str, tell: Tell) -> Iterator[Found]:
    with ExitStack() as stack:
        lookout = _lookout(home, group[0].route, stack)
        kinds = kinds_of(group[0].route.host_key)
        keys = lookout.keys_of([one.place for one in group], kinds)
        away = [one for one in group if keys.get(one.place) != one.route.host_key]
        if away:
            places = _places(lookout, away, network)
            keys |= lookout.keys_of(places, kinds, lambda asked: tell(asked, len(places)))
        for one in group:
            hosts = [place.host for place, key in keys.items() if key == one.route.host_key]
            yield _unchanged(one) if one not in away else _moved(one, hosts)


def _lookout(home: Home, route: Route, stack: ExitStack) -> Lookout:
    folder, keys = stack.enter_context(socket_folder()), HostKeys(home.host_keys)
    through = None
    if route.jump:
        *before, last = route.jump
        way = Route(last, tuple(before), route.identity)
        through = Connection(str(last), way, keys, folder)
        stack.callback(through.hang_up)
    lookout = Lookout(keys, folder, through)
    stack.callback(lookout.end)
    return lookout


def _places(lookout: Lookout, away: list[_Lost], network: str) -> list[Place]:
    """Where they may be, each once."""
    found: dict[Place, None] = {}
    for one in away:
        old = one.place.host if one.route.jump else _number(one.place)
        neighbours = lookout.neighbours(6 if ":" in old else 4)
        for host in candidates(old, neighbours, network):
            found.setdefault(Place(host, one.place.port))
    return list(found)[:MOST]


def _number(place: Place) -> str:
    """The address of a name, as long as anybody knows it."""
    try:
        told = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)
    except OSError:
        return place.host
    return str(told[0][4][0])


def _unchanged(one: _Lost) -> Found:
    return Found(one.row.name, one.row.site, State.UNCHANGED, one.row.address, one.row.address)


def _moved(one: _Lost, hosts: list[str]) -> Found:
    was = one.row.address
    if not hosts:
        error = Unreachable("find.not_found", device=one.row.name, address=was)
        return Found(one.row.name, one.row.site, State.NOT_FOUND, "", was, error)
    if len(hosts) > 1:
        twice = Refused("find.twice", device=one.row.name, addresses=", ".join(hosts))
        return Found(one.row.name, one.row.site, State.NOT_FOUND, "", was, twice)
    address = one.route.address._replace(host=hosts[0])
    return Found(one.row.name, one.row.site, State.MOVED, str(address), was)


def _write(inventory: Inventory, found: Sequence[Found]) -> None:
    moved = [one for one in found if one.state is State.MOVED]
    with changing(inventory, dry_run=not moved):
        for one in moved:
            rows.set_device_address(inventory, one.site, one.device, one.address)
            add_event(
                inventory, one.site, "device.moved", at=time.time(), device=one.device,
                detail=f"{one.was} → {one.address}",
            )  # fmt: skip


def _pin(keys: HostKeys, lost: Sequence[_Lost], found: Sequence[Found]) -> None:
    """What is pinned by address follows, for those who name one: also a host in between."""
    known = {(one.row.site, one.row.name): one for one in lost}
    moved = [one for one in found if one.state is State.MOVED]
    for one in moved:
        keys.forget(parse_address(one.was))
    for one in moved:
        host_key = known[one.site, one.device].route.host_key
        keys.pin(parse_address(one.address), host_key)
