"""Two gateways that are broken in fifty ways for real, looked at once, and mended.

If these fail, a technician drives to a plant for what a line on the screen could have told.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.doctor.faults import (
    AMONG_BARE,
    FIRST,
    NAME,
    NO_PYTHON,
    PEOPLE,
    REGISTRY,
    SECOND,
    broken,
)
from tests.doctor.reports import AMONG, judged, told
from tests.doctor.seen import LOST_US, OLD_AND_32_BIT, SOUND, give_own_view
from tests.gateways.hosts import Gateway, gateways
from tests.provision.ansible import Inventory, Played, play

ASKED = {
    "preflight_report": True,
    "preflight_names": [REGISTRY],
    "preflight_free_mb": {"/srv": 5, "/opt": 0},
    "preflight_free_mb_kept": {"/srv": 5, "/opt": 0},
    "preflight_journal_mb": 30,
    # in memory, where nothing but a double stalls a write for that long
    "preflight_fsync_folder": "/run",
    "preflight_fsync_ms": 400,
}
PASSWORD = "Plant-7"
BLOCKING = {"disk", "route", "port", "read_only", "os_old", "arch", "cgroup_controllers", "memory"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Plant:
    """Two gateways, their inventory, and what was found on them once they were broken."""

    def __init__(self, both: list[Gateway], folder: Path) -> None:
        self.first, self.second = both
        self.names = [one.machine.name for one in both]
        profiles = zip(self.names, ("nvidia", "jetson"), strict=True)
        own = {name: {"node_profile": profile} for name, profile in profiles}
        self.inventory = Inventory(folder, both[:1], both[1:], own)
        self._add_people()
        give_own_view(self.first, clock_error_us=LOST_US, started_by=OLD_AND_32_BIT)
        give_own_view(self.second)
        self.second(SOUND)
        self.first(broken(FIRST + AMONG_BARE))
        self.second(broken(SECOND + AMONG_BARE))
        self.first("ip link set host0 mtu 1400")
        self.second(f"echo {self.first('cat /etc/machine-id')} >/etc/machine-id")
        self.second.set_clock("+400d")
        self.run = self.doctor()
        self.found = told(self.run.output)

    def doctor(self, *args: str, **variables: Any) -> Played:
        """The playbook on all of them."""
        return play("doctor.yml", self.inventory, *args, **{**ASKED, **variables})

    def _add_people(self) -> None:
        """The second one again, for people who log in with other rights, and one that is away."""
        content = yaml.safe_load(self.inventory.file.read_text())
        hosts = content["all"]["children"]["agents"]["hosts"]
        self.second.add_user("paula", password=PASSWORD)
        self.second.add_user("tina", tty=True)
        self.second.add_user("max")
        self.second(broken(tuple(PEOPLE.values())))
        for host, user in zip(PEOPLE, ("paula", "tina", "max"), strict=True):
            hosts[host] = {"ansible_host": self.second.address, "ansible_user": user}
        hosts["away"] = {"ansible_host": f"{self.second.network.prefix}.99"}
        self.inventory.file.write_text(yaml.safe_dump(content))


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """Broken once for all tests of this file; they run in order."""
    with gateways(2) as both:
        yield Plant(both, tmp_path_factory.mktemp("ansible"))


def test_each_fault_of_a_gateway_is_found_on_it_and_not_on_the_other(plant: Plant) -> None:
    judged(FIRST, plant.found[plant.names[0]])
    judged(SECOND, plant.found[plant.names[1]])
    judged(AMONG_BARE, plant.found[AMONG])
    assert "h1dden" not in plant.run.output, "the password of a proxy"


def test_what_is_blocking_is_named_so(plant: Plant) -> None:
    blocking = {check for check, row in plant.found[plant.names[0]].items() if row["blocking"]}
    assert blocking == BLOCKING


def test_looking_changes_nothing_and_one_that_is_away_stops_nobody(plant: Plant) -> None:
    assert plant.run.total("changed") == 0
    assert plant.run.recap["away"]["unreachable"] == 1
    assert {"away", *PEOPLE, *plant.names} == set(plant.run.recap)
    for name in plant.names:
        assert plant.run.recap[name]["failed"] == 0


def test_people_who_cannot_become_root_are_told_why(plant: Plant) -> None:
    """Before anything else is tried: it would fail at each of forty tasks."""
    for host, fault in PEOPLE.items():
        judged((fault,), plant.found[host])
        assert plant.found[host][fault.check]["blocking"]
    assert "paula" in plant.found["wants-password"]["sudo"]["remedy"]


def test_a_dry_run_says_what_would_be_mended_and_mends_nothing(plant: Plant) -> None:
    here = plant.names[0]
    ran = plant.doctor("--check", "--limit", here, doctor_mend="safe")
    assert ran.recap[here]["failed"] == 0, ran.output
    assert ran.recap[here]["changed"] > 0
    assert "nvidia-driver" not in plant.first("apt-mark showhold")
    assert NAME not in plant.first("cat /etc/hosts")
    assert plant.first("ls /etc/systemd/journald.conf.d 2>/dev/null", fails=True) == ""


def test_what_is_safe_to_mend_is_mended_and_looked_at_again(plant: Plant) -> None:
    """A module that cannot be loaded is told, and keeps nothing else from being mended."""
    ran = plant.doctor("--limit", ",".join(plant.names), doctor_mend="safe", doctor_journal_mb=20)
    here, there = plant.names
    assert (ran.recap[here]["failed"], ran.recap[there]["failed"]) == (0, 0), ran.output
    assert '"msg": "modules_unloaded: ' in ran.output
    found = told(ran.output)
    mended = {"gpu_unheld", "name_own", "journal_size"}
    assert set(plant.found[here]) - set(found[here]) == mended
    assert set(plant.found[there]) - set(found[there]) == {"config_mode"}
    assert plant.first("apt-mark showhold") == "nvidia-driver"
    assert plant.second("stat -c %a /etc/rancher/k3s/config.yaml") == "600"
    again = plant.doctor("--limit", plant.names[1], doctor_mend="safe")
    assert again.total("changed") == 0, again.output


def test_whoever_runs_plain_ansible_reads_lines_and_the_run_fails(plant: Plant) -> None:
    here = plant.names[0]
    plant.second(broken((NO_PYTHON,)))
    ran = play("preflight.yml", plant.inventory, "--limit", ",".join(plant.names))
    assert ran.code == 2
    assert f"BLOCKING {NO_PYTHON.check}: {NO_PYTHON.says} that Ansible can use: " in ran.output
    assert "-> apt-get install python3" in ran.output
    assert "BLOCKING port: python3, which is not k3s, listens on port 10250 -> ss -Hl" in ran.output
    assert "blocking: " in ran.output.rpartition("Stop where a finding is blocking")[2]
    assert ran.recap[here]["changed"] == 0
