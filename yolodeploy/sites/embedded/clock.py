"""The site's clock for deadlines: seconds since boot, suspended time included, and which boot."""

from __future__ import annotations

import time
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def since_boot() -> float:
    """Seconds since boot.

    Unlike the time of day it never jumps, and unlike `time.monotonic` it goes on while the machine
    sleeps.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> str:
    """A name for this boot; deadlines of another one are meaningless."""
    return BOOT_ID.read_text().strip()
