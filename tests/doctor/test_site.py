"""A site of two gateways with doubles of k3s and NVIDIA: healthy, broken in forty ways, mended.

If these fail, a site stands still over night for what `yolodeploy doctor` could have told at noon.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.doctor.faults import broken as made_so
from tests.doctor.recorded import checks
from tests.doctor.reports import AMONG, judged, rows, told
from tests.doctor.seen import SOUND, give_own_view, instead
from tests.doctor.site_faults import (
    AGENT,
    AMONG_SITE,
    GPU_ON_BUS,
    NEWER,
    NO_DATASTORE,
    PROXY,
    SERVER,
)
from tests.gateways.doubles.nvidia import packages
from tests.gateways.doubles.nvidia.parts import nvidia_parts
from tests.gateways.doubles.parts import NEWER as NEWER_K3S
from tests.gateways.doubles.parts import parts
from tests.gateways.hosts import Gateway
from tests.provision.ansible import Inventory, Played, play
from tests.provision.conftest import (  # noqa: F401 fixtures
    Play,
    kubectl,
    of_parts,
    run_play,
    two,
)
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.sites import set_site_k3s
from yolodeploy.ops.home import Home

ASKED = {
    "preflight_report": True,
    "preflight_datastore_mb": 100,
    "preflight_names": ["localhost"],
    # in memory: this machine's disk is not what is tested
    "preflight_fsync_folder": "/run",
    "preflight_fsync_ms": 400,
    "nvidia_driver_install": ["nvidia-driver"],
}
GPU = {"product": "NVIDIA T4", "memory_mb": 15360}
GPUS_OF_NODES = "get nodes -o json"
MOVED_TO = 77
LIMIT_S = 300

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def site_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of a site with a GPU."""
    return nvidia_parts(parts(tmp_path_factory.mktemp("nvidia")))


@pytest.fixture(scope="module")
def inventory(two: list[Gateway], tmp_path_factory: pytest.TempPathFactory) -> Inventory:  # noqa: F811
    """The first of the two is the server and has the GPU, the other is its agent."""
    own = {two[0].machine.name: {"node_profile": "nvidia"}}
    return Inventory(tmp_path_factory.mktemp("ansible"), two[:1], two[1:], own)


@pytest.fixture(scope="module")
def made(two: list[Gateway], run_play: Play) -> list[Gateway]:  # noqa: F811
    """The two as a site that runs."""
    for one in two:  # before Ansible comes, which keeps its connections
        give_own_view(one)
    server = two[0]
    server.put("/etc/nvidia-double/gpus.json", json.dumps({"gpus": [GPU]}))
    server(instead("/sys/bus/pci/devices", GPU_ON_BUS))
    run_play("site.yml", **ASKED).well()
    for one in two:  # the double makes these as wide as the network below; flannel does not
        one("ip link set flannel.1 mtu 1450; ip link set cni0 mtu 1450 2>/dev/null; true")
        one(SOUND)
    server(PROXY)
    return two


@pytest.fixture(scope="module")
def healthy(made: list[Gateway], run_play: Play) -> Played:  # noqa: F811
    """Looked at before anything is broken."""
    return run_play("doctor.yml", **ASKED, site_backed_up_at=time.time() - 86400)


