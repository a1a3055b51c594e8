"""Hosts in between and passwords, with gateways that run.

If these fail, a device behind another cannot be reached, somebody in between is trusted, or a
password can be read by others.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gateways.hosts import Gateway
from tests.ssh.conftest import hide, key_of
from yolodeploy.core.errors import Refused, YolodeployError
from yolodeploy.ops.home import Home
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.command_line import Patience
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.route import Route, parse_jump
from yolodeploy.ssh.sockets import socket_folder

_PATIENCE = Patience(connect_s=60, alive_s=10, alive_count=6)
_SHORT = Patience(connect_s=5)
_PASSWORD = "s3cret $(touch x)\"'%h"
_WHO = "echo ${SSH_CONNECTION%% *}; id -un"


@contextmanager
def connection(
    home: Home, route: Route, password: str = "", patience: Patience = _PATIENCE
) -> Iterator[Connection]:
    with socket_folder() as folder:
        keys = HostKeys(home.host_keys)
        one = Connection("gw-2", route, keys, folder, patience, password)
        try:
            yield one
        finally:
            one.hang_up()


def refused(
    home: Home, route: Route, password: str = "", patience: Patience = _PATIENCE
) -> YolodeployError:
    with (
        connection(home, route, password, patience) as one,
        pytest.raises(YolodeployError) as caught,
    ):
        one.run("true")
    return caught.value


def behind(near: Gateway, far: Gateway) -> Route:
    """The second gateway, which the first alone may reach."""
    key = key_of(far)
    hide(far)
    return Route(parse_address(far.root), parse_jump(near.root), far.key, key)


def test_a_device_behind_others_is_reached_and_every_key_is_pinned(
    near: Gateway, far: Gateway, home: Home
) -> None:
    hop_key = key_of(near)
    route = behind(near, far)
    alone = refused(home, route._replace(jump=()), patience=_SHORT)
    assert alone.code == "ssh.away", "not without the first"
    with connection(home, route) as one:
        assert one.run(_WHO).out.split() == [near.address, "root"]
    pinned = home.host_keys.read_text()
    assert f"{near.address} {hop_key}" in pinned
    assert far.address not in pinned, "the device's own key is the inventory's"
    twice = f"{near.root},root@{near.address}:22"
    with connection(home, route._replace(jump=parse_jump(twice))) as one:
        assert one.run(_WHO).out.split() == [near.address, "root"]

    home.host_keys.write_text(pinned.replace(hop_key, route.host_key))
    error = refused(home, route)
    assert (error.code, error.fields["device"]) == ("ssh.host_key_changed", near.root)
    home.host_keys.write_text(pinned)
    error = refused(home, route._replace(jump=parse_jump(f"nobody@{near.address}")))
    assert (error.code, error.fields["device"]) == ("ssh.denied", f"nobody@{near.address}")
    error = refused(home, route._replace(host_key=hop_key, known_since=1.7e9))
    assert error.code == "ssh.another_host_key", "another machine is not spoken to"
    assert "device find gw-2" in error.remedy()


def test_a_password_is_in_no_argument_no_environment_and_no_file(
    near: Gateway, far: Gateway, home: Home, tmp_path: Path
) -> None:
    far(f"id technician 2>/dev/null || useradd -m technician; echo {_quoted()} | chpasswd")
    route = Route(parse_address(f"technician@{far.address}"), parse_jump(near.root))
    # the hop lets us in by the agent's or the person's key: here by one that is named for it alone
    route = route._replace(identity=near.key)
    with _watched(_PASSWORD.encode()) as seen, connection(home, route, _PASSWORD) as one:
        assert one.run(_WHO).out.split() == [near.address, "technician"]
        assert one.run("cat", told="x").out == "x"
        held = [
            path
            for folder in (home.root, one.socket.parent)
            for path in folder.rglob("*")
            if path.is_file() and _PASSWORD.encode() in path.read_bytes()
        ]
    assert (seen, held) == ([], [])
    error = refused(home, route, "wrong")
    assert error.code == "ssh.denied"
    assert isinstance(error, Refused)
    assert "wrong" not in error.text() + error.remedy()


def _quoted() -> str:
    import shlex

    return shlex.quote(f"technician:{_PASSWORD}")


@contextmanager
def _watched(secret: bytes) -> Iterator[list[str]]:
    """Where a secret is seen among the processes of this machine, looked at all the time."""
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for place in Path("/proc").glob("[0-9]*"):
                if int(place.name) == os.getpid():
                    continue
                for name in ("cmdline", "environ"):
                    try:
                        if secret in (place / name).read_bytes():
                            seen.append(f"{place}/{name}")
                    except OSError:
                        continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_an_address_of_ipv6_with_its_zone(near: Gateway, far: Gateway, home: Home) -> None:
    def link_local(gateway: Gateway) -> str:
        found = re.search(r"inet6 (fe80::\S+)/", gateway("ip -6 addr show dev host0"))
        if found is None:
            pytest.skip("no IPv6 here")
        return found[1]

    hop = f"root@[{link_local(near)}%{near.network.name}]"
    device = parse_address(f"root@[{link_local(far)}%host0]")
    with connection(home, Route(device, parse_jump(hop), far.key, key_of(far))) as one:
        assert one.run("id -un; echo $SSH_CONNECTION").out.split()[:1] == ["root"]
