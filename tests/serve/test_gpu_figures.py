"""If these fail, a full GPU goes unseen, or a driver that hangs takes the scrape with it.

The library is a double (`nvml_double.c`), the bindings and the server are real; `-m gpu` asks the
real one.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from yolodeploy.core.site import StageReport

from .running import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.core.nodes import GpuLoad

    from .conftest import Start
    from .running import Server

    Machine = Callable[[str], None]

MIB = 1 << 20
GPU, MEMORY = "yolodeploy_gpu_", "yolodeploy_gpu_memory_bytes"


def machine_of(word: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Machine:
    """Servers that are started from here on have the double's GPUs; they can be changed."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source = Path(__file__).with_name("nvml_double.c")
    command = [compiler, "-shared", "-fPIC", "-Wall", "-Werror", *options, str(source)]
    subprocess.run([*command, "-o", str(folder / "libnvidia-ml.so.1")], check=True)

    def change(to: str) -> None:
        draft = folder / "machine.new"
        draft.write_text(to)
        draft.replace(folder / "machine")

    change(word)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
    monkeypatch.setenv("NVML_DOUBLE", str(folder / "machine"))
    return change


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    """The same, for `machine(word, *options)`."""

    def begin(word: str, *options: str) -> Machine:
        return machine_of(word, tmp_path, monkeypatch, *options)

    return begin


def figures(server: Server) -> dict[str, dict[tuple[str, ...], float]]:
    """Each GPU metric by its labels (gpu, slice, reason, as far as it has them)."""
    text = server.ask("/metrics").body.decode()
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith(GPU):
                order = ("gpu", "slice", "reason")
                labels = tuple(sample.labels[name] for name in order if name in sample.labels)
                found.setdefault(sample.name, {})[labels] = sample.value
    return found


def reported(server: Server) -> StageReport:
    return msgspec.msgpack.decode(server.ask("/sketches").body, type=StageReport)


def names(found: dict[str, dict[tuple[str, ...], float]]) -> set[str]:
    return {name.removeprefix(GPU) for name in found}


def test_where_there_is_no_gpu_nothing_is_said_of_one(start: Start) -> None:
    if shutil.which("nvidia-smi"):
        pytest.skip("this machine has one")
    server = start().wait_ready()
    assert figures(server) == {}
    told = reported(server)
    assert told.gpu_memory_mb is None
    assert told.load is not None
    assert told.load.gpus == ()
    # of the device that this test runs on
    assert (told.load.memory_used_mb or 0) > 0
    assert "nvidia" not in server.log.read_text().lower()


def test_every_gpu_tells_what_it_can(start: Start, machine: Callable[..., Machine]) -> None:
    change = machine("two")
    server = start().wait_ready()
    until(lambda: MEMORY in figures(server), server)  # on a busy machine the first may be late
    found = figures(server)
    assert found[MEMORY] == {("0", ""): 24576 * MIB, ("1", ""): 24576 * MIB}
    assert found["yolodeploy_gpu_memory_used_bytes"][("0", "")] == 1000 * MIB
    # the other process's 200 MiB are not ours, and on the second GPU we are not
    assert found["yolodeploy_gpu_process_memory_bytes"] == {("0", ""): 300 * MIB}
    until(lambda: reported(server).gpu_memory_mb == 300, server)  # what the gate on it judges
    told: list[GpuLoad] = []

    def known() -> bool:
        load = reported(server).load
        told[:] = load.gpus if load else ()
        return bool(told)

    until(known, server)
    assert (told[0].memory_mb, told[0].used_mb) == (24576, 1000)
    assert found["yolodeploy_gpu_utilization_ratio"][("1", "")] == 0.37
    assert found["yolodeploy_gpu_temperature_celsius"][("0", "")] == 61
    throttled = found["yolodeploy_gpu_throttled"]
    assert {labels[2] for labels, value in throttled.items() if value} == {"hardware_thermal"}
    missed = found["yolodeploy_gpu_missed_total"]
    assert {labels for labels, count in missed.items() if count} <= {("late",)}

    change("mig")
    until(lambda: ("0", "2") in figures(server).get(MEMORY, {}), server)
    found = figures(server)
    # slices have memory, the GPU has the temperature; nothing is counted twice
    assert found[MEMORY] == {("0", "0"): 9856 * MIB, ("0", "2"): 9856 * MIB}
    assert set(found["yolodeploy_gpu_temperature_celsius"]) == {("0", "")}
    assert "utilization_ratio" not in names(found)

    change("lost")
    until(lambda: set(figures(server).get(MEMORY, {})) == {("0", "")}, server)
    assert figures(server)["yolodeploy_gpu_missed_total"][("lost",)] >= 1

    change("jetson")
    until(lambda: names(figures(server)) == {"missed_total"}, server)
    change("foreign")
    until(lambda: names(figures(server)) == {"missed_total"}, server)
    assert server.ask("/readyz").status == 200


def test_a_driver_that_hangs_hangs_nothing(start: Start, machine: Callable[..., Machine]) -> None:
    change = machine("hang")
    server = start().wait_ready()
    for _ in range(3):
        found = figures(server)
        assert names(found) == {"missed_total"}
        assert server.ask("/healthz").status == 200
    assert found["yolodeploy_gpu_missed_total"][("late",)] == 3
    change("two")
    until(lambda: MEMORY in figures(server), server)
    # it can be stopped while it hangs
    change("hang")
    until(lambda: MEMORY not in figures(server), server)
    assert server.stop() == 0


def test_a_library_without_a_driver_is_counted_and_no_more(
    start: Start, machine: Callable[..., Machine]
) -> None:
    machine("no_driver")
    server = start().wait_ready()
    missed = "yolodeploy_gpu_missed_total"
    until(lambda: figures(server)[missed].get(("driver",), 0) > 0, server)  # the first may be late
    found = figures(server)
    assert names(found) == {"missed_total"}
    assert found[missed][("driver",)] == 1
    assert "Traceback" not in server.log.read_text()


def test_an_older_driver_tells_the_rest(start: Start, machine: Callable[..., Machine]) -> None:
    machine("two", "-DOLD")
    server = start().wait_ready()
    until(lambda: MEMORY in figures(server), server)
    assert "process_memory_bytes" not in names(figures(server))


@pytest.mark.gpu
@pytest.mark.skipif(not shutil.which("nvidia-smi"), reason="no NVIDIA driver here")
def test_the_real_library_agrees_with_nvidia_smi(start: Start) -> None:
    query = ["--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    told = subprocess.run(["nvidia-smi", *query], capture_output=True, text=True, check=True).stdout
    server = start().wait_ready()
    until(lambda: MEMORY in figures(server), server)
    found = figures(server)
    whole = {labels[0]: size for labels, size in found[MEMORY].items() if not labels[1]}
    for index, size in whole.items():
        assert size / MIB == pytest.approx(int(told.split()[int(index)]), rel=0.05)
    assert found["yolodeploy_gpu_missed_total"][("driver",)] == 0
