"""A k3s site whose port 6443 is closed: a gateway with sshd, the double of its API behind it.

If these fail, rollouts need 6443 open to everybody, or trust whoever answers at a port.
"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.gateways.hosts import Gateway
from tests.kubernetes.double import Cluster
from tests.kubernetes.parts import Bench, release
from tests.sites.parts import until
from tests.ssh.conftest import Plant, pair, plant, wait_for  # noqa: F401 (fixtures)
from yolodeploy.core.errors import Unreachable, YolodeployError
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.sites import get_site
from yolodeploy.ops.connect import account_file
from yolodeploy.ops.home import Home
from yolodeploy.ops.shipped import shipped
from yolodeploy.ops.ways import K3sWay
from yolodeploy.sites.kubernetes.site import KubernetesSite

TOKEN = "aa.bb.cc"
# a k3s server's port, which leads to the double
_FORWARD = """python3 -c '
import socket, threading
def carry(a, b):
    while (piece := a.recv(65536)):
        b.sendall(piece)
    b.shutdown(1)
here = socket.create_server(("127.0.0.1", 6443))
while True:
    near, far = here.accept()[0], socket.create_connection(("{host}", {port}))
    threading.Thread(target=carry, args=(near, far), daemon=True).start()
    threading.Thread(target=carry, args=(far, near), daemon=True).start()
'"""


def signed(folder: Path, name: str) -> Path:
    """A certificate that is its own authority, for a name; the key is beside it."""
    file = folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", str(file.with_suffix(".key")), "-out", str(file)],
        check=True, capture_output=True,
    )  # fmt: skip
    return file


class Door:
    """A TLS port before a double, as a k3s server has one; `certificate` is whose it shows."""

    def __init__(self, host: str, double: Cluster, certificate: Path) -> None:
        self._to = ("127.0.0.1", int(double.address.rpartition(":")[2]))
        self.show(certificate)
        self._door = socket.create_server((host, 0))
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._stand, daemon=True).start()

    def show(self, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, certificate.with_suffix(".key"))

    def close(self) -> None:
        self._door.close()

    def _stand(self) -> None:
        while True:
            try:
                plain, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._let_in, args=(plain,), daemon=True).start()

    def _let_in(self, plain: socket.socket) -> None:
        try:
            near = self._context.wrap_socket(plain, server_side=True)
            far = socket.create_connection(self._to)
        except OSError:
            plain.close()
            return
        threading.Thread(target=_carry, args=(far, near), daemon=True).start()
        _carry(near, far)


def _carry(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while piece := near.recv(65536):
            far.sendall(piece)
    for end in (near, far):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return signed(tmp_path, "kubernetes")


@pytest.fixture
def door(
    pair: list[Gateway],  # noqa: F811
    double: Cluster,
    certificate: Path,
) -> Iterator[Door]:
    """The first gateway's API: a double that listens on this machine, behind the gateway's port."""
    double.token = TOKEN
    gateway = pair[0]
    found = Door(f"{gateway.network.prefix}.1", double, certificate)
    forward = _FORWARD.format(host=f"{gateway.network.prefix}.1", port=found.port)
    gateway(f"systemd-run --quiet --unit=api-door {forward}")
    wait_for(lambda: gateway("ss -ltn | grep -q :6443 && echo yes", fails=True) == "yes")
    yield found
    gateway("systemctl stop api-door", fails=True)
    found.close()


Account = Callable[[Path], None]


@pytest.fixture
def account(home: Home, pair: list[Gateway]) -> Account:  # noqa: F811
    """Makes the kubeconfig that `site account` would, by an authority."""

    def make(authority: Path) -> None:
        file = account_file(home, "plant")
        file.parent.mkdir(parents=True, exist_ok=True)
        server = {
            "server": f"https://{pair[0].address}:6443", "tls-server-name": "kubernetes",
            "certificate-authority-data": base64.b64encode(authority.read_bytes()).decode(),
        }  # fmt: skip
        found = {
            "apiVersion": "v1", "kind": "Config", "current-context": "plant",
            "clusters": [{"name": "plant", "cluster": server}],
            "users": [{"name": "plant", "user": {"token": TOKEN}}],
            "contexts": [{"name": "plant", "context": {"cluster": "plant", "user": "plant"}}],
        }  # fmt: skip
        file.write_text(json.dumps(found))

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
