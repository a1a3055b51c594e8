"""Gateways as they were before; whatever was left of k3s, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.gateways.hosts import Gateway
from tests.provision.ansible import Inventory, Played
from tests.provision.conftest import kubectl

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Play = Callable[..., Played]
MEANT = {"reset_confirm": "site"}
# what the system itself, and Debian's containerd, write while they run
ELSEWHERE = (
    "/proc /sys /tmp /var/tmp /run/systemd /run/containerd /opt/containerd /var/lib/containerd "
    "/var/log/journal /var/cache"
)
LISTED = (
    f"find / /run /var/lib -xdev \\( -path {ELSEWHERE.replace(' ', ' -o -path ')} \\) -prune "
    "-o -printf '%p %y %l %m\\n' | sort"
)
RULES = "iptables-save | grep -v '^[#:]' | sort; iptables-save | grep -o '^:[A-Z-]*' | sort"
LINKS = (
    "ip -o link | cut -d: -f2 | sort; ip netns list | cut -d' ' -f1 | sort; grep -c . /proc/mounts"
)
# a container engine of the plant's own, with names and rules like those of k3s
FOREIGN = """
ip link add docker0 type bridge; ip link set docker0 up
ip netns add cni-plant; ip -n cni-plant link add eth0 type dummy
iptables -t nat -N DOCKER; iptables -t nat -A PREROUTING -j DOCKER
iptables -t nat -N CNI-0123456789abcdef01234567
iptables -t nat -A CNI-0123456789abcdef01234567 -m comment --comment 'name: "plant"' -j ACCEPT
iptables -t nat -A POSTROUTING -s 10.9.0.2/32 -m comment --comment 'name: "plant" id: "x"' \
  -j CNI-0123456789abcdef01234567
