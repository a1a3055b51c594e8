"""How many threads: what the cgroup allows, not what the machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from yolodeploy.serve.allowance import processors

MACHINE = len(os.sched_getaffinity(0))


def group(root: Path, path: str, **files: str) -> None:
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def membership(root: Path, line: str) -> Path:
    file = root / "self"
    file.write_text(f"{line}\n")
    return file


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", MACHINE),
        ("100000 100000", 1),
        ("50000 100000", 1),
        ("99900000 1000", MACHINE),
    ],
)
def test_a_quota_of_version_two(tmp_path: Path, quota: str, expected: int) -> None:
    group(tmp_path, "kubepods/pod1", cpu__max=quota)
    assert processors(tmp_path, membership(tmp_path, "0::/kubepods/pod1")) == expected


def test_the_tightest_group_above_counts(tmp_path: Path) -> None:
    group(tmp_path, "kubepods", cpu__max="100000 100000")
    group(tmp_path, "kubepods/pod1", cpu__max="max 100000")
    assert processors(tmp_path, membership(tmp_path, "0::/kubepods/pod1")) == 1


def test_a_container_sees_its_own_group_as_the_root(tmp_path: Path) -> None:
    group(tmp_path, "", cpu__max="100000 100000")
    assert processors(tmp_path, membership(tmp_path, "0::/../../elsewhere")) == 1
    assert processors(tmp_path, membership(tmp_path, "0::/")) == 1


def test_a_quota_of_version_one(tmp_path: Path) -> None:
    group(tmp_path, "cpu/docker", cpu__cfs_quota_us="60000", cpu__cfs_period_us="100000")
    assert processors(tmp_path, membership(tmp_path, "4:cpu,cpuacct:/docker")) == 1
    group(tmp_path, "cpu/docker", cpu__cfs_quota_us="-1")
    assert processors(tmp_path, membership(tmp_path, "4:cpu,cpuacct:/docker")) == MACHINE


def test_no_cgroups_at_all(tmp_path: Path) -> None:
    assert processors(tmp_path, tmp_path / "missing") == MACHINE
