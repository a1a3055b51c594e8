"""If these fail, a cluster without metrics-server shows no load of its devices, or a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from yolodeploy.core.nodes import DeviceLoad
from yolodeploy.serve import device_load
from yolodeploy.serve.device_load import DeviceWatch
from yolodeploy.serve.gpus.nvml import GpuFigures, Reading

MEMINFO = "MemTotal:       16384000 kB\nMemFree:  1 kB\nMemAvailable:   12288000 kB\n"


class Machine:
    """What a kernel tells of two CPUs, whose ticks are a hundredth of a second."""

    def __init__(self, proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.proc = proc
        self.at, self.busy, self.idle = 100.0, 5000, 90000
        monkeypatch.setattr(device_load, "monotonic", lambda: self.at)
        monkeypatch.setattr(device_load.os, "sysconf", lambda _: 100)
        self.tell()
        self.watch = DeviceWatch(proc)

    def tell(self, meminfo: str = MEMINFO) -> None:
        # user, nice, system, idle, iowait, irq, softirq, steal; guests are counted in user already
        cpu = f"cpu  {self.busy - 400} 100 100 {self.idle} 700 100 50 50 3000 0"
        (self.proc / "stat").write_text(f"{cpu}\ncpu0 1 2 3\ncpu1 1 2 3\nintr 17 1 2\n")
        (self.proc / "meminfo").write_text(meminfo)

    def after(self, seconds: float, busy_s: float) -> DeviceLoad:
        self.at += seconds
        self.busy += round(100 * busy_s)
        self.tell()
        return self.watch.load(None)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_cpu_is_told_over_the_time_since_somebody_asked(machine: Machine) -> None:
    told = machine.after(60, busy_s=30)
    assert told == DeviceLoad(cpu_used_millis=500, memory_used_mb=4000)
    assert machine.after(15, busy_s=30).cpu_used_millis == 2000
    assert machine.after(15, busy_s=3).cpu_used_millis == 200
    # who asks in between sees the same time, and takes nothing away from the others
    assert machine.after(1, busy_s=1).cpu_used_millis == round(1000 * 4 / 16)
    assert machine.after(14, busy_s=14).cpu_used_millis == 1000


def test_a_kernel_that_counts_backwards_or_too_far_stays_within_the_device(
    machine: Machine,
) -> None:
    assert machine.after(15, busy_s=-30).cpu_used_millis == 0
    assert machine.after(15, busy_s=900).cpu_used_millis == 2000
    assert machine.after(0, busy_s=0).cpu_used_millis == 2000


@pytest.mark.parametrize("text", ["", "cpu\n", "cpu  x 1 2\n", "MemTotal: many kB\n"])
def test_what_is_not_told_is_not_known(machine: Machine, text: str) -> None:
    for name in ("stat", "meminfo"):
        (machine.proc / name).write_text(text)
    machine.at += 15
    assert machine.watch.load(None) == DeviceLoad()
    (machine.proc / "stat").unlink()
    assert DeviceWatch(machine.proc).load(None) == DeviceLoad()


def test_gpus_are_told_as_a_whole(machine: Machine) -> None:
    figures = GpuFigures("0", "", "GPU-a", memory=24 << 30, used=6 << 30, own=1 << 30, load=0.5)
    nameless = figures._replace(uuid="")
    (gpu,) = machine.watch.load(Reading((figures, nameless))).gpus
    assert (gpu.uuid, gpu.memory_mb, gpu.used_mb, gpu.busy) == ("GPU-a", 24576, 6144, 0.5)
