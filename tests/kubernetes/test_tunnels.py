"""A k3s site whose port 6443 is closed: a gateway with sshd, the double of its API behind it.

If these fail, rollouts need 6443 open to everybody, or trust whoever answers at a port.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.gateways.hosts import Gateway
from tests.kubernetes.doors import TOKEN, Door, account_for, door_at, signed
from tests.kubernetes.double import Cluster
from tests.kubernetes.parts import Bench, release
from tests.sites.parts import until
from tests.ssh.conftest import Plant, pair, plant  # noqa: F401 (fixtures)
from yolodeploy.core.errors import Unreachable, YolodeployError
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.sites import get_site
from yolodeploy.ops.connect import account_file
from yolodeploy.ops.home import Home
from yolodeploy.ops.shipped import shipped
from yolodeploy.ops.ways import K3sWay
from yolodeploy.sites.kubernetes.site import KubernetesSite


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return signed(tmp_path, "kubernetes")


@pytest.fixture
def door(
    pair: list[Gateway],  # noqa: F811
    double: Cluster,
    certificate: Path,
) -> Iterator[Door]:
    """The first gateway's API."""
    with door_at(pair[0], double, certificate) as found:
        yield found


Account = Callable[[Path], None]


@pytest.fixture
def account(home: Home, pair: list[Gateway]) -> Account:  # noqa: F811
    """Makes the kubeconfig that `site account` would, by an authority."""

    def make(authority: Path) -> None:
        file = account_file(home, "plant")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(account_for(pair[0], authority))

    return make


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_rollout_goes_through_ssh_and_on_after_a_cut(
    home: Home,
    plant: Plant,  # noqa: F811
    door: Door,
    double: Cluster,
    account: Account,
    certificate: Path,
    pair: list[Gateway],  # noqa: F811
    run: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    plant()
    account(certificate)
    site = KubernetesSite(
        "plant", K3sWay(home, "plant", ""), home.layout, shipped("k3s"), lambda _: "edge.local/app"
    )
    bench = Bench(site, double)
    fence = bench.commit(release(1))
    commit = bench.trial(release(2), release(1), 3600.0, fence)
    # the link is cut in the middle of it, and nobody but us opens it again
    pair[0]("pkill -9 -f '^sshd: root@notty' || pkill -9 -f '^sshd: root'", fails=True)

    def again() -> bool:
        try:
            site.apply(commit, fence)
        except YolodeployError as error:
            assert error.retryable, error.text()
            assert "gw-1" in error.text() or "plant" in error.text()
            return False
        return True

    bench_settled = until(lambda: _settled(bench), "it is settled behind the tunnel")
    assert bench_settled
    until(again, "what was asked for is done")
    assert run("status", "--refresh").out.count("edge-1") == 1
    line = run("logs", "--site", "plant").out
    assert "plant/edge-1 one" in line

    # another's certificate, behind the same port
    (tmp_path / "stranger").mkdir()
    door.show(signed(tmp_path / "stranger", "kubernetes"))
    site.connection.close()
    with pytest.raises(Unreachable, match="certificate"):
        site.observe()
    # the right authority, and another's name
    door.show(signed(tmp_path, "elsewhere"))
    account(tmp_path / "elsewhere.pem")
    site.connection.close()
    with pytest.raises(Unreachable, match="ostname"):
        site.observe()
    # the token was taken away, and a new account made
    door.show(certificate)
    account(certificate)
    double.token = "dd.ee.ff"
    site.connection.close()
    with pytest.raises(Unreachable) as told:
        site.observe()
    assert told.value.code == "kubernetes.account_over"
    assert told.value.remedy() == "yolodeploy site account plant"
    file = account_file(home, "plant")
    file.write_text(file.read_text().replace(TOKEN, double.token))
    assert site.observe().devices


def _settled(bench: Bench) -> bool:
    try:
        bench.settled(release(2))
    except YolodeployError as error:
        assert error.retryable, error.text()
        return False
    return True


def test_the_way_is_stored_and_never_means_never(home: Home, double: Cluster, run: Run) -> None:  # noqa: F811
    from yolodeploy.inventory import sites

    with open_inventory(home.inventory) as inventory:
        sites.add_site(inventory, "plant", "k3s", "", at=0.0)
        sites.add_site(inventory, "here", "embedded", "x", at=0.0)
    assert run("site", "tunnel", "plant", "--use", "always", "--dry-run").code == 0
    for use, stored in (("always", "ssh"), ("never", "direct"), ("auto", "")):
        assert run("site", "tunnel", "plant", "--use", use).code == 0
        with read_inventory(home.inventory) as inventory:
            assert get_site(inventory, "plant").location == stored
    assert run("site", "tunnel", "here", "--use", "always").code == 1
    # nobody listens at the port, and there is no gateway to go through
    account_file(home, "plant").parent.mkdir(parents=True)
    double.kubeconfig(account_file(home, "plant"))
    double.__exit__()
    for use, word in (("never", "does not answer"), ("always", "no device that is a server")):
        assert run("site", "tunnel", "plant", "--use", use).code == 0
        told = run("logs", "--site", "plant")
        assert told.code != 0
        assert word in told.err
