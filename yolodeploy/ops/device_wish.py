"""A device that a person wants to add, checked as far as that goes without asking it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Refused, UsageError
from yolodeploy.core.names import checked_name
from yolodeploy.inventory.devices import list_devices
from yolodeploy.ops.play_hosts import HERE
from yolodeploy.provision.acquaintance import PROFILES
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.route import Route, fingerprint, parse_jump

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory


class DeviceWish(NamedTuple):
    """What a person says of a device. Without a profile its GPU decides.

    The first device of a site is a server whatever is said.
    """

    name: str
    address: str
    site: str
    server: bool = False
    profile: str = ""
    jump: str = ""
    identity: str = ""
    labels: Mapping[str, str] = {}

    @property
    def route(self) -> Route | None:
        """How it is reached; None for this machine."""
        if self.address == HERE:
            return None
        identity = Path(self.identity) if self.identity else None
        return Route(parse_address(self.address), parse_jump(self.jump), identity)


def checked(wish: DeviceWish) -> DeviceWish:
    """The same, well formed.

    Raises:
        UsageError: `name.invalid`, `ssh.address_invalid`, `ssh.too_many_hops`, `device.profile`,
            `device.identity`.
    """
    checked_name("device", wish.name)
    checked_name("site", wish.site)
    address = HERE if wish.address in (HERE, "localhost") else wish.address
    found = wish._replace(address=address)
    route = found.route
    if route is not None:
        found = found._replace(address=str(route.address), jump=",".join(map(str, route.jump)))
    if wish.profile and wish.profile not in PROFILES:
        raise UsageError("device.profile", profile=wish.profile, known=", ".join(PROFILES))
    return found._replace(identity=_key_file(wish.identity))


class Known(NamedTuple):
    """What tells a device from others; `host_key` is empty where nobody has seen it."""

    site: str
    name: str
    address: str
    jump: str
    host_key: str = ""


def known_devices(inventory: Inventory) -> list[Known]:
    """Those of the inventory that are gateways."""
    return [
        Known(row.site, row.name, row.address, row.gateway.jump, row.gateway.host_key)
        for row in list_devices(inventory)
        if row.gateway.role
    ]


def refuse_taken(known: Iterable[Known], new: Known) -> None:
    """Refuse what is there already: by its name, its address, or its key under another name.

    Raises:
        Refused: `inventory.device_exists`, `device.address_taken`, `device.key_taken`.
    """
    for one in known:
        if (one.site, one.name) == (new.site, new.name):
            raise Refused("inventory.device_exists", site=new.site, device=new.name)
        other = {"device": new.name, "other": one.name, "site": one.site}
        # a private address behind another jump host is another device
        if (_known(one.address), one.jump) == (_known(new.address), new.jump):
            raise Refused("device.address_taken", address=new.address, **other)
        if new.host_key and one.host_key == new.host_key:
            raise Refused("device.key_taken", fingerprint=fingerprint(new.host_key), **other)


def _known(address: str) -> str:
    if address in (HERE, ""):
        return address
    try:
        return parse_address(address).known_as
    except UsageError:
        return address


def _key_file(text: str) -> str:
    if not text:
        return ""
    path = Path(text)
    try:
        path = path.expanduser().absolute()
        # it becomes a word of OpenSSH's configuration
        good = '"' not in text and text.isprintable() and path.is_file()
    except (OSError, RuntimeError, ValueError):  # a name too long, nobody's home, a NUL
        good = False
    if not good:
        raise UsageError("device.identity", path=path)
    return str(path)