iptables -t nat -N CNI-HOSTPORT-DNAT; iptables -t nat -A PREROUTING -j CNI-HOSTPORT-DNAT
iptables -A INPUT -s 192.0.2.0/24 -m comment --comment 'not KUBE- nor flannel' -j DROP
mkdir -p /etc/cni/net.d /var/lib/cni/networks/plant /srv/disk /var/lib/rancher/k3s/storage
echo '{}' >/etc/cni/net.d/10-plant.conflist; echo x >/var/lib/cni/networks/plant/10.9.0.2
ln -s /usr/bin/true /usr/local/bin/crictl
"""


class Way(NamedTuple):
    """What was on both gateways before, and after; and what the plays printed."""

    before: list[dict[str, str]]
    after: list[dict[str, str]]
    told: Played
    again: Played


def seen(gateway: Gateway) -> dict[str, str]:
    """Files, rules, interfaces and mounts."""
    return {"files": gateway(LISTED), "rules": gateway(RULES), "links": gateway(LINKS)}


@pytest.fixture(scope="module")
def way(two: list[Gateway], run_play: Play) -> Way:
    """A site beside a foreign container engine, a dry run, the reset, and one more."""
    for one in two:
        one(FOREIGN)
    # what a first look at a gateway leaves for good
    run_play("preflight.yml").well()
    before = [seen(one) for one in two]
    run_play("site.yml").well()
    dry = run_play("reset.yml", "--check", **MEANT).well()
    assert dry.total("changed") == 2
    assert kubectl(two[0], "get nodes -o name").count("node/") == 2, "a dry run took something away"
    told = run_play("reset.yml", **MEANT).well()
    after = [seen(one) for one in two]
    return Way(before, after, told, run_play("reset.yml", **MEANT).well())


@pytest.mark.parametrize("what", ["files", "rules", "links"])
def test_each_gateway_is_as_it_was(way: Way, what: str) -> None:
    """What stays would be in the way of the next site, or of whoever owns the gateway."""
    for before, after in zip(way.before, way.after, strict=True):
        # the folder for a disk of the plant's own is k3s's: it goes when it is empty
        expected = [line for line in before[what].splitlines() if "/var/lib/rancher" not in line]
        assert after[what].splitlines() == expected


def test_nothing_of_it_runs(way: Way, two: list[Gateway]) -> None:
    for one in two:
        units = one("systemctl list-units --all --no-legend | grep -v not-found")  # asked for only
        assert "k3s" not in one("ps -e -o args") + units
        assert one("systemctl is-active containerd") == "active", "the plant's own containerd"


def test_a_second_reset_changes_nothing(way: Way) -> None:
    assert way.told.total("changed") == 2
    assert way.again.total("changed") == 0


def test_nobody_resets_by_mistake(way: Way, run_play: Play) -> None:
    refused = run_play("reset.yml", reset_confirm="another")
    assert refused.code == 2 and refused.total("changed") == 0
    assert "what the site holds would be lost" in refused.output


def test_what_is_left_of_a_broken_one_goes_too(
    way: Way, two: list[Gateway], run_play: Play
) -> None:
    """Half an installation: no unit, no program, a process that lost both, a mount that is busy."""
    one = two[0]
    one("""
        mkdir -p /var/lib/rancher/k3s/data/x/bin /run/k3s /var/lib/kubelet/pods/x/volumes/y
        cp /bin/sleep /var/lib/rancher/k3s/data/x/bin/containerd-shim-runc-v2
        nohup /var/lib/rancher/k3s/data/x/bin/containerd-shim-runc-v2 100000 >/dev/null 2>&1 &
        mount -t tmpfs tmpfs /var/lib/kubelet/pods/x/volumes/y
        echo secret >/srv/disk/kept; mkdir -p /var/lib/rancher/k3s/storage
        mount --bind /srv/disk /var/lib/rancher/k3s/storage
        echo '/srv/disk /var/lib/rancher/k3s/storage none bind 0 0' >>/etc/fstab
        ln -s /nowhere/k3s.service /etc/systemd/system/multi-user.target.wants/k3s.service
        nohup sh -c 'cd /var/lib/kubelet/pods/x/volumes/y && exec sleep 100000' >/dev/null 2>&1 &
    """)  # fmt: skip
    told = run_play("reset.yml", **MEANT).well()
    assert one("cat /srv/disk/kept") == "secret", "a disk of the system's own was emptied"
    assert "a disk is mounted there" in told.output
    left = "ls -d /var/lib/kubelet /run/k3s /etc/systemd/system/*.wants/k3s.service 2>/dev/null"
    assert one(left, fails=True) == ""
    assert "containerd-shim" not in one("ps -e -o args")
    one("umount /var/lib/rancher/k3s/storage; : >/etc/fstab")
    assert run_play("reset.yml", **MEANT).well().total("failed") == 0


def test_one_gateway_leaves_a_site_that_lives_on(
    way: Way, two: list[Gateway], run_play: Play, inventory: Inventory
) -> None:
    """And may come back under its own name, which k3s refuses while its old password is known."""
    server, agent = (inventory.names[one.number] for one in two)
    run_play("site.yml").well()
    left = run_play("reset.yml", "--limit", agent, **MEANT).well()
    assert left.recap[agent]["changed"] == 2
    assert kubectl(two[0], "get nodes -o name") == f"node/{server}"
    secrets = kubectl(two[0], "get secrets --namespace kube-system -o name")
    assert f"{agent}.node-password" not in secrets
    back = run_play("site.yml", "--limit", agent).well()
    assert kubectl(two[0], "get nodes -o name").count("node/") == 2
    assert list(back.recap) == [agent]


def test_a_dead_server_keeps_no_gateway(
    way: Way, two: list[Gateway], run_play: Play, inventory: Inventory
) -> None:
    """The site is down, or somewhere else, and the gateway is needed for another."""
    two[0].network.set_link(1, "down")
    try:
        away: dict[str, Any] = {"ansible_timeout": 5}
        told = run_play("reset.yml", "--limit", inventory.names[two[1].number], **MEANT, **away)
    finally:
        two[0].network.set_link(1, "up")
    assert told.code == 0, told.output
    assert two[1]("ls /usr/local/bin") == "crictl"
