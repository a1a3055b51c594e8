"""Cut links, killed senders, full disks and strangers, on gateways that run.

If these fail, a bad link means sending for ever, a device runs something else than was sent, or
somebody in between is trusted.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import program, started, together
from tests.gateways.hosts import Gateway
from tests.send.conftest import MB, New, identity, names_on, stage_path, staged_on
from tests.send.test_commands import rows
from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.images.containerd import names_of
from yolodeploy.images.sending.contents import contents
from yolodeploy.images.sending.delivery import Delivered, Delivery, State
from yolodeploy.inventory import operations
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.ops.home import Home
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.command_line import Patience
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.pump import CHUNK
from yolodeploy.ssh.route import Route
from yolodeploy.ssh.sockets import socket_folder

# a link of 8 Mbit/s moves 1 MB a second
SIZE = 3 * MB
_PLACE = Reference("localhost", "brake-disc", "v1")
# what a busy machine does not use up while the link is sound
_SHORT = Patience(connect_s=10, alive_s=1, alive_count=8)
LONG_S = 300.0


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def staged_bytes(gateway: Gateway, path: Path) -> int:
    return int(gateway(f"wc -c <{path} 2>/dev/null || echo 0"))


@contextmanager
def delivery(
    gateway: Gateway, layout: Layout, found: Descriptor, home: Home, tally: Tally | None = None
) -> Iterator[Delivery]:
    """One in this process, which takes a link for dead after eight seconds."""
    with socket_folder() as folder:
        connection = Connection(
            "gateway", Route(parse_address(gateway.root), identity=gateway.key),
            HostKeys(home.host_keys), folder, _SHORT,
        )  # fmt: skip
        try:
            names = names_of(_PLACE, found.digest)
            yield Delivery(layout, contents(layout, found.digest), names, connection,
                           tally or Tally())  # fmt: skip
        finally:
            connection.hang_up()


def test_a_link_that_is_cut_at_half_costs_a_chunk_at_most(
    gateway: Gateway, new: New, layout: Layout, home: Home
) -> None:
    _, found = new(SIZE)
    gateway.network.slow_down("8mbit", 1)
    errors: list[YolodeployError] = []
    tally = Tally(lambda _, again: errors.extend(again))
    with delivery(gateway, layout, found, home, tally) as one:
        plan = one.plan()
        before = gateway.network.bytes_to(1)
        ended: list[Delivered] = []
        thread = threading.Thread(target=lambda: ended.append(one.run(plan)))
        thread.start()
        wait_for(lambda: one.moved_bytes > plan.to_send_bytes / 2)
        gateway.network.set_link(1, "down")
        wait_for(lambda: tally.tell() or bool(errors))
        gateway.network.set_link(1, "up")
        thread.join(LONG_S)
    sent = gateway.network.bytes_to(1) - before
    assert [done.state for done in ended] == [State.SENT]
    assert ended[0].moved_bytes <= plan.to_send_bytes + CHUNK
    # headers are a twentieth; each of a few connections takes some 10 kB
    assert sent <= 1.06 * (plan.to_send_bytes + CHUNK) + 100_000
    assert errors[0].exit_code == 3


def test_a_session_that_is_killed_is_taken_up_at_once(
    gateway: Gateway, new: New, layout: Layout, home: Home
) -> None:
    name, found = new(SIZE)
    gateway.network.slow_down("8mbit", 1)
    path = stage_path(layout, found)
    # the gateway itself does it: logging in takes a part of the narrow link, and may come too late
    gateway(
        f"systemd-run --quiet sh -c 'until [ $(stat -c %s {path} || echo 0) -gt {SIZE // 3} ]; "
        'do sleep 0.05; done; pkill -9 -f "^sshd: root@notty"\''
    )
    process = started("image", "send", name, gateway.root, *identity(gateway), home=home.root)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert b"trying again" in err
    assert f"localhost/{name}" in names_on(gateway)


@pytest.mark.parametrize("flipped", [False, True], ids=["", "and a byte of it flips"])
def test_a_sender_that_is_killed_goes_on_when_it_is_typed_again(
    gateway: Gateway, new: New, layout: Layout, home: Home, flipped: bool
) -> None:
    name, found = new(SIZE)
    gateway.network.slow_down("8mbit", 1)
    words = ["image", "send", name, gateway.root, *identity(gateway), "-o", "json"]
    path = stage_path(layout, found)
    half = f"until [ $(stat -c %s {path} || echo 0) -gt {SIZE // 2} ]; do sleep 0.05; done"
    # the gateway itself looks: logging in takes a part of the narrow link, and may come too late
    with ThreadPoolExecutor(1) as beside:
        looking = beside.submit(gateway, f"{half} 2>/dev/null")
        process = started(*words, home=home.root)
        looking.result()
        process.kill()
    process.communicate()
    gateway.network.speed_up(1)
    if flipped:
        gateway(f"printf XYZ | dd of={path} bs=1 seek=100000 conv=notrunc 2>/dev/null")
    answer = program(*words, home=home.root)
    row = rows(answer)[0]
    sent, staged = int(str(row["moved_bytes"])), int(str(row["staged_bytes"]))
    assert row["state"] == "sent"
    assert staged > SIZE // 2
    if flipped:
        assert "not what was sent" in answer.err
        assert sent > SIZE, "it was sent again, and whole"
    else:
        assert sent <= int(str(row["to_send_bytes"])) + CHUNK
    assert f"localhost/{name}" in names_on(gateway)
    assert staged_on(gateway) == []


def test_ctrl_c_is_heard_at_once_and_what_went_stays(
    gateway: Gateway, new: New, layout: Layout, home: Home
) -> None:
    name, found = new(SIZE)
    gateway.network.slow_down("2mbit", 1)
    process = started("image", "send", name, gateway.root, *identity(gateway), home=home.root)
    path = stage_path(layout, found)
    wait_for(lambda: staged_bytes(gateway, path) > 0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert staged_bytes(gateway, path) > 0
    with read_inventory(home.inventory) as inventory:
        assert operations.list_operations(inventory)[0].state is OperationState.CANCELLED


def test_two_at_once_to_the_same_device(gateway: Gateway, new: New, home: Home) -> None:
    name, _ = new(SIZE)
    line = ["image", "send", name, gateway.root, *identity(gateway)]
    answers = together([line, line, line], home.root)
    assert [answer.code for answer in answers] == [0, 0, 0], [answer.err for answer in answers]
    assert f"localhost/{name}" in names_on(gateway)
    assert staged_on(gateway) == []


def test_a_disk_without_room_is_told_beforehand(run: Run, gateway: Gateway, new: New) -> None:
    name, _ = new(SIZE)
    stage = "/root/.cache/yolodeploy/images"
    gateway(f"mkdir -p {stage} && mount -t tmpfs -o size=1m tmpfs {stage}")
    answer = run("image", "send", name, gateway.root, *identity(gateway), "-o", "json")
    assert rows(answer, 1)[0]["error"] == "send.no_room"
    assert staged_on(gateway) == []


def test_a_disk_that_fills_up_meanwhile(
    gateway: Gateway, new: New, layout: Layout, home: Home
) -> None:
    _, found = new(SIZE)
    stage = "/root/.cache/yolodeploy/images"
    gateway(f"mkdir -p {stage} && mount -t tmpfs -o size=8m tmpfs {stage}")
    with delivery(gateway, layout, found, home) as one:
        plan = one.plan()
        gateway(f"head -c 7m /dev/zero >{stage}/other")
        with pytest.raises(Failed) as caught:
            one.run(plan)
        assert caught.value.code == "containerd.disk_full"
        gateway(f"rm {stage}/other")
        assert one.run(plan).state is State.SENT


def test_a_changed_host_key_stops_that_device_until_a_person_says_so(
    run: Run, both: list[Gateway], gateway: Gateway, new: New
) -> None:
    name, _ = new()
    other = both[1]
    where = [gateway.root, other.root, *identity(gateway)]
    assert run("image", "send", name, *where, "--dry-run").code == 0, "pinned at first contact"
    other("rm /etc/ssh/ssh_host_*; ssh-keygen -A >/dev/null; systemctl restart ssh")
    wait_for(other.answers)
    answer = run("image", "send", name, *where, "-o", "json")
    assert [row["error"] for row in rows(answer, 1)] == ["", "ssh.host_key_changed"]
    assert f"localhost/{name}" not in names_on(other)
    remedy = next(line for line in answer.err.splitlines() if "ssh-keygen" in line)
    command = shlex.split(remedy.partition("anew: ")[2])
    assert command[0] == "ssh-keygen"
    subprocess.run(command, check=True, capture_output=True)
    assert run("image", "send", name, *where).code == 0


def test_a_user_needs_sudo_for_containerd_and_no_more(run: Run, gateway: Gateway, new: New) -> None:
    name, _ = new()
    gateway(
        "id technician 2>/dev/null || useradd -m -s /bin/bash technician; "
        "install -d -o technician -m 700 /home/technician/.ssh; "
        "install -o technician -m 600 /root/.ssh/authorized_keys /home/technician/.ssh/; "
        "(echo 'echo welcome'; cat /etc/skel/.bashrc) >/home/technician/.bashrc"
    )
    technician = gateway.root.replace("root", "technician")
    words = ["image", "send", name, technician, *identity(gateway), "-o", "json"]
    answer = run(*words)
    assert rows(answer, 1)[0]["error"] == "containerd.no_rights"
    gateway("echo 'technician ALL=(root) NOPASSWD: /usr/bin/ctr' >/etc/sudoers.d/technician")
    assert rows(run(*words))[0]["state"] == "sent"
    assert f"localhost/{name}" in names_on(gateway)


def test_a_password_lets_us_in_also_detached_and_is_kept_nowhere(
    run: Run, gateway: Gateway, new: New, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = "correct horse"
    gateway(
        f"id typist 2>/dev/null || useradd -m typist; echo 'typist:{password}' | chpasswd; "
        "echo 'typist ALL=(root) NOPASSWD: /usr/bin/ctr' >/etc/sudoers.d/typist"
    )
    monkeypatch.setattr("yolodeploy.cli.plays._typed", lambda _what: password)
    where = [gateway.root.replace("root", "typist"), "--ask-password"]
    (first, _), (second, _) = new(), new()
    assert rows(run("image", "send", first, *where, "-o", "json"))[0]["state"] == "sent"
    started_ = run("image", "send", second, *where, "--detach", "-o", "name")
    assert run("operations", "follow", started_.out.strip()).code == 0
    assert {f"localhost/{first}", f"localhost/{second}"} <= names_on(gateway)
    kept = [path for path in home.root.rglob("*") if path.is_file() and not path.is_fifo()]
    assert not [path for path in kept if password.encode() in path.read_bytes()]
