"""Where a device may be that is no longer at its address: pure rules, and bounded."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator

from yolodeploy.core.errors import UsageError

MOST = 1024  # addresses; four times the usual network of a plant
_USUAL = 24  # bits of the network in which DHCP gave the old address
_NEIGHBOUR = re.compile(r"([0-9A-Fa-f.:]+)(?: dev (\S+))?(.*)", re.ASCII)
_LINK = re.compile(r"[A-Za-z0-9._-]{1,15}", re.ASCII)


def candidates(old: str, neighbours: Iterable[str], network: str = "") -> list[str]:
    """The addresses to ask, at most `MOST`: known neighbours, then the rest of the network.

    `old` is where it was, or empty; without a `network` it is the old address's /24. An IPv6
    network is too large to be asked as a whole: there its neighbours are.

    Raises:
        UsageError: `find.network_invalid`, `find.network_too_large`.
    """
    named = _network(network) if network else _around(old)
    version = named.version if named else 6 if ":" in old else 4
    found: dict[str, None] = {}
    for host in (*neighbours, *(_hosts(named) if named else ())):
        address = ipaddress.ip_address(host)
        inside = not network or address in named if named else True
        if address.version == version and inside:
            found.setdefault(host)
    found.pop(old, None)
    return list(found)[:MOST]


def neighbours_of(text: str) -> list[str]:
    """The addresses that `ip neigh` lists, but those where nobody answered."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        match = _NEIGHBOUR.fullmatch(line.strip())
        if match is None or "FAILED" in match[3] or "INCOMPLETE" in match[3]:
            continue
        try:
            address = ipaddress.ip_address(match[1])
        except ValueError:
            continue
        if address.is_multicast:
            continue
        zone = match[2] or ""
        if not address.is_link_local:
            found.setdefault(str(address))
        elif address.version == 6 and _LINK.fullmatch(zone):
            found.setdefault(f"{address}%{zone}")
    return list(found)


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> _Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise UsageError("find.network_invalid", network=text) from error
    if network.num_addresses > MOST:
        raise UsageError("find.network_too_large", network=text, most=MOST)
    return network


def _around(old: str) -> _Network | None:
    try:
        address = ipaddress.ip_address(old.partition("%")[0])
    except ValueError:
        return None
    if address.version == 6:
        return None
    return ipaddress.ip_network(f"{address}/{_USUAL}", strict=False)


def _hosts(network: _Network) -> Iterator[str]:
    return map(str, network.hosts())
