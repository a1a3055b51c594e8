"""The dashboard's figures against a log of every request, whatever was killed in between.

If these fail, a person decides by times that nobody had. The servers, the site and the collectors
are real; the log is what each client was told with its answer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from math import floor
from pathlib import Path

import msgspec
import pytest

from tests.cli.running import program
from tests.sites.parts import Bench, alive, until
from yolodeploy.core.site import Epoch, InstanceState
from yolodeploy.core.sketch import STAGES, TOTAL
from yolodeploy.ops.home import Home
from yolodeploy.tui.reading import Reader
from yolodeploy.tui.state.latency import Measured
from yolodeploy.tui.state.snapshot import Wanted

pytestmark = pytest.mark.slow

BOUND = 0.02  # relative; a sketch alone is off by 1.75 %
ROUNDED_MS = 1e-4  # what clients are told is in tenths of a µs
SHARES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}

# `status --refresh`, which dies just before it runs a statement that has argv[1] in it
ROUND = """
import os, signal, sys
from yolodeploy.ops import sites
from yolodeploy.ops.home import home
really = sites.present_inventory
def opened(path):
    inventory = really(path)
    def ran(sql):
        if sys.argv[1] in sql:
            os.kill(os.getpid(), signal.SIGKILL)
    inventory.connection.set_trace_callback(ran)
    return inventory
sites.present_inventory = opened
sites.refresh(home())
"""
NEVER = "no statement"
WRITES = ("UPDATE latency_series", "FROM latency_minutes", "FROM latency_fleet_hours", "COMMIT")

# as the dashboard does it, at ten times its pace, until it is killed
ROUNDS = """
import time
from yolodeploy.ops.home import home
from yolodeploy.ops.rounds import Rounds
collect = Rounds()
while True:
    collect(home())
    time.sleep(1.5)
"""


class Plant:
    """A site of two devices whose every answer is written down."""

    def __init__(self, bench: Bench, frames: list[bytes]) -> None:
        self.bench = bench
        self.log: dict[str, list[dict[str, float]]] = {}
        self._frames = frames

    def instances(self) -> list[InstanceState]:
        """Both, as soon as both are ready."""

        def ready() -> list[InstanceState]:
            found = [item for item in self.bench.instances() if item.ready]
            return found if len(found) == 2 else []

        return until(ready, "both devices serve")

    def restarts(self, name: str) -> int:
        """How often the site has started a server again."""
        return next(item.restarts for item in self.bench.instances() if item.name == name)

    def serve(self, times: int) -> None:
        """Have both devices answer, and write down what they say of it."""
        for item in self.instances():
            lines = self.log.setdefault(item.device, [])
            for number in range(times):
                frame = self._frames[number % len(self._frames)]
                lines.append(self.bench.site.detect(item, frame).stages_ms)

    def saved(self, device: str) -> bool:
        """Whether the server of a device has on disk all that it counted, in all of its lives."""
        (item,) = [item for item in self.instances() if item.device == device]
        path = self.bench.folder.instances / item.name / "state" / "epochs.msgpack"
        try:
            epochs = msgspec.msgpack.decode(path.read_bytes(), type=list[Epoch])
        except FileNotFoundError:
            return False
        return sum(epoch.requests for epoch in epochs) == len(self.log[device])

    def save(self) -> None:
        """Wait until a kill costs nothing; the servers save every two seconds."""
        for device in self.log:
            until(lambda device=device: self.saved(device), f"{device} has saved")  # type: ignore[misc]


@pytest.fixture
def plant(
    home: Home, sites: Callable[..., list[str]], releases: Callable[..., list[str]], example: Path
) -> Plant:
    bench = Bench(home, sites(1, devices=2)[0])
    bench.commit(bench.release(releases(1)[0]))
    frames = [path.read_bytes() for path in sorted((example / "frames").glob("*.jpg"))]
    return Plant(bench, frames)


def collect(statement: str = NEVER) -> int:
    """One round in a process of its own; its exit status."""
    return subprocess.run([sys.executable, "-c", ROUND, statement], check=False).returncode


def agree(told: Measured, log: list[dict[str, float]]) -> None:
    """Every quantile of every stage, and the number of requests to the last one."""
    assert (told.requests, told.failures) == (len(log), 0)
    assert [bar.stage for bar in told.bars] == [*STAGES, TOTAL]
    for bar in told.bars:
        exact = sorted(line[bar.stage] for line in log)
        for field, share in SHARES.items():
            expected = exact[floor(share * (len(exact) - 1))]
            off = abs(getattr(bar, field) - expected)
            assert off <= BOUND * expected + ROUNDED_MS, (bar, field, expected)


def test_figures_are_those_of_the_log_whatever_was_killed(plant: Plant) -> None:
    home, bench = plant.bench.home, plant.bench
    plant.serve(20)
    assert collect() == 0
    for statement in WRITES:  # the laptop loses power while it writes
        plant.serve(10)
        assert collect(statement) == -signal.SIGKILL
    plant.serve(10)

    # two collectors at once, both killed, none the wiser about the other
    both = [subprocess.Popen([sys.executable, "-c", ROUNDS]) for _ in range(2)]
    try:
        for _ in range(3):
            plant.serve(10)
            time.sleep(0.5)
    finally:
        for process in both:
            assert process.poll() is None
            process.kill()
            process.wait()

    # a server dies: what it counted was read in part, saved in whole
    plant.save()
    victim = plant.instances()[0]
    os.kill(bench.pid(victim.name), signal.SIGKILL)
    until(lambda: plant.restarts(victim.name) > victim.restarts, "it was started again")
    plant.serve(10)
    assert collect() == 0

    # the device loses power: site, agent and servers at once, and nothing was read for a while
    plant.serve(10)
    plant.save()
    for pid in bench.processes():
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(alive, bench.processes())), "everything is dead")
    assert collect() == 0
    bench.start()
    plant.serve(10)
    assert collect() == 0
    assert collect() == 0

    shown = Reader(home)
    for device, log in plant.log.items():
        detail = shown.read(Wanted(device=(bench.name, device)), time.time()).device
        assert detail is not None
        ((told,),) = [app.measured for app in detail.apps]
        agree(told, log)
    printed = json.loads(program("latency", "--by", "device", "-o", "json").out)
    for row in printed:
        log = plant.log[row["device"]]
        exact = sorted(line[row["stage"]] for line in log)
        assert row["count"] == len(log)
        assert row["p95_ms"] == pytest.approx(
            exact[floor(0.95 * (len(log) - 1))], rel=BOUND, abs=ROUNDED_MS
        )
