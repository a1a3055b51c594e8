"""What goes wrong on gateways: each ends in one line that names the gateway and what mends it.

If these fail, a technician stands before a gateway with a traceback, or with nothing at all.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gateways.hosts import Gateway
from tests.provision.playing import Heard, command, host, play, run
from tests.sites.parts import until
from yolodeploy.core.errors import YolodeployError
from yolodeploy.provision.acquaintance import look_at
from yolodeploy.provision.bringing import THERE, Bringing
from yolodeploy.provision.parts import Part
from yolodeploy.provision.play import Host, Outcome, State, Step
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.sockets import socket_folder

MB = 1 << 20


@contextmanager
def connected(one: Host, folder: Path) -> Iterator[Connection]:
    assert one.route is not None
    with socket_folder() as sockets:
        connection = Connection(one.name, one.route, HostKeys(folder / "known_hosts"), sockets)
        try:
            yield connection
        finally:
            connection.close()


def refusal(one: Host, folder: Path) -> YolodeployError:
    """Why a first look at a gateway is no good."""
    with connected(one, folder) as connection, pytest.raises(YolodeployError) as found:
        look_at(connection)
    assert found.value.remedy()
    return found.value


def failure(outcome: Outcome, name: str) -> Step:
    """The step that failed on one host; it says what mends it."""
    [failed] = [end.failed for end in outcome.hosts if end.host == name]
    assert failed is not None
    assert len(failed.said.splitlines()) == 1
    return failed


WRITE = [{"name": "Write", "ansible.builtin.copy": {"dest": "/root/x", "content": "y" * 100_000}}]


def test_sudo_that_wants_a_terminal(two: list[Gateway], tmp_path: Path) -> None:
    two[0].add_user("person", tty=True)
    one = host(two[0], user="person")
    assert refusal(one, tmp_path).code == "play.sudo_tty"
    outcome = run(play(tmp_path, [one], [command("Look", "id")], become=True))
    assert failure(outcome, "gw-1").code == "play.sudo_tty"


def test_sudo_that_wants_a_password_or_is_not_allowed(two: list[Gateway], tmp_path: Path) -> None:
    two[0].add_user("helper", password="x-1-y")
    one = host(two[0], user="helper")
    assert refusal(one, tmp_path).code == "play.sudo_password_missing"
    outcome = run(play(tmp_path, [one], [command("Look", "id")], become=True))
    assert failure(outcome, "gw-1").code == "play.sudo_password_missing"
    two[0]("rm /etc/sudoers.d/helper")
    assert refusal(one, tmp_path).code in ("play.sudo_forbidden", "play.sudo_password_missing")


def test_no_python(two: list[Gateway], tmp_path: Path) -> None:
    two[0]("mkdir /opt/away; mv /usr/bin/python3* /opt/away")
    try:
        error = refusal(host(two[0]), tmp_path)
        outcome = run(play(tmp_path, [host(one) for one in two], [command("Look", "id")]))
    finally:
        two[0]("mv /opt/away/* /usr/bin; rmdir /opt/away")
    assert error.code == "play.no_python"
    assert failure(outcome, "gw-1").code == "play.no_python"
    assert outcome.done == ("gw-2",)


def test_a_tmp_where_nothing_can_be_run_is_no_hindrance(two: list[Gateway], tmp_path: Path) -> None:
    two[0]("mount -t tmpfs -o noexec,nosuid tmpfs /tmp")
    try:
        outcome = run(play(tmp_path, [host(two[0])], [command("Look", "id"), *WRITE]))
    finally:
        two[0]("umount /tmp; rm -f /root/x")
    assert outcome.done == ("gw-1",)


@pytest.mark.parametrize(
    ("options", "code"), [("size=16k", "play.disk_full"), ("ro", "play.no_temporary")]
)
def test_a_disk_that_takes_nothing(
    two: list[Gateway], tmp_path: Path, options: str, code: str
) -> None:
    two[0](f"mkdir -p /root/.ansible; mount -t tmpfs -o {options} tmpfs /root/.ansible")
    try:
        outcome = run(play(tmp_path, [host(one) for one in two], WRITE))
    finally:
        two[0]("umount /root/.ansible")
    assert failure(outcome, "gw-1").code == code
    assert outcome.done == ("gw-2",)


def test_an_address_of_ipv6_with_its_zone(two: list[Gateway], tmp_path: Path) -> None:
    """Ansible has forms of its own for addresses; ours go to OpenSSH as they are."""
    found = re.search(r"inet6 (fe80::\S+)/", two[0]("ip -6 addr show dev host0"))
    if found is None:
        pytest.skip("no IPv6 here")
    there = host(two[0])
    assert there.route is not None
    address = parse_address(f"root@[{found[1]}%{two[0].network.name}]")
    moved = there._replace(route=there.route._replace(address=address))
    outcome = run(play(tmp_path, [moved], [command("Look", "id"), *WRITE]))
    two[0]("rm -f /root/x")
    assert outcome.done == ("gw-1",)


def test_another_key_and_another_host_key(two: list[Gateway], tmp_path: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True
    )
    good = host(two[0])
    assert good.route is not None
    wrong = good._replace(route=good.route._replace(identity=tmp_path / "other"))
    taken = host(two[1])._replace(
        route=good.route._replace(host_key=two[1].machine.host_key), name="gw-2"
    )
    assert refusal(wrong, tmp_path).code == "ssh.denied"
    outcome = run(play(tmp_path, [wrong, taken], [command("Look", "id")]))
    assert failure(outcome, "gw-1").code == "ssh.denied"
    assert failure(outcome, "gw-2").code == "ssh.another_host_key"


def test_one_that_is_restarted_in_the_middle(two: list[Gateway], tmp_path: Path) -> None:
    """It fails, the others go on, and afterwards the same play does the rest."""
    again = threading.Thread(target=two[1].reboot)

    def at(step: Step) -> None:
        if step.task == "Work" and step.host == "gw-2" and step.state is State.RUNNING:
            again.start()

    tasks = [
        command("Work", "sleep", "{{ '120' if inventory_hostname == 'gw-2' else '0' }}"),
        command("Go on", "true"),
    ]
    hosts = [host(one) for one in two]
    heard = Heard(at)
    outcome = run(play(tmp_path, hosts, tasks), heard)
    assert failure(outcome, "gw-2").state in (State.FAILED, State.UNREACHABLE)
    assert heard.ended("gw-1")[-1] == ("Go on", "changed")
    again.join()
    outcome = run(play(tmp_path, hosts, tasks[1:]))
    assert outcome.done == ("gw-1", "gw-2")


def part(folder: Path, size: int, arch: str = "") -> Part:
    import hashlib
    import os

    path = folder / f"part-{size}.tar"
    path.write_bytes(os.urandom(size))
    return Part("images", path, size, hashlib.sha256(path.read_bytes()).hexdigest(), arch)


def test_parts_go_on_where_the_link_was_cut(two: list[Gateway], tmp_path: Path) -> None:
    one, gateway = host(two[0]), two[0]
    gateway.network.slow_down("20mbit", 1)
    wanted = part(tmp_path, 12 * MB)
    stage = f"/root/.cache/yolodeploy/parts/{wanted.digest}"
    try:
        with connected(one, tmp_path) as connection:
            bringing = Bringing([wanted], "")
            begun = gateway.network.bytes_to(1)

            def cut() -> None:
                until(lambda: gateway.network.bytes_to(1) > begun + 2 * MB, "some of it is there")
                connection.hang_up()

            cutter = threading.Thread(target=cut)
            cutter.start()
            with pytest.raises(YolodeployError):
                bringing.to(one, connection, lambda _text: None)
            cutter.join()
        there = int(gateway(f"stat -c %s {stage}"))
        before = gateway.network.bytes_to(1)
        with connected(one, tmp_path) as connection:
            bringing.to(one, connection, lambda _text: None)
            assert gateway.network.bytes_to(1) - before < 12 * MB - there + 2 * MB
            moved = gateway.network.bytes_to(1)
            bringing.to(one, connection, lambda _text: None)
            assert gateway.network.bytes_to(1) - moved < MB // 4, "what is right is not sent again"
    finally:
        gateway.network.speed_up(1)
    assert 0 < there < 12 * MB
    path = f"{THERE}/images/{wanted.path.name}"
    assert gateway(f"sha256sum <{path} | cut -c1-64; stat -c '%U %a' {path}; ls {stage}",
                   fails=True).split() == [wanted.digest, "root", "644"]  # fmt: skip
    gateway(f"rm -r {THERE} /root/.cache")


def test_parts_for_which_there_is_no_room_or_that_are_for_another_processor(
    two: list[Gateway], tmp_path: Path
) -> None:
    one, gateway = host(two[0]), two[0]
    wanted = part(tmp_path, 3 * MB)
    gateway("mkdir -p /root/.cache; mount -t tmpfs -o size=1m tmpfs /root/.cache")
    try:
        with connected(one, tmp_path) as connection, pytest.raises(YolodeployError) as full:
            Bringing([wanted], "").to(one, connection, lambda _text: None)
    finally:
        gateway("umount /root/.cache")
    assert full.value.code == "play.no_room"
    other = wanted._replace(role="k3s", arch="arm64")
    with connected(one, tmp_path) as connection, pytest.raises(YolodeployError) as foreign:
        Bringing([other], "").to(one, connection, lambda _text: None)
    assert foreign.value.code == "play.parts_arch"
    assert gateway(f"ls {THERE}", fails=True) == "", "nothing was touched"
