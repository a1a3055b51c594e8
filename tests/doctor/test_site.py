"""A site of two gateways with a double of k3s: healthy, broken in a dozen ways, mended.

If these fail, a site stands still over night for what `yolodeploy doctor` could have told at noon.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.doctor.faults import AGENT, SERVER, Fault
from tests.doctor.reports import told
from tests.gateways.doubles.parts import NEWER
from tests.gateways.hosts import Gateway
from tests.provision.ansible import Inventory, Played
from tests.provision.conftest import (  # noqa: F401 fixtures
    Play,
    inventory,
    kubectl,
    run_play,
    site_parts,
    two,
)
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.sites import set_site_k3s
from yolodeploy.ops.home import Home

ASKED = {"preflight_report": True, "preflight_datastore_mb": 100}
LIMIT_S = 90

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def made(two: list[Gateway], run_play: Play) -> list[Gateway]:  # noqa: F811
    """The two as a site that runs."""
    run_play("site.yml").well()
    for one in two:  # the double makes these as wide as the network below; flannel does not
        one("ip link set flannel.1 mtu 1450; ip link set cni0 mtu 1450 2>/dev/null; true")
    return two


@pytest.fixture(scope="module")
def healthy(made: list[Gateway], run_play: Play) -> Played:  # noqa: F811
    """Looked at before anything is broken."""
    return run_play("doctor.yml", **ASKED)


@pytest.fixture(scope="module")
def broken(healthy: Played, made: list[Gateway], run_play: Play) -> Played:  # noqa: F811
    """Looked at with everything broken that the table says."""
    for gateway, faults in zip(made, (SERVER, AGENT), strict=True):
        for fault in faults:
            gateway(fault.breaks)
    until(lambda: "Node password rejected" in made[1]("journalctl -u k3s-agent -n 20 -o cat"))
    until(lambda: " NotReady" in kubectl(made[0], "get nodes --no-headers"))
    lock = {"k3s": {"version": NEWER, "sha256": {}}, "images": {}}
    at = time.time() - 40 * 86400
    return run_play("doctor.yml", **ASKED, site_lock=lock, site_backed_up_at=at)


def until(holds: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def judged(faults: tuple[Fault, ...], found: dict[str, Any]) -> None:
    """Each is found with its word, and nothing else."""
    assert set(found) == {fault.check for fault in faults}
    for fault in faults:
        assert fault.says in found[fault.check]["says"], found[fault.check]


def test_a_healthy_site_is_left_in_peace(healthy: Played, inventory: Inventory) -> None:  # noqa: F811
    assert told(healthy.output) == {name: {} for name in (*inventory.names.values(), "among")}
    assert (healthy.total("changed"), healthy.total("failed")) == (0, 0)


def test_each_fault_is_found_where_it_is(broken: Played, inventory: Inventory) -> None:  # noqa: F811
    found = told(broken.output)
    server, agent = inventory.names.values()
    judged(SERVER, found[server])
    judged(AGENT, found[agent])
    assert agent in found[server]["node_not_ready"]["says"]
    assert server in found[server]["node_cordoned"]["says"]
    assert broken.total("changed") == 0


@pytest.fixture
def plant(home: Home, run: Run, made: list[Gateway]) -> Iterator[str]:  # noqa: F811
    """The site in an inventory of yolodeploy's."""
    assert run("site", "create", "plant", "--k3s").code == 0
    for one in made:
        words = ("--site", "plant", "--identity", str(one.key))
        answer = run("device", "add", one.machine.name, one.root, *words)
        assert answer.code == 0, answer.err
    with open_inventory(home.inventory) as inventory:  # noqa: F811
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

    done = run("doctor", plant, "--fix", "--yes", "-o", "json")
    rows = {(row["device"], row["check"]): row for row in json.loads(done.out)}
    mended = {key for key, row in rows.items() if row["result"] == "mended"}
    assert mended >= {
        (server, "config_mode"), (server, "node_cordoned"), (server, "images_missing"),
        (server, "images_unpinned"),
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
