"""The pure rules of reaching devices: routes, command lines, candidates, kubeconfigs.

If these fail, a word becomes an option of ssh, a device is looked for all over the internet, or a
gateway decides what kubectl runs on a laptop.
"""

from __future__ import annotations

import ipaddress
import shlex
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import Corrupt, Failed, UsageError
from yolodeploy.provision.kubeconfig import SERVER_NAME, authority_of, near_kubeconfig, port_of
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.candidates import MOST, candidates, neighbours_of
from yolodeploy.ssh.children import Answer
from yolodeploy.ssh.command_line import ssh_words
from yolodeploy.ssh.faults import fault
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.route import MOST_HOPS, Route, fingerprint, parse_jump

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDHVE3CpvpmRFERJsgGdKojdOHbOSSBq1yxx8jB+9qak"
KEYS = HostKeys(Path("/home/100%/known_hosts"))


def test_hosts_in_between() -> None:
    assert parse_jump("") == ()
    found = parse_jump("me@first:2222, second,root@[fd00::1]")
    assert [str(hop) for hop in found] == ["me@first:2222", "second", "root@[fd00::1]"]
    for text in ("-oProxyCommand=x", "a,,b", "a;b", "a b", "$(x)"):
        with pytest.raises(UsageError):
            parse_jump(text)
    with pytest.raises(UsageError):
        parse_jump(",".join(["host"] * (MOST_HOPS + 1)))


@given(st.text(max_size=60) | st.from_regex(r"[-@:\[\]a-z0-9=., ]{1,30}"))
def test_no_hop_becomes_an_option_or_a_program(text: str) -> None:
    try:
        hops = parse_jump(text)
    except UsageError:
        return
    for hop in hops:
        assert not hop.host.startswith("-")
        assert not hop.user.startswith("-")
        assert not set(hop.host + hop.user) & set(" \t\n'\"\\$`;|&<>()*?#/=,")


def test_each_hop_is_started_with_our_options_and_asks_nobody() -> None:
    """Taken apart as OpenSSH and the shells do it."""
    route = Route(parse_address("root@[fe80::1%eth0]"), parse_jump("a@one:2222,b@[fe80::2%eth1]"))
    words = ssh_words(route, KEYS, by_password=True)
    expected = [("b", "fe80::2%eth1"), ("a", "one")]
    target, port = "fe80::1%eth0", "22"
    for user, host in expected:
        [proxy] = [word for word in words if word.startswith("-oProxyCommand=")]
        assert words.count("-oStrictHostKeyChecking=accept-new") == 1
        line = proxy.partition("=")[2].replace("%%", "\0").replace("%h", target).replace("%p", port)
        words = shlex.split(line.replace("\0", "%"))
        assert "-oBatchMode=yes" in words, "no hop is told the device's password"
        assert words[words.index("-l") + 1] == user
        assert words[-4:] == ["-W", f"[{target}]:{port}", "--", host]
        assert '-oUserKnownHostsFile="/home/100%%/known_hosts"' in " ".join(words)
        target, port = host, port if "-p" not in words else words[words.index("-p") + 1]
        port = "22"
    assert not any(word.startswith("-oProxyCommand=") for word in words)


def test_a_key_is_pinned_alone_or_it_is_said_that_it_is_not(tmp_path: Path) -> None:
    keys, address = HostKeys(tmp_path / "known_hosts"), parse_address("root@gw:2222")
    keys.pin(address, KEY[:-1] + "q")
    keys.pin(address, KEY)
    assert keys.path.read_text() == f"[gw]:2222 {KEY}\n"
    full = tmp_path / "full"
    full.symlink_to("/dev/full")  # every write fails as on a disk without room
    with pytest.raises(Failed) as raised:
        HostKeys(full).take_over(keys)
    assert raised.value.code == "ssh.no_host_keys"


def test_what_is_said_behind_a_host_in_between_is_told_apart() -> None:
    route = Route(parse_address("root@gw"), parse_jump("me@hop"), host_key=KEY, known_since=1.7e9)
    cut = "kex_exchange_identification: Connection closed by remote host\n" \
        "Connection closed by UNKNOWN port 65535\n"  # fmt: skip
    for said, code, named in (
        ("me@hop: Permission denied (publickey).\n" + cut, "ssh.denied", "me@hop"),
        ("ssh: connect to host hop port 22: Connection refused\n" + cut, "ssh.unreachable", "hop"),
        (
            "channel 0: open failed: connect failed: No route to host\n"
            "stdio forwarding failed\n" + cut,
            "ssh.away",
            "No route to host",
        ),
        ("root@gw: Permission denied (publickey).", "ssh.denied", "gw-1"),
    ):
        error = fault("gw-1", route, Answer(255, "", said), KEYS)
        assert (error.code, named in error.text()) == (code, True), said
    changed = (
        "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n"
        "The fingerprint for the ED25519 key sent by the remote host is\nSHA256:AbC/+9.\n"
        "Host key verification failed."
    )
    error = fault("gw-1", route, Answer(255, "", changed), KEYS)
    assert error.code == "ssh.another_host_key"
    for told in ("SHA256:AbC/+9", fingerprint(KEY), "2023-11-14", "root@gw"):
        assert told in error.text()
    assert "yolodeploy device find gw-1" in error.remedy()
    assert "yolodeploy device find gw-1" in fault("gw-1", route, Answer(255, "", ""), KEYS).remedy()


