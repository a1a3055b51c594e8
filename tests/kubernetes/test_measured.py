"""Figures of pods that restart and are deleted: what is lost is what the docs say, and no more.

If these fail, a figure of a cluster counts a request twice, or loses more than was promised.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import floor
from pathlib import Path

import msgspec
import pytest

from tests.kubernetes.double import Answers
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP, until
from yolodeploy.core.release import Release
from yolodeploy.core.site import Epoch, StageReport
from yolodeploy.core.sketch import Sketch
from yolodeploy.inventory import events, sites
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.latency import latency
from yolodeploy.telemetry.collect import collect

NOW = 1_800_000_000.0
STAGES = {"inference": 1.0, "total": 1.3}  # of what a request takes


class Pod:
    """What the server in a pod has counted; every request is also in the log."""

    def __init__(self, bench: Bench, release: Release, log: list[float]) -> None:
        self._bench = bench
        self._digest = release.digest
        self._log = log
        self._lives: list[list[float]] = [[]]
        self._tell()

    def serve(self, times: int) -> None:
        """Answer requests of 2 to 50 ms."""
        for _ in range(times):
            value_us = 2000.0 + 173.0 * (len(self._log) * 61 % 277)
            self._log.append(value_us)
            self._lives[-1].append(value_us)
        self._tell()

    def restart(self) -> None:
        """The container ends and starts again: its state is on the pod's volume."""
        self._lives.append([])
        self._tell()

    def _tell(self) -> None:
        epochs = []
        for number, values in enumerate(self._lives, 1):
            stages = {stage: Sketch(0.0, {}) for stage in STAGES}
            for value in values:
                for stage, part in STAGES.items():
                    stages[stage].record(part * value)
            epochs.append(
                Epoch(number=number, source="http", requests=len(values), failures=0, stages=stages)
            )
        report = StageReport(
            site="", device="", instance="", app="", release="", epochs=tuple(epochs)
        )
        self._bench.double.answers[self._digest] = Answers(sketches=msgspec.msgpack.encode(report))


@pytest.fixture
def inventory(tmp_path: Path) -> Iterator[Inventory]:
    with open_inventory(tmp_path / "inventory.db") as opened:
        sites.add_site(opened, "plant", "kubernetes", "here", at=NOW)
        yield opened


def pod_name(bench: Bench) -> str:
    (instance,) = bench.site.observe().instances
    return instance.name


def agree(inventory: Inventory, log: list[float]) -> None:
    """The figures of the dashboard's query are those of the log."""
    where = {"site": "plant", "device": "edge-1"}
    (row,) = latency(inventory, NOW - 60, NOW + 600, group_by=["app"], where=where).rows
    assert row.requests == len(log)
    for stage, part in STAGES.items():
        exact = sorted(part * value for value in log)
        for share in (0.5, 0.95, 0.99):
            expected = exact[floor(share * (len(exact) - 1))]
            assert row.stages[stage].quantile(share) == pytest.approx(expected, rel=0.02)


def test_a_deleted_pod_takes_with_it_what_came_after_the_last_look(
    bench: Bench, v1: Release, inventory: Inventory, tmp_path: Path
) -> None:
    log: list[float] = []
    bench.commit(v1)
    pod = Pod(bench, v1, log)
    pod.serve(40)
    collect(bench.site, inventory, at=NOW)
    pod.serve(30)
    pod.restart()
    pod.serve(20)
    collect(bench.site, inventory, at=NOW + 15)
    with open_inventory(inventory.path) as another:  # a second collector on the same file
        collect(bench.site, another, at=NOW + 16)
    with open_inventory(tmp_path / "other-laptop.db") as elsewhere:  # and one on another laptop
        sites.add_site(elsewhere, "plant", "kubernetes", "here", at=NOW)
        collect(bench.site, elsewhere, at=NOW + 17)
        agree(elsewhere, log)
    agree(inventory, log)

    lost = 7
    pod.serve(lost)
    name = pod_name(bench)
    del bench.double.kept["pods", APP, name]  # by somebody, with no grace
    bench.double.answers[v1.digest] = Answers(requests=0)
    until(
        lambda: [
            each for each in bench.site.observe().instances if each.ready and each.name != name
        ],
        "another pod is ready",
    )
    # whoever has the same node and begins with the same epoch is another instance all the same
    successor = Pod(bench, v1, log)
    kept = log[:-lost]
    log[:] = kept
    successor.serve(60)
    collect(bench.site, inventory, at=NOW + 30)
    agree(inventory, log)


def test_garbage_of_a_pod_is_told_once_and_costs_nothing(
    bench: Bench, v1: Release, inventory: Inventory
) -> None:
    """Ten megabytes, a count below zero, times that are none: nothing is stored, all else is."""
    log: list[float] = []
    bench.commit(v1)
    pod = Pod(bench, v1, log)
    pod.serve(50)
    collect(bench.site, inventory, at=NOW)
    good = bench.double.answers[v1.digest].sketches
    assert good is not None
    nan = msgspec.msgpack.encode(float("nan"))
    shrunk = Answers(requests=3)
    shrunk.sketches = None
    for number, told in enumerate((
        b"x" * (10 << 20),
        good.replace(b"\xa8requests\x32", b"\xa8requests\xd0\xce"),
        good.replace(msgspec.msgpack.encode(sum(log)), nan),
        good.replace(b"inference", b"infer\nnce"),
    )):  # fmt: skip
        assert told != good
        bench.double.answers[v1.digest] = Answers(sketches=told)
        collect(bench.site, inventory, at=NOW + 60 + number)
    bench.double.answers[v1.digest] = shrunk
    collect(bench.site, inventory, at=NOW + 120)
    codes = [event.code for event in events.query_events(inventory, code="measured.*")]
    assert codes == ["measured.garbage", "measured.shrunk"]
    agree(inventory, log)
    bench.double.answers[v1.digest] = Answers(sketches=good)
    pod.serve(5)
    collect(bench.site, inventory, at=NOW + 180)
    agree(inventory, log)
