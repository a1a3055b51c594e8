"""How many processors this process may use.

The engine counts the machine's cores and ignores cgroup quotas (FACTS, GPU wheels): in a pod with
a limit of one core on a machine of 64 it would start 64 threads and be throttled.
"""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def processors(root: Path = CGROUPS, membership: Path = Path("/proc/self/cgroup")) -> int:
    """Processors by affinity and cgroup quota (v1 and v2), rounded up; at least 1."""
    allowed = len(os.sched_getaffinity(0))
    quota = min(_quotas(root, membership), default=float(allowed))
    return max(1, min(allowed, ceil(quota)))


def _quotas(root: Path, membership: Path) -> list[float]:
    """The quotas of all groups above this process, in processors."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            found += [_quota_v2(group / "cpu.max") for group in _lineage(root, path)]
        elif "cpu" in controllers.split(","):
            # v1 mounts the controller by itself or together with cpuacct; inside a container
            # the mount is the container's own group, whatever path the kernel tells
            found += [_quota_v1(group) for group in _lineage(root / "cpu", path)]
    return [quota for quota in found if quota is not None]


def _lineage(mount: Path, path: str) -> list[Path]:
    group = mount / path.lstrip("/")
    return [group, *(above for above in group.parents if above.is_relative_to(mount))]


def _quota_v2(file: Path) -> float | None:
    try:
        quota, period = file.read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(group: Path) -> float | None:
    try:
        quota = int((group / "cpu.cfs_quota_us").read_text())
        period = int((group / "cpu.cfs_period_us").read_text())
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
