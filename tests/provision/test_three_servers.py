"""Three servers keep one cluster, also when one cannot be asked, or is installed anew."""

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
