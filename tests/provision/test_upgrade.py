"""If these fail, an upgrade leaves a plant between two versions, or without the one that worked.

One site of a server and an agent, older than the parts at hand, goes through all of it in order.
"""

from __future__ import annotations

import hashlib
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.cli.running import is_error
from tests.gateways.doubles.parts import NEWER, OLDER, TOO_OLD, VERSION, parts
from tests.gateways.hosts import Gateway
from tests.provision.ansible import Inventory, Played, begin, play
from tests.provision.conftest import kubectl, of_parts
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.events import query_events
from yolodeploy.inventory.sites import get_site
from yolodeploy.ops.home import Home

BROKEN = "v1.36.9+k3s1"
FAULTS = "/run/k3s-double-faults.json"
QUICK = {
    "preflight_blocking": [],
    "upgrade_poll_s": 1,
    "upgrade_restarts": 1,
}
APP = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
  namespace: default
spec:
  replicas: 1
  selector:
    matchLabels:
      app: app
  template:
    metadata:
      labels:
        app: app
    spec:
      nodeSelector:
        kubernetes.io/hostname: NODE
      terminationGracePeriodSeconds: 1
      containers:
        - name: app
          image: docker.io/rancher/mirrored-library-busybox:1.36.1
          command: ["sleep", "1000000"]
"""
# it says that it is newer, and ends at once as k3s does when something is missing
NO_START = f"""#!/bin/sh
case $1 in
  server | agent) echo 'level=fatal msg="starting kubernetes: no such cgroup"' >&2; exit 1 ;;
  --version) echo 'k3s version {BROKEN} (broken)' ;;
  *) exec /var/lib/yolodeploy/k3s-before "$@" ;;
