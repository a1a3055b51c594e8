"""A cluster that somebody made is adopted, kept and mended by commands alone.

If these fail, a technician at a plant with a dead disk has a backup that is none, or a new gateway
that nobody lets in. The tests go through one site in order.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.cli.running import is_error
from tests.gateways.base import base
from tests.gateways.hosts import Gateway
from tests.gateways.machine import Machine
from tests.provision import by_hand
from tests.provision.conftest import kubectl
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.devices import get_device
from yolodeploy.inventory.sites import get_site
from yolodeploy.ops.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
Command = Callable[..., Any]


class Plant:
    """The two gateways, and the names that they have."""

    def __init__(self, two: list[Gateway], parts: Path, home: Path) -> None:
        self.server, self.agent = two
        self.parts, self.home = parts, Home(home)
        self.names = [gateway.machine.name for gateway in two]

    def ready(self) -> dict[str, bool]:
        items = json.loads(kubectl(self.server, "get nodes -o json"))["items"]
        return {
            item["metadata"]["name"]: any(
                one["type"] == "Ready" and one["status"] == "True"
                for one in item["status"]["conditions"]
            )
            for item in items
        }


@pytest.fixture(scope="module")
def plant(
    two: list[Gateway], site_parts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plant]:
    """A cluster made by hand, whose labels are hostile as far as Kubernetes lets them be."""
    found = Plant(two, site_parts, tmp_path_factory.mktemp("home"))
    for gateway in two:
        by_hand.install(gateway, site_parts)
    token = by_hand.start_server(found.server)
    found.server(f"chmod 644 {by_hand.CONFIG}")
    by_hand.start_agent(found.agent, found.server, token)
    kubectl(found.server, f"label node {found.names[1]} hall=two")
    kubectl(found.server, "create configmap kept --from-literal=a=b -n default")
    yield found


@pytest.fixture
def command(run: Run, plant: Plant, monkeypatch: pytest.MonkeyPatch) -> Command:  # noqa: F811
    monkeypatch.setenv("YOLODEPLOY_HOME", str(plant.home.root))
    monkeypatch.setenv("HOME", str(plant.home.root))

    def one(line: str, code: int = 0) -> Any:
        answer = run(*line.split())
        assert answer.code == code, answer.err[-3000:]
        return answer

    return one


def new_disk(gateway: Gateway, request: pytest.FixtureRequest) -> None:
    """The same name and address, and nothing of what was on it."""
    place, number, folder = gateway.network, gateway.number, gateway.machine.folder.parent
    gateway.machine.scrap()
    gateway.machine = Machine(base() / "root", folder, place, number)
    request.session.addfinalizer(gateway.machine.scrap)
    gateway.boot()


def secrets_of(plant: Plant) -> list[str]:
    """What must be nowhere but in backups: the secrets of both tokens."""
    text = plant.server("cat /var/lib/rancher/k3s/server/token /etc/rancher/k3s/agent-token")
    return [line.rpartition(":")[2] for line in text.splitlines()]


def test_a_cluster_is_adopted_and_not_changed(command: Command, plant: Plant) -> None:
    def state() -> str:
        return plant.server("cd /etc; find rancher systemd/system -type f | sort | xargs sha256sum")

    before = state()
    line = f"site adopt plant --address {plant.server.root} --identity {plant.server.key}"
    dry = command(f"{line} --dry-run")
    assert "2 devices" in dry.err
    assert not plant.home.inventory.exists()
    told = command(line)
    assert "config.yaml" in told.err
    assert "not those of yolodeploy" in told.err
    with read_inventory(plant.home.inventory) as inventory:
        server, agent = (get_device(inventory, "plant", name) for name in plant.names)
        version = get_site(inventory, "plant").k3s_version
    assert version == plant.server("k3s --version").split()[2]
    assert (server.gateway.role, agent.gateway.role) == ("server", "agent")
    assert agent.address == plant.agent.root
    assert agent.labels == {"hall": "two"}
    assert server.gateway.host_key == plant.server.machine.host_key
    assert state() == before
    is_error(command(line, 1), 1)  # it is there already


def test_what_is_no_k3s_server_is_not_adopted(command: Command, plant: Plant) -> None:
    line = f"site adopt other --address {plant.agent.root} --identity {plant.agent.key}"
    answer = command(line, 1)
    is_error(answer, 1)
    assert "no server of k3s" in answer.err


def test_a_backup_is_one_file_for_its_owner(command: Command, plant: Plant) -> None:
    """Whoever has it has the site: it is on this machine alone, and its secrets are in it alone."""
    for _ in range(2):
        command("site backup plant --keep 1")
    folder = plant.home.root / "backups" / "plant"
    assert folder.stat().st_mode & 0o777 == 0o700
    (kept,) = folder.glob("*.tar.gz")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(list(folder.iterdir())) == 2
    with read_inventory(plant.home.inventory) as inventory:
        assert get_site(inventory, "plant").backed_up_at
    assert plant.server("ls /var/lib/yolodeploy/backup", fails=True) == ""
    for secret in secrets_of(plant):
        for path in plant.home.root.rglob("*"):
            if path.is_file() and path != kept:
                assert secret.encode() not in path.read_bytes(), path


def test_a_full_disk_ends_a_backup_and_k3s_goes_on(command: Command, plant: Plant) -> None:
    plant.server(
        "mkdir -p /var/lib/yolodeploy; mount -t tmpfs -o size=100k none /var/lib/yolodeploy"
    )
    try:
        answer = command("site backup plant", 1)
    finally:
        plant.server("umount /var/lib/yolodeploy")
    assert "MB free" in answer.out + answer.err
    assert plant.server("systemctl is-active k3s") == "active"
    assert len(list((plant.home.root / "backups/plant").iterdir())) == 2


def test_certificates_are_renewed_where_that_is_asked_and_the_clock_is_right(
    command: Command, plant: Plant
) -> None:
    def serial() -> str:
        return plant.server("sha256sum /var/lib/rancher/k3s/server/tls/client-admin.crt")

    first = serial()
    idle = json.loads(command("site renew plant -o json").out)
    assert [row["changed"] for row in idle] == [0, 0]
    plant.agent.set_clock("-400d")
    try:
        answer = command("site renew plant --rotate", 1)
    finally:
        plant.agent.set_clock()
    assert "behind this machine" in answer.out + answer.err
    second = serial()
    assert second != first, "the server's clock was right"
    command(f"site renew plant --rotate --device {plant.names[1]}")
    assert plant.ready() == dict.fromkeys(plant.names, True)


def test_day_to_day_work_is_done_by_an_account_that_may_little(
    command: Command, plant: Plant
) -> None:
    command("site account plant --namespace brake-disc")
    path = plant.home.root / "sites/plant/account.yaml"
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    again = json.loads(command("site account plant --namespace brake-disc -o json").out)
    assert [row["changed"] for row in again] == [0]
    assert path.read_bytes() == before
    command("site tunnel plant --kubeconfig")
    used = yaml.safe_load((plant.home.root / "sites/plant/kubeconfig").read_text())
    (user,) = used["users"]
    assert set(user["user"]) == {"token"}, "the administrator's certificate is used"

    def asked(method: str, place: str) -> int:
        context = ssl.create_default_context(
            cadata=plant.server("cat /var/lib/rancher/k3s/server/tls/server-ca.crt")
        )
        context.check_hostname = False
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        url = f"https://{plant.server.address}:6443{place}"
        header = {"Authorization": f"Bearer {user['user']['token']}"}
        question = urllib.request.Request(url, method=method, headers=header)
        try:
            with urllib.request.urlopen(question, context=context, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert asked("GET", "/api/v1/nodes") == 200
    assert asked("GET", "/api/v1/namespaces/brake-disc/pods") == 200
    for method, place in (
        ("DELETE", f"/api/v1/nodes/{plant.names[1]}"),
        ("GET", "/api/v1/namespaces/kube-system/secrets"),
        ("GET", "/api/v1/namespaces/brake-disc/secrets"),
        ("GET", "/api/v1/namespaces/default/configmaps"),
    ):
        assert asked(method, place) == 403, place


def test_a_gateway_installed_anew_is_taken_in_again(
    command: Command, plant: Plant, request: pytest.FixtureRequest
) -> None:
    """k3s refuses it by its node's password, and we by its key."""
    command("site backup plant")
    new_disk(plant.agent, request)
    name = plant.names[1]
    line = f"device replace {name} --parts {plant.parts}"
    answer = command(line, 2)
    assert "--yes" in answer.err
    assert answer.err.count("SHA256:") == 2
    command(f"{line} --yes")
    assert plant.ready() == dict.fromkeys(plant.names, True)
    with read_inventory(plant.home.inventory) as inventory:
        row = get_device(inventory, "plant", name)
    assert row.gateway.host_key == plant.agent.machine.host_key
    assert row.gateway.proved_at is not None
    labels = json.loads(kubectl(plant.server, f"get node {name} -o json"))["metadata"]["labels"]
    assert labels["hall"] == "two"
    is_error(command(f"device replace {plant.names[0]} --parts {plant.parts} --yes", 1), 1)


def test_a_site_whose_server_lost_its_disk_comes_back(
    command: Command, plant: Plant, request: pytest.FixtureRequest
) -> None:
    tokens = secrets_of(plant)
    kubectl(plant.server, "create configmap late --from-literal=a=b -n default")
    new_disk(plant.server, request)
    command(f"site restore plant --parts {plant.parts} --yes")
    assert kubectl(plant.server, "get configmap kept -n default -o jsonpath={.data.a}") == "b"
    assert "late" not in kubectl(plant.server, "get configmap -n default")
    assert plant.ready() == dict.fromkeys(plant.names, True)
    # it was installed anew after the backup, which knows another password of it
    plant.agent("systemctl restart k3s-agent")
    kubectl(plant.server, f"wait node/{plant.names[1]} --for=condition=Ready --timeout=300s")
    assert secrets_of(plant) == tokens
    answer = command(f"site restore plant --parts {plant.parts}", 2)
    assert "--yes" in answer.err
