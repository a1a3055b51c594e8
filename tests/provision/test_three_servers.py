"""Three servers keep one cluster: when one cannot be asked, is installed anew, or all are restored.

The tests go through one site in order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateways.hosts import Gateway, gateways
from tests.provision.ansible import Inventory, Played, play
from tests.provision.conftest import kubectl, of_parts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Run = Callable[..., Played]


@pytest.fixture(scope="module")
def three() -> Iterator[list[Gateway]]:
    """Bare gateways."""
    with gateways(3) as found:
        yield found


@pytest.fixture(scope="module")
def hosts(three: list[Gateway], tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """All of them servers."""
    return Inventory(tmp_path_factory.mktemp("ansible"), three)


@pytest.fixture(scope="module")
def run(hosts: Inventory, site_parts: Path) -> Run:
    """`run("site.yml", "--limit", NAME)`."""

    def with_parts(playbook: str, *args: str, **variables: Any) -> Played:
        return play(playbook, hosts, *args, **{**of_parts(site_parts), **variables})

    return with_parts


def members(server: Gateway) -> int:
    """How many nodes this server's cluster has."""
    return kubectl(server, "get nodes -o name").count("node/")


def test_three_servers_are_one_cluster_and_stay_it(
    three: list[Gateway], hosts: Inventory, run: Run
) -> None:
    """Two that each began one would be two sites under one name.

    That a first server which lost everything joins the others is in test_roles: the double's other
    servers have no cluster without it.
    """
    # one of them cannot be asked yet: nobody knows whether it has the cluster
    three[2].network.set_link(3, "down")
    early = run("site.yml", ansible_timeout=5)
    three[2].network.set_link(3, "up")
    assert "may have the cluster and cannot be asked" in early.output
    assert "the tokens cannot be read from the server" in early.output
    run("site.yml").well()
    assert [members(one) for one in three] == [3, 3, 3]

    last = hosts.names[three[2].number]
    run("reset.yml", "--limit", last, reset_confirm="site").well()
    assert [members(one) for one in three[:2]] == [2, 2]
    run("site.yml", "--limit", last).well()
    assert [members(one) for one in three] == [3, 3, 3]
    assert run("site.yml").well().total("changed") == 0


# as a person leaves it who installs the system anew, but for the key that it shows
_ANEW = """systemctl disable --now k3s; k3s-killall.sh; pkill -9 -f /usr/local/bin/k3s
rm -rf /var/lib/rancher /etc/rancher /var/lib/yolodeploy /etc/systemd/system/k3s* /usr/local/bin/k3s
systemctl daemon-reload"""


def ready(server: Gateway) -> dict[str, bool]:
    """Which nodes are ready, as this server's cluster has it."""
    items = json.loads(kubectl(server, "get nodes -o json"))["items"]
    return {
        item["metadata"]["name"]: any(
            one["type"] == "Ready" and one["status"] == "True"
            for one in item["status"]["conditions"]
        )
        for item in items
    }


def test_a_backup_brings_back_three_servers_of_which_one_was_replaced(
    three: list[Gateway], hosts: Inventory, run: Run, tmp_path: Path
) -> None:
    """The backup knows another password of that one; without it the site had two servers left."""
    names = [hosts.names[one.number] for one in three]
    run("site.yml").well()  # where this test is alone nobody has made a cluster yet
    assert ready(three[0]) == dict.fromkeys(names, True)
    kubectl(three[0], "create configmap kept --from-literal=a=b -n default")
    kept = {"backup_folder": str(tmp_path), "site_name": "plant"}
    run("backup.yml", **kept).well()
    (file,) = tmp_path.glob("plant-*.tar.gz")

    three[2](_ANEW, fails=True)
    run("replace.yml", "--limit", ",".join(names), replace_devices=[names[2]]).well()
    assert ready(three[0]) == dict.fromkeys(names, True)
    kubectl(three[0], "create configmap late --from-literal=a=b -n default")

    run("restore.yml", restore_file=str(file), **kept).well()
    assert [members(one) for one in three] == [3, 3, 3]
    for one in three:
        found = kubectl(one, "get configmap -n default -o name")
        assert ("configmap/kept" in found, "configmap/late" in found) == (True, False)
    # k3s asks for the password whenever it starts
    three[2]("systemctl restart k3s")
    for name in names:
        kubectl(three[0], f"wait node/{name} --for=condition=Ready --timeout=300s")
    assert run("site.yml").well().total("changed") == 0
