"""How long this process has been there: what a start took, the loading of Python included."""

from __future__ import annotations

import os
import time
from pathlib import Path

_STARTED = time.monotonic()
_STARTTIME = 19  # field 22 of proc(5) stat, counted behind the name, which may hold spaces


def process_age_s() -> float:
    """Seconds since the kernel made this process; since this module, where it does not tell."""
    try:
        behind_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        begun_s = int(behind_name[_STARTTIME]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - begun_s
    except (OSError, ValueError, IndexError, AttributeError):
        return time.monotonic() - _STARTED
