"""Bare gateways made into a site, beside plain Ansible with the same plays on the same gateways.

    python benchmarks/provision.py [--quick] [--json] [--hosts N] [--rounds N]

Needs root, systemd-container and mmdebstrap: the gateways are the tests' own, and so is the double
of k3s. Everything but k3s and the images is real. What is compared is the CPU time of whoever
provisions: gateways share its processors here, so that seconds of the clock tell mostly of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.reporting import report
from tests.gateways.doubles.parts import images, parts
from tests.gateways.hosts import Gateway, gateways
from tests.provision.ansible import Inventory, play
from tests.provision.conftest import of_parts
from yolodeploy.inventory import operations as rows
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.ops import operations
from yolodeploy.ops.device_wish import DeviceWish
from yolodeploy.ops.devices import add_devices
from yolodeploy.ops.home import Home
from yolodeploy.ops.play_journal import HOST, STEP
from yolodeploy.ops.plays import KIND
from yolodeploy.ops.provisioning import provision_variables
from yolodeploy.ops.sites import name_site

FILLER_MB = 128
TARGETS = {
    "cpu_against_plain": {"op": "<=", "value": 1.10},
    "cpu_per_host_and_task_against_one_host": {"op": "<=", "value": 1.0},
    "second_against_first": {"op": "<=", "value": 1 / 3},
    "second_changed": {"op": "<=", "value": 0},
    "first_step_s": {"op": "<=", "value": 1.0},
}


class Ran(NamedTuple):
    """One run: seconds by the clock and of CPU, steps that ended, changes, the first step."""

    wall_s: float
    cpu_s: float
    steps: int
    changed: int
    first_step_s: float = 0.0

    @property
    def cpu_ms_per_step(self) -> float:
        """CPU time for one task on one host."""
        return 1000 * self.cpu_s / max(self.steps, 1)


class Ours:
    """A home with a site of some gateways."""

    def __init__(self, folder: Path, hosts: Sequence[Gateway], parts_folder: Path) -> None:
        self.home = Home(folder / "home").create()
        name_site(self.home, "plant", {})
        wishes = [
            DeviceWish(host.machine.name, host.root, "plant", identity=str(host.key))
            for host in hosts
        ]
        add_devices(self.home, wishes)
        self._variables, _ = provision_variables(self.home, parts_folder)

    def run(self, playbook: str = "site.yml", killed_after: int = 0, **more: Any) -> Ran:
        """Run a playbook in the process of its operation; killed after some steps."""
        operation = operations.new_id()
        arguments = {
            "site": "plant", "playbook": playbook, "variables": {**self._variables, **more},
            "devices": [], "check": False,
        }  # fmt: skip
        with open_inventory(self.home.inventory) as inventory:
            rows.create_operation(inventory, operation, KIND, arguments, at=time.time())
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        words = ["-P", "-m", "yolodeploy.ops.runner", str(self.home.root), operation]
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        process = subprocess.Popen(
            [sys.executable, *words], stdin=subprocess.DEVNULL, env=environment
        )
        first = 0.0
        while process.poll() is None:
            time.sleep(0.02)
            if first and not killed_after:
                continue
            seen = self._steps(operation)
            first = first or (time.perf_counter() - began if seen else 0.0)
            if killed_after and seen >= killed_after:
                os.kill(process.pid, signal.SIGKILL)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode and not killed_after:
            raise RuntimeError(f"yolodeploy operations follow {operation}: {process.returncode}")
        steps, changed = self._steps(operation), self._changed(operation)
        return Ran(wall, spent(before, after), steps, changed, first)

    def _steps(self, operation: str) -> int:
        with read_inventory(self.home.inventory) as inventory:
            events = rows.follow(inventory, operation, 0, limit=100_000)
        return sum(e.code == STEP and e.fields["state"] != "running" for e in events)

    def _changed(self, operation: str) -> int:
        with read_inventory(self.home.inventory) as inventory:
            events = rows.follow(inventory, operation, 0, limit=100_000)
        return sum(int(e.fields["changed"]) for e in events if e.code == HOST)


def spent(before: resource.struct_rusage, after: resource.struct_rusage) -> float:
    """Seconds of CPU between two looks."""
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def plain(inventory: Inventory, parts_folder: Path, *words: str) -> Ran:
    """The same playbook by plain `ansible-playbook`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    played = play("site.yml", inventory, *words, **of_parts(parts_folder)).well()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    steps = played.total("ok") + played.total("skipped")
    wall = time.perf_counter() - began
    return Ran(wall, spent(before, after), steps, played.total("changed"))


def measured(count: int, rounds: int) -> dict[str, float]:
    """Medians of interleaved rounds."""
    took: dict[str, list[Ran]] = {}
    with tempfile.TemporaryDirectory() as name, gateways(count) as hosts:
        folder = Path(name)
        given = parts(folder / "parts")
        # the double is small: k3s itself has 70 MB, its images have 200
        filler = {"filler": os.urandom(FILLER_MB << 20)}
        images(given / "images/filler.tar", {"localhost/filler:1": filler})
        ours, alone = Ours(folder, hosts, given), Ours(folder / "one", hosts[:1], given)
        (folder / "plain").mkdir()
        theirs = Inventory(folder / "plain", hosts[:1], hosts[1:])

        def note(what: str, act: Callable[[], Ran]) -> Ran:
            ran = act()
            took.setdefault(what, []).append(ran)
            print(f"  {what}: {ran.wall_s:.1f} s, CPU {ran.cpu_s:.2f} s, {ran.steps} steps",
                  file=sys.stderr, flush=True)  # fmt: skip
            return ran

        def reset(site: Ours) -> None:
            site.run("reset.yml", reset_confirm="plant")

        for _ in range(rounds):
            first = note("first", ours.run)
            note("second", ours.run)
            reset(ours)
            note("plain", lambda: plain(theirs, given))
            note("plain_second", lambda: plain(theirs, given))
            reset(ours)
            ours.run(killed_after=first.steps // 2)
            note("resume", ours.run)
            reset(ours)
            note("one", alone.run)
            reset(alone)
        note("serial", lambda: plain(theirs, given, "--forks", "1"))
        reset(ours)

    def median(what: str, of: Callable[[Ran], float]) -> float:
        return statistics.median(map(of, took[what]))

    figures = {f"{what}_s": median(what, lambda ran: ran.wall_s) for what in took}
    figures |= {f"{what}_cpu_s": median(what, lambda ran: ran.cpu_s) for what in took}
    each = {what: median(what, lambda ran: ran.cpu_ms_per_step) for what in took}
    return figures | {
        "hosts": float(count),
        "tasks_per_host": took["first"][0].steps / count,
        "cpu_ms_per_host_and_task": each["first"],
        "cpu_ms_per_host_and_task_one_host": each["one"],
        "cpu_against_plain": figures["first_cpu_s"] / figures["plain_cpu_s"],
        "cpu_per_host_and_task_against_one_host": each["first"] / each["one"],
        "second_against_first": figures["second_s"] / figures["first_s"],
        "resume_against_first": figures["resume_s"] / figures["first_s"],
        "serial_against_first": figures["serial_s"] / figures["first_s"],
        "second_changed": float(max(ran.changed for ran in took["second"])),
        "first_step_s": median("first", lambda ran: ran.first_step_s),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="two gateways, one round")
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    count, rounds = (2, 1) if arguments.quick else (arguments.hosts, arguments.rounds)
    report("provision", measured(count, rounds), TARGETS, as_json=arguments.json)


if __name__ == "__main__":
    main()