@given(st.text(max_size=300))
def test_whatever_is_said_is_an_error_of_ours(said: str) -> None:
    route = Route(parse_address("gw"), parse_jump("a,b"), host_key=KEY)
    for code in (said, said + "\nConnection closed by UNKNOWN port 65535"):
        assert fault("gw-1", route, Answer(255, "", code), KEYS).text()


# where to look ------------------------------------------------------------------------------------


def test_neighbours_are_asked_before_strangers() -> None:
    found = candidates("10.0.0.7", ["10.9.9.9", "10.0.0.3", "fe80::1%eth0"])
    assert found[:2] == ["10.9.9.9", "10.0.0.3"]
    assert len(found) == 1 + 254 - 1, "the /24 without the old address, and one from elsewhere"
    assert len(set(found)) == len(found)
    assert candidates("fd00::7", ["10.0.0.3", "fe80::1%eth0", "fd00::9"]) == [
        "fe80::1%eth0", "fd00::9",
    ]  # fmt: skip
    assert candidates("gateway.local", ["10.0.0.3"]) == ["10.0.0.3"]
    assert candidates("10.0.0.7", ["10.0.0.3"], "10.1.0.0/30") == ["10.1.0.1", "10.1.0.2"]


@pytest.mark.parametrize("network", ["10.0.0.0/21", "0.0.0.0/0", "fd00::/64", "x", "10.0.0.0/33"])
def test_no_more_is_asked_than_a_plant_has(network: str) -> None:
    with pytest.raises(UsageError):
        candidates("10.0.0.7", [], network)


@given(st.ip_addresses(), st.lists(st.ip_addresses(), max_size=1500))
def test_candidates_are_bounded_and_of_one_family(
    old: ipaddress.IPv4Address | ipaddress.IPv6Address,
    others: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    found = candidates(str(old), [str(one) for one in others])
    assert len(found) <= MOST
    assert str(old) not in found
    assert {ipaddress.ip_address(one).version for one in found} <= {old.version}


def test_what_ip_neigh_says() -> None:
    text = (
        "198.18.3.11 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE\n"
        "198.18.3.12 dev eth0  FAILED\n"
        "fe80::1 dev eth0 lladdr 02:00:00:00:00:01 router STALE\n"
        "fe80::2 dev $(x) lladdr 02:00:00:00:00:01 STALE\n"
        "-oProxyCommand=x dev eth0 STALE\nff02::1 dev eth0 STALE\n\x1b[2J\n"
    )
    assert neighbours_of(text) == ["198.18.3.11", "fe80::1%eth0"]


@given(st.text(max_size=200))
def test_a_neighbour_is_an_address_whatever_is_said(text: str) -> None:
    for host in neighbours_of(text):
        ipaddress.ip_address(host)


# kubeconfig ---------------------------------------------------------------------------------------

_THEIRS = {
    "clusters": [{"name": "default", "cluster": {
        "server": "https://127.0.0.1:6443", "certificate-authority-data": "Q0E="}}],
    "users": [{"name": "default", "user": {
        "client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}}],
}  # fmt: skip


def test_a_kubeconfig_leads_into_the_tunnel_and_has_nothing_else() -> None:
    theirs = yaml.safe_dump(_THEIRS | {"preferences": {"x": 1}})
    text = near_kubeconfig(theirs, "plant", 40123)
    made = yaml.safe_load(text)
    assert made["clusters"][0]["cluster"] == {
        "server": "https://127.0.0.1:40123", "tls-server-name": SERVER_NAME,
        "certificate-authority-data": "Q0E=",
    }  # fmt: skip
    assert made["users"] == [{"name": "plant", "user": _THEIRS["users"][0]["user"]}]
    assert (made["current-context"], port_of(text), authority_of(text)) == ("plant", 40123, "CA")
    assert port_of("server: https://10.0.0.1:6443") == 0


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "a: &a [*a]", "!!python/object/apply:os.system ['true']", "x" * 70_000,
     "[" * 5000, yaml.safe_dump(_THEIRS).replace("a2V5", "'$(x)'"),
     yaml.safe_dump({**_THEIRS, "users": [{"user": {"exec": {"command": "sh"}}}]})],
    ids=lambda text: text[:12].replace("\n", " ") or "empty",
)  # fmt: skip
def test_a_kubeconfig_that_would_run_something_is_refused(text: str) -> None:
    with pytest.raises(Corrupt):
        near_kubeconfig(text, "plant", 6443)