@pytest.fixture(scope="module")
def broken(
    healthy: Played,
    made: list[Gateway],
    site_parts: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Played:
    """Looked at with everything broken that the tables say."""
    server, agent = made
    send_newer_packages(server, tmp_path_factory.mktemp("newer"))
    agent(made_so(AGENT))
    until(lambda: "Node password rejected" in agent("journalctl -u k3s-agent -n 20 -o cat"))
    until(lambda: " NotReady" in kubectl(server, "get nodes --no-headers"))
    move(agent)
    server(made_so(SERVER))
    until(lambda: '"nvidia.com/gpu": "0"' in kubectl(server, GPUS_OF_NODES))
    lock = {**of_parts(site_parts)["site_lock"], "k3s": {"version": NEWER_K3S, "sha256": {}}}
    at = time.time() - 40 * 86400
    asked = {**of_parts(site_parts), **ASKED, "site_lock": lock, "site_backed_up_at": at}
    where = with_a_spare(made, tmp_path_factory.mktemp("broken"))
    return play("doctor.yml", where, **asked, preflight_pod_wait_s=1)


def send_newer_packages(server: Gateway, folder: Path) -> None:
    """For an upgrade that comes half."""
    packages.driver(folder, packages.NEWER_DRIVER)
    packages.toolkit(folder, packages.NEWER_TOOLKIT)
    for name in ("libnvidia-ml1", "libnvidia-container1"):
        [path] = folder.glob(f"{name}_*.deb")
        server.send(path, f"{NEWER}/{path.name}")


def move(agent: Gateway) -> None:
    """As a DHCP server does it, between two leases."""
    new = f"{agent.network.prefix}.{MOVED_TO}"
    agent(f"sysctl -qw net.ipv4.conf.host0.promote_secondaries=1; ip addr add {new}/24 dev host0")
    old, agent.address, agent.root = agent.address, new, f"root@{new}"
    agent(f"ip addr del {old}/24 dev host0")


def with_a_spare(made: list[Gateway], folder: Path) -> Inventory:
    """The inventory of somebody who believes more than there is: a first server, another GPU."""
    own = {one.machine.name: {"node_profile": "nvidia"} for one in made}
    where = Inventory(folder, made[:1], made[1:], own)
    content = yaml.safe_load(where.file.read_text())
    spare = {"spare": {"ansible_host": f"{made[0].network.prefix}.98"}}
    servers = content["all"]["children"]["servers"]
    servers["hosts"] = {**spare, **servers["hosts"]}
    where.file.write_text(yaml.safe_dump(content, sort_keys=False))
    return where


def until(holds: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_healthy_site_is_left_in_peace(healthy: Played, inventory: Inventory) -> None:
    """And every check says so: one that never can is worse than none, it is believed."""
    hosts = (*inventory.names.values(), AMONG)
    assert told(healthy.output) == {name: {} for name in hosts}
    assert (healthy.total("changed"), healthy.total("failed")) == (0, 0)
    found = rows(healthy.output)
    well = {check for host in hosts for check, row in found[host].items() if row["result"] == "ok"}
    assert {row["check"] for row in checks()} - well == set()


def test_each_fault_is_found_where_it_is(broken: Played, inventory: Inventory) -> None:
    found = told(broken.output)
    server, agent = inventory.names.values()
    judged(SERVER, found[server])
    judged(AGENT, found[agent])
    judged(AMONG_SITE, found[AMONG])
    for check in ("node_not_ready", "node_pressure"):
        assert agent in found[server][check]["says"]
    assert server in found[server]["node_cordoned"]["says"]
    assert agent in found[AMONG]["node_address"]["says"]
    assert broken.total("changed") == 0


@pytest.fixture
def plant(home: Home, run: Run, made: list[Gateway]) -> Iterator[str]:  # noqa: F811
    """The site in an inventory of yolodeploy's."""
    assert run("site", "create", "plant", "--k3s").code == 0
    for one in made:
        words = ("--site", "plant", "--identity", str(one.key), "--profile", "nvidia")
        answer = run("device", "add", one.machine.name, one.root, *words)
        assert answer.code == 0, answer.err
    with open_inventory(home.inventory) as inventory:
        set_site_k3s(inventory, "plant", "v1.36.2+k3s1")
    yield "plant"


def test_the_command_mends_what_is_safe_and_what_is_agreed_to(
    broken: Played,
    plant: str,
    run: Run,  # noqa: F811
    made: list[Gateway],
) -> None:
    server = made[0].machine.name
    looked = run("doctor", plant, "-o", "json")
    assert looked.code == 1
    rows = {(row["device"], row["check"]): row for row in json.loads(looked.out)}
    assert {row["result"] for row in rows.values()} >= {"ok", "warning", "not applicable"}
    assert (
        rows[server, "node_cordoned"]["remedy"] == f"yolodeploy doctor plant/{server} --fix --yes"
    )
    assert rows[server, "backup"]["finding"].startswith("the site has no backup")

    tried = run("doctor", plant, "--fix", "--dry-run")
    assert tried.code == 1
    assert made[0]("stat -c %a /etc/rancher/k3s/config.yaml") == "644"

    made[0](NO_DATASTORE)
    done = run("doctor", plant, "--fix", "--yes", "-o", "json")
    rows = {(row["device"], row["check"]): row for row in json.loads(done.out)}
    mended = {key for key, row in rows.items() if row["result"] == "mended"}
    assert mended >= {
        (server, "config_mode"), (server, "node_cordoned"), (server, "images_missing"),
        (server, "images_unpinned"), (server, "gpu_undetected"), (server, "node_password_file"),
    }, done.err  # fmt: skip
    until(lambda: " NotReady" not in kubectl(made[0], "get nodes --no-headers"))
    assert "SchedulingDisabled" not in kubectl(made[0], "get nodes --no-headers")


def test_a_device_that_is_away_is_a_finding_and_stops_nobody(
    broken: Played,
    plant: str,
    run: Run,  # noqa: F811
    made: list[Gateway],
) -> None:
    made[1].network.set_link(made[1].number, "down")
    try:
        answer = run("doctor", plant, "-o", "json")
    finally:
        made[1].network.set_link(made[1].number, "up")
    rows = json.loads(answer.out)
    away = [row for row in rows if row["device"] == made[1].machine.name]
    assert [row["check"] for row in away] == ["reach"]
    assert len([row for row in rows if row["device"] == made[0].machine.name]) > 60
    assert answer.code == 1
