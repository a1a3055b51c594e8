"""A network for gateways: a bridge in a namespace of its own, behind one link to this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


def ip(*words: str) -> None:
    """Run `ip`."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Network:
    """`name` is its namespace's; hosts have addresses from `prefix.11` on."""

    def __init__(self, number: int) -> None:
        self.name = f"ydgw{number}"
        self.prefix = f"198.18.{number}"  # for tests of devices: RFC 2544

    def add(self, number: int) -> None:
        """Make the namespace of a host."""
        place, link = f"{self.name}-{number}", f"h{number}"
        ip("netns", "add", place)
        ip("-n", self.name, "link", "add", link, "type", "veth", "peer", "name", "host0",
           "netns", place)  # fmt: skip
        ip("-n", self.name, "link", "set", link, "master", "br0", "up")
        ip("-n", place, "link", "set", "lo", "up")
        ip("-n", place, "addr", "add", f"{self.prefix}.{10 + number}/24", "dev", "host0")
        ip("-n", place, "link", "set", "host0", "up")
        ip("-n", place, "route", "add", "default", "via", f"{self.prefix}.1")

    def remove(self, number: int) -> None:
        """Take the namespace of a host away; harmless where there is none."""
        words = ["ip", "netns", "del", f"{self.name}-{number}"]
        subprocess.run(words, check=False, capture_output=True)

    def set_link(self, number: int, state: str) -> None:
        """`down` cuts the link of a host, `up` heals it."""
        ip("-n", self.name, "link", "set", f"h{number}", state)

    def slow_down(self, rate: str, number: int | None = None) -> None:
        """A rate such as `8mbit` towards one host, or towards all together."""
        device, inside = (f"h{number}", ["-n", self.name]) if number else (self.name, [])
        subprocess.run(
            ["tc", *inside, "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate,
             "burst", "32kbit", "latency", "400ms"],
            check=True, capture_output=True,
        )  # fmt: skip

    def speed_up(self, number: int | None = None) -> None:
        """Take the limit away again; harmless where there is none."""
        device, inside = (f"h{number}", ["-n", self.name]) if number else (self.name, [])
        subprocess.run(
            ["tc", *inside, "qdisc", "del", "dev", device, "root"], check=False, capture_output=True
        )

    def bytes_to(self, number: int) -> int:
        """What went towards a host, headers and all."""
        told = subprocess.run(
            ["ip", "netns", "exec", self.name, "cat",
             f"/sys/class/net/h{number}/statistics/tx_bytes"],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        return int(told)


@contextmanager
def network() -> Iterator[Network]:
    """One that nobody else has."""
    found = _claimed()
    try:
        ip("link", "add", found.name, "type", "veth", "peer", "name", "outer", "netns", found.name)
        ip("-n", found.name, "link", "add", "br0", "type", "bridge")
        for link in ("br0", "outer"):
            ip("-n", found.name, "link", "set", link, "up")
        ip("-n", found.name, "link", "set", "outer", "master", "br0")
        ip("addr", "add", f"{found.prefix}.1/24", "dev", found.name)
        ip("link", "set", found.name, "up")
        yield found
    finally:
        subprocess.run(["ip", "netns", "del", found.name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", found.name], check=False, capture_output=True)


def _claimed() -> Network:
    for number in range(250):
        found = Network(number)
        made = subprocess.run(["ip", "netns", "add", found.name], capture_output=True, check=False)
        if made.returncode == 0:
            return found
    raise AssertionError("250 networks of gateways are left over: ip netns list")
