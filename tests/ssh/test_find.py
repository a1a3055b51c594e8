"""`device find` with gateways whose addresses change.

If these fail, a site is lost when DHCP moves it, or what was meant for one machine goes to another.
"""

from __future__ import annotations

import base64
import io
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.cli.conftest import Run
from tests.cli.running import Answer, contents
from tests.gateways.hosts import Gateway
from tests.ssh.conftest import Plant, address_of, give, hide, key_of, wait_for
from yolodeploy.inventory import devices, events
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.ops.home import Home
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.lookout import Lookout, Place, kinds_of
from yolodeploy.ssh.sockets import socket_folder


@pytest.fixture(autouse=True)
def own_addresses(pair: list[Gateway]) -> Iterator[None]:
    """Each has its own again afterwards."""
    yield
    for one in pair:
        give(one, one.address)
    for one in pair:
        wait_for(one.answers)


def states(answer: Answer) -> dict[str, tuple[str, str]]:
    return {row["device"]: (row["state"], row["address"]) for row in json.loads(answer.out)}


def test_two_that_exchanged_their_addresses_are_told_apart(
    run: Run, near: Gateway, far: Gateway, plant: Plant, home: Home
) -> None:
    plant()
    answer = run("device", "find", "-o", "json")
    assert states(answer) == {
        "gw-1": ("unchanged", near.root), "gw-2": ("unchanged", far.root)
    }  # fmt: skip
    give(near, f"{near.network.prefix}.40")  # both at one address would be another test
    give(far, near.address)
    give(near, far.address)
    before = contents(home.root)
    near_by = ("--network", f"{near.network.prefix}.8/29")
    answer = run("device", "find", "--dry-run", *near_by, "-o", "json")
    swapped = {"gw-1": ("moved", far.root), "gw-2": ("moved", near.root)}
    assert (answer.code, states(answer)) == (0, swapped), answer.err
    assert contents(home.root) == before
    assert states(run("device", "find", "plant", "-o", "json")) == swapped
    assert (address_of(home, "gw-1"), address_of(home, "gw-2")) == (far.root, near.root)
    with read_inventory(home.inventory) as inventory:
        said = [(row.device, row.code) for row in events.query_events(inventory)]
    assert said == [("gw-1", "device.moved"), ("gw-2", "device.moved")]
    assert run("device", "find").code == 0
    assert run("device", "edit", "gw-2", "--jump", far.root).code == 0
    behind = run("device", "find", "gw-2", "-o", "json")
    assert states(behind) == {"gw-2": ("unchanged", near.root)}, "pins by address followed"


def test_a_device_behind_another_is_looked_for_from_there(
    run: Run, near: Gateway, far: Gateway, plant: Plant, home: Home
) -> None:
    plant(jump=near.root)
    hide(far)
    moved = f"{far.network.prefix}.14"
    give(far, moved)
    words = ("--network", f"{far.network.prefix}.8/29")
    answer = run("device", "find", "gw-2", *words, "-o", "json")
    assert states(answer) == {"gw-2": ("moved", f"root@{moved}")}, answer.err


class _Shown(paramiko.Ed25519Key):
    """A key of its own that says it is another's."""

    shown = b""

    def asbytes(self) -> bytes:
        return self.shown


@contextmanager
def impostor(host_key: str) -> Iterator[int]:
    """A server of SSH that shows a key which it cannot sign with; its port."""
    private = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    key = _Shown(file_obj=io.StringIO(private.decode()))
    key.shown = base64.b64decode(host_key.split()[1])

    def serve(client: socket.socket) -> None:
        transport = paramiko.Transport(client)
        transport.add_server_key(key)
        with suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=paramiko.ServerInterface())

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=listening.accept()[:1], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)


def test_who_only_shows_the_key_is_not_the_device(near: Gateway) -> None:
    """`ssh-keyscan` takes it for the device's; it has not signed with it."""
    key = key_of(near)
    with socket_folder() as folder, impostor(key) as port:
        shown = subprocess.run(
            ["ssh-keyscan", "-p", str(port), "127.0.0.1"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        assert key in shown, "the double does what it should"
        lookout = Lookout(HostKeys(folder / "known_hosts"), folder)
        assert lookout.key_of(Place("127.0.0.1", port), kinds_of(key)) == ""
        assert lookout.key_of(Place(near.address, 22), kinds_of(key)) == key


def test_one_key_at_two_addresses_is_not_decided(
    run: Run, near: Gateway, far: Gateway, plant: Plant, home: Home
) -> None:
    """As when a disk was copied: which of them is meant, a person says."""
    key = key_of(near)
    stem = "/etc/ssh/ssh_host_ed25519_key"
    copied = near(f"cat {stem}")
    kept = far(f"cp {stem} {stem}.pub /root/; cat {stem}.pub")
    far(f"echo '{copied}' >{stem}; ssh-keygen -y -f {stem} >{stem}.pub")
    far("systemctl restart ssh")
    try:
        plant(key=key)
        give(near, f"{near.network.prefix}.9")
        with open_inventory(home.inventory) as inventory:
            devices.remove_device(inventory, "plant", "gw-2")
            devices.set_device_address(inventory, "plant", "gw-1", f"root@{near.network.prefix}.30")
        before = address_of(home, "gw-1")
        words = ("--network", f"{near.network.prefix}.8/28")
        answer = run("device", "find", *words, "-o", "json")
        assert (answer.code, address_of(home, "gw-1")) == (1, before)
        assert "installed from one disk" in answer.err
        assert run("device", "edit", "gw-1", "--address", far.root).code == 0
        assert states(run("device", "find", "-o", "json"))["gw-1"] == ("unchanged", far.root)
    finally:
        far("mv /root/ssh_host_ed25519_key* /etc/ssh/; systemctl restart ssh")
        assert far(f"cat {stem}.pub") == kept


def test_what_was_meant_wrongly_or_is_not_there(
    run: Run, pair: list[Gateway], plant: Plant, home: Home
) -> None:
    assert run("device", "find").code == 1
    plant()
    give(pair[0], f"{pair[0].network.prefix}.40")
    words = ("--network", f"{pair[0].network.prefix}.16/28")
    answer = run("device", "find", *words, "-o", "json")
    assert states(answer) == {"gw-1": ("not found", ""), "gw-2": ("unchanged", pair[1].root)}
    assert (answer.code, address_of(home, "gw-1")) == (3, pair[0].root)
    for network in ("0.0.0.0/0", "10.0.0.0/16", "-x"):
        answer = run("device", "find", f"--network={network}")
        assert (answer.code, answer.out) == (2, "")
    answer = run("device", "find", "nobody")
    assert (answer.code, len(answer.err.splitlines())) == (1, 2)
