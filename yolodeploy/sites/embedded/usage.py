"""What a process takes, as the kernel tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Usage(NamedTuple):
    """CPU in percent of one core over the process's life, resident memory in MiB."""

    cpu_percent: float
    memory_mb: float


def usage(pid: int) -> Usage:
    """The usage of a process; nothing for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return Usage(0.0, 0.0)
    # fields after the command's name: utime and stime are 11 and 12, the start time 19
    used_s = (int(fields[11]) + int(fields[12])) / _TICKS
    age_s = max(uptime_s - int(fields[19]) / _TICKS, 0.1)
    return Usage(100 * used_s / age_s, pages * _PAGE_MB)
