"""Two gateways with host keys of their own, and an inventory that knows them by these."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.cli.conftest import run  # noqa: F401 a fixture
from tests.gateways.hosts import Gateway, gateways
from yolodeploy.inventory import devices, sites
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.devices import Gateway as Host
from yolodeploy.ops.home import Home

LONG_S = 300.0
# all gateways are made from one disk
_OWN_KEYS = "rm /etc/ssh/ssh_host_*; ssh-keygen -A >/dev/null; systemctl restart ssh"

Plant = Callable[..., None]


def wait_for(what: Callable[[], bool]) -> None:
    """Wait for a condition, for as long as a busy machine may need."""
    deadline = time.monotonic() + LONG_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="session")
def pair() -> Iterator[list[Gateway]]:
    """Two that run."""
    with gateways(2) as found:
        for one in found:
            one(_OWN_KEYS)
            wait_for(one.answers)
        yield found


@pytest.fixture
def near(pair: list[Gateway]) -> Gateway:
    """The first one."""
    return pair[0]


@pytest.fixture
def far(pair: list[Gateway]) -> Iterator[Gateway]:
    """The second one; it answers us again afterwards."""
    yield pair[1]
    hide(pair[1], hidden=False)


def hide(gateway: Gateway, *, hidden: bool = True) -> None:
    """Whether it answers its neighbours alone, and not this machine."""
    place, here = f"{gateway.network.name}-{gateway.number}", f"{gateway.network.prefix}.1"
    what = "replace" if hidden else "del"
    subprocess.run(
        ["ip", "-n", place, "route", what, "blackhole", here], check=hidden, capture_output=True
    )


def key_of(gateway: Gateway, kind: str = "ed25519") -> str:
    """Its host key, read from its disk."""
    return " ".join(gateway(f"cat /etc/ssh/ssh_host_{kind}_key.pub").split()[:2])


@pytest.fixture
def plant(pair: list[Gateway], home: Home) -> Plant:
    """Makes the site `plant` of `gw-1` and `gw-2`; `jump` is the way to the second."""

    def make(jump: str = "", key: str = "") -> None:
        with open_inventory(home.inventory) as inventory:
            sites.add_site(inventory, "plant", "k3s", "plant", at=time.time())
            for one, through, role in zip(pair, ("", jump), ("server", "agent"), strict=True):
                host = Host(
                    role=role, jump=through, identity=str(one.key), host_key=key or key_of(one)
                )
                name = f"gw-{one.number}"
                devices.add_device(inventory, "plant", name, one.root, at=time.time(), gateway=host)

    return make


def address_of(home: Home, device: str) -> str:
    """What the inventory says."""
    with open_inventory(home.inventory) as inventory:
        return devices.get_device(inventory, "plant", device).address


def give(gateway: Gateway, address: str) -> None:
    """What a DHCP server does: another address, in the middle of everything."""
    place = f"{gateway.network.name}-{gateway.number}"
    for words in (
        ["addr", "flush", "dev", "host0", "scope", "global"],
        ["addr", "add", f"{address}/24", "dev", "host0"],
        ["route", "replace", "default", "via", f"{gateway.network.prefix}.1"],
    ):
        subprocess.run(["ip", "-n", place, *words], check=True, capture_output=True)
    subprocess.run(["ip", "neigh", "flush", "dev", gateway.network.name], check=True)
