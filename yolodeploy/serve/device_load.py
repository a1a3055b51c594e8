"""What the device beneath this server has to do, as its kernel tells.

`/proc` is the device's own in a container too, but for sandboxes with a kernel of their own. So it
takes no right of the cluster.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.nodes import DeviceLoad, GpuLoad

if TYPE_CHECKING:
    from yolodeploy.serve.gpus.nvml import Reading

SHORTEST_S = 5.0
"""CPU is told over this time at least; several that ask share one beginning."""

PROC = Path("/proc")
_IDLE = (3, 4)  # idle and iowait, of the columns behind `cpu` (proc(5), stat)
_OWN = 8  # what follows is of guests, and counted in `user` already


class _Sample(NamedTuple):
    at: float
    busy_s: float
    cpus: int


class DeviceWatch:
    """Asked from any thread; who asks first is told of the time since this was made."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._lock = Lock()
        self._since = self._last = _sample(proc)

    def load(self, reading: Reading | None) -> DeviceLoad:
        """The device now; its GPUs as `reading` has them."""
        return DeviceLoad(
            cpu_used_millis=self._cpu_millis(),
            memory_used_mb=_memory_used_mb(self._proc),
            gpus=tuple(
                GpuLoad(gpu.uuid, _mb(gpu.memory), _mb(gpu.used), gpu.load)
                for gpu in (reading.gpus if reading else ())
                if gpu.uuid
            ),
        )

    def _cpu_millis(self) -> int | None:
        now = _sample(self._proc)
        if now is None:
            return None
        with self._lock:
            if self._last is None or now.at - self._last.at >= SHORTEST_S:
                self._since, self._last = self._last, now
            since = self._since
        if since is None or now.at <= since.at:
            return None
        # the kernel's counters may go back a little, and a CPU may be taken away
        share = (now.busy_s - since.busy_s) / (now.at - since.at)
        return round(1000 * min(max(share, 0.0), float(now.cpus)))


def _sample(proc: Path) -> _Sample | None:
    """CPU seconds that all CPUs have worked since the start, and how many they are."""
    try:
        lines = [line for line in (proc / "stat").read_text().splitlines() if line[:3] == "cpu"]
        ticks = list(map(int, lines[0].split()[1 : 1 + _OWN]))
        idle = sum(ticks[column] for column in _IDLE)
    except (OSError, ValueError, IndexError):
        return None
    busy_s = (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK")
    return _Sample(monotonic(), busy_s, max(len(lines) - 1, 1))


def _memory_used_mb(proc: Path) -> int | None:
    """What is not to be had any more: caches that can be given up do not count."""
    try:
        pairs = (line.split() for line in (proc / "meminfo").read_text().splitlines())
        kb = {words[0]: int(words[1]) for words in pairs if len(words) > 1}
        return max(kb["MemTotal:"] - kb["MemAvailable:"], 0) // 1024
    except (OSError, ValueError, KeyError):
        return None


def _mb(size: int | None) -> float | None:
    return None if size is None else size / (1 << 20)
