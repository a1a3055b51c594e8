"""Three servers keep one cluster, also when the first of them is installed anew."""

from __future__ import annotations

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
    """A first server that was lost and comes back empty would begin a cluster of its own."""
    first = hosts.names[three[0].number]
    # one of them cannot be asked yet: nobody knows whether it has the cluster
    three[2].network.set_link(3, "down")
    early = run("site.yml", ansible_timeout=5)
    three[2].network.set_link(3, "up")
    assert "may have the cluster and cannot be asked" in early.output
    assert "the tokens cannot be read from the server" in early.output
    run("site.yml").well()
    assert [members(one) for one in three] == [3, 3, 3]

    run("reset.yml", "--limit", first, reset_confirm="site").well()
    assert [members(one) for one in three[1:]] == [2, 2]
    alone = run("site.yml", "--limit", first)
    assert alone.code == 2 and "may have the cluster and cannot be asked" in alone.output
    run("site.yml").well()
    assert [members(one) for one in three] == [3, 3, 3]
    assert "cluster-init: true" not in three[0]("cat /etc/rancher/k3s/config.yaml")
    assert run("site.yml").well().total("changed") == 0