esac
"""


class Site:
    """The server and the agent, and plays on them."""

    def __init__(self, two: list[Gateway], inventory: Inventory, folder: Path) -> None:
        self.server, self.agent = two
        self.names = [gateway.machine.name for gateway in two]
        self.inventory, self.folder = inventory, folder

    def variables(self, place: Path, **more: Any) -> dict[str, Any]:
        backups = {"backup_folder": str(self.folder / "backups"), "site_name": "plant"}
        return {**of_parts(place), **QUICK, **backups, **more}

    def upgrade(self, place: Path, *words: str, **more: Any) -> Played:
        return play("upgrade.yml", self.inventory, *words, **self.variables(place, **more))

    def nodes(self) -> dict[str, dict[str, Any]]:
        items = json.loads(kubectl(self.server, "get nodes -o json"))["items"]
        return {item["metadata"]["name"]: item for item in items}

    def versions(self) -> list[str]:
        found = self.nodes()
        return [found[name]["status"]["nodeInfo"]["kubeletVersion"] for name in self.names]

    def cordoned(self) -> list[bool]:
        found = self.nodes()
        return [bool(found[name]["spec"].get("unschedulable")) for name in self.names]


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return parts(tmp_path_factory.mktemp("older"), OLDER)


@pytest.fixture(scope="module")
def broken(site_parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newer version that does not start."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "k3s").mkdir()
    (folder / "k3s/k3s").write_text(NO_START)
    lock = yaml.safe_load((site_parts / "lock.yml").read_text())
    digest = hashlib.sha256(NO_START.encode()).hexdigest()
    lock["k3s"] = {"version": BROKEN, "sha256": {"k3s": digest}}
    (folder / "lock.yml").write_text(yaml.safe_dump(lock))
    return folder


@pytest.fixture(scope="module")
def site(
    two: list[Gateway], inventory: Inventory, older: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    found = Site(two, inventory, tmp_path_factory.mktemp("site"))
    play("site.yml", inventory, **found.variables(older)).well()
    found.server("k3s kubectl apply -f -", given=APP.replace("NODE", found.names[0]))
    yield found


def locked(place: Path, **k3s: Any) -> dict[str, Any]:
    """The lock of a place with something else in it."""
    lock: dict[str, Any] = of_parts(place)["site_lock"]
    return {"site_lock": {**lock, "k3s": {**lock["k3s"], **k3s}}}


@pytest.mark.slow
def test_what_must_not_be_is_refused_before_anything_is_touched(
    site: Site, site_parts: Path, older: Path
) -> None:
    """A datastore that an older k3s cannot read any more is a plant that stands still."""
    unlocked = locked(older, version=TOO_OLD, sha256={})
    ran = site.upgrade(site_parts, **unlocked)
    alone = site.upgrade(site_parts, "--limit", site.names[1])
    for found, checks in ((ran, ("downgrade", "not_locked")), (alone, ("newer_than_servers",))):
        assert (found.code, found.total("changed")) == (2, 0)
        for check in checks:
            assert f"BLOCKING {check}: " in found.output, found.output[-2000:]
    assert site.versions() == [OLDER, OLDER]
    dry = site.upgrade(site_parts, "--check").well()
    assert f'"wanted": "{VERSION}"' in dry.output
    assert (site.versions(), site.cordoned()) == ([OLDER, OLDER], [False, False])
    assert not (site.folder / "backups").exists()


@pytest.mark.slow
def test_a_version_that_does_not_start_leaves_the_one_that_did(site: Site, broken: Path) -> None:
    ran = site.upgrade(broken, upgrade_backup=False)
    assert ran.code == 2
    assert f"{OLDER} goes on" in ran.output, ran.output[-3000:]
    assert "no such cgroup" in ran.output, "k3s's own words are not told"
    assert (site.versions(), site.cordoned()) == ([OLDER, OLDER], [False, False])
    assert site.server("k3s --version").split()[2] == OLDER
    assert ran.recap[site.names[1]]["changed"] == 0, "the agent was touched"


@pytest.mark.slow
def test_a_drain_that_hangs_ends_and_nothing_is_changed(site: Site, site_parts: Path) -> None:
    """One app with a disruption budget must not leave a node cordoned for good."""
    site.server.put(FAULTS, '{"drain_hangs": true}')
    try:
        ran = site.upgrade(site_parts, upgrade_drain_s=4, upgrade_backup=False)
    finally:
        site.server(f"rm {FAULTS}")
    assert ran.code == 2
    assert "Move its pods away" in ran.output
    assert f"{OLDER} goes on" in ran.output, ran.output[-3000:]
    assert (site.versions(), site.cordoned()) == ([OLDER, OLDER], [False, False])


@pytest.mark.slow
def test_a_run_killed_in_the_middle_is_gone_on_with(site: Site, site_parts: Path) -> None:
    """The switch ends by itself; the next run uncordons what that one left, and no more."""
    kubectl(site.server, f"cordon {site.names[1]}")
    process = begin("upgrade.yml", site.inventory, **site.variables(site_parts))
    for line in process.stdout:
        if "Switch to the new version" in line:
            break
    while not site.server("pgrep -f 'python3 - [{]'", fails=True):
        assert process.poll() is None, "it is on its way, for as long as k3s takes to restart"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 300
    told = f"get node {site.names[0]} -o jsonpath={{.status.nodeInfo.kubeletVersion}}"
    while (
        site.server("k3s kubectl get --raw /readyz", fails=True) != "ok"
        # between the two the old one may end
        or kubectl(site.server, told, fails=True) != VERSION
    ):
        assert time.monotonic() < deadline, "the server was left between two versions"
        time.sleep(0.2)
    assert site.cordoned() == [True, True]
    (kept,) = (site.folder / "backups").glob("plant-*.tar.gz")
    assert kept.stat().st_mode & 0o777 == 0o600

    ran = site.upgrade(site_parts).well()
    assert site.versions() == [VERSION, VERSION]
    assert site.cordoned() == [False, True], "a person's cordon is a person's"
    assert ran.output.count('"proved": true') == 0  # no pod can run on a cordoned node
    assert site.server("/var/lib/yolodeploy/k3s-before --version").split()[2] == OLDER
    kubectl(site.server, f"uncordon {site.names[1]}")


@pytest.mark.slow
def test_the_second_run_changes_nothing_and_the_command_goes_to_the_next_version(
    site: Site,
    site_parts: Path,
    tmp_path: Path,
    home: Home,
    run: Run,  # noqa: F811
) -> None:
    """As a technician types it, and what the inventory knows afterwards."""
    site.upgrade(site_parts, upgrade_backup=False).well()  # there already after the other tests
    again = site.upgrade(site_parts).well()
    assert again.total("changed") == 0
    assert run("site", "create", "plant", "--k3s").code == 0
    for name, one in zip(site.names, (site.server, site.agent), strict=True):
        add = ("device", "add", name, one.root, "--site", "plant", "--identity", str(one.key))
        assert run(*add).code == 0
    provision = ("site", "provision", "plant", "-o", "json")
    ended = run(*provision, "--parts", str(site_parts))
    assert {row["state"] for row in json.loads(ended.out)} == {"ok"}, ended.err

    newer = parts(tmp_path / "newer", NEWER)
    line = ("site", "upgrade", "plant", "--parts", str(newer))
    dry = run(*line, "--dry-run")
    assert (dry.code, site.versions()) == (0, [VERSION, VERSION]), dry.err
    unasked = run(*line)
    assert (unasked.code, "add --yes" in unasked.err) == (2, True)
    ended = run(*line, "--yes", "-o", "json")
    assert ended.code == 0, ended.err
    assert {row["state"] for row in json.loads(ended.out)} == {"ok"}
    assert (site.versions(), site.cordoned()) == ([NEWER, NEWER], [False, False])
    with read_inventory(home.inventory) as inventory:
        row = get_site(inventory, "plant")
        told = [(event.code, event.device) for event in query_events(inventory)]
    assert row.k3s_version == NEWER
    assert row.backed_up_at is not None
    (backup,) = (home.root / "backups/plant").glob("*.tar.gz")
    assert backup.stat().st_mode & 0o777 == 0o600
    assert {("site.upgraded", ""), ("site.backed_up", site.names[0])} <= set(told)
    assert [told.count(("device.proved", name)) for name in site.names] == [2, 2]
    assert "is done" in run(*provision, "--parts", str(newer)).err, "all were proved with it"
    older = run(*line[:-1], str(site_parts), "--yes")
    is_error(older, 1)
    assert "cannot read what a newer k3s wrote" in older.err
