"""Time that no clock can set back, and the boot that it belongs to."""

from __future__ import annotations

import time
from pathlib import Path


def since_boot() -> float:
    """Seconds since the machine was started, those asleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> str:
    """Which life of which machine this is: after a restart the seconds mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
