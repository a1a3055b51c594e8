"""A harness that finds nothing must be one that would have found something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from . import child, findings
from .mutation import mutated

CHECKOUT = Path(__file__).parents[2]
RUN = [sys.executable, "tests/fuzz/run.py"]
PLANTED = [*RUN, "--table", "tests.fuzz.planted", "--seed", "1"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PLANTED, *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wrong", "exception at KeyError"),
        ("crash", "crash at "),
        ("hang", "hang"),
        ("memory", "memory"),
    ],
)
def test_what_is_planted_is_found_and_can_be_had_again(
    name: str, kind: str, tmp_path: Path
) -> None:
    ended = run("--target", name, "--minutes", "0.05", "--folder", str(tmp_path))
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"{name}: {kind}" in ended.stdout
    assert "1 findings, seed 1" in ended.stdout
    (found,) = findings.all_in(tmp_path)
    assert len(found.file.read_bytes()) > 3
    again = run("--target", name, "--input", str(found.file), "--folder", str(tmp_path / "again"))
    assert again.returncode != 0


def test_a_target_without_a_fault_is_none(tmp_path: Path) -> None:
    ended = run("--target", "sound", "--minutes", "0.04", "--folder", str(tmp_path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 findings" in ended.stdout


@pytest.mark.parametrize("name", child.table(child.TABLE))
def test_every_target_takes_its_seeds(name: str, tmp_path: Path) -> None:
    """A seed that is a finding, or a target that cannot be opened, would end each run at once."""
    target = child.table(child.TABLE)[name]
    seeds = list(target.seeds())
    assert seeds
    from random import Random

    chance = Random(1)
    made = target.made or (lambda chance, seeds: mutated(chance, seeds[0], seeds, (), 1 << 16))
    last = child.Last(tmp_path / "last", target.largest)
    feeding = child.Feeding(target, tmp_path, last, most_mb=4000)
    for seed in seeds if target.made is None else ():
        feeding(seed)
    for _ in range(20):
        feeding(made(chance, seeds))
    assert [one.told() for one in findings.all_in(tmp_path)] == []
    assert child.read(tmp_path / "last")[0] == last.count > 0
