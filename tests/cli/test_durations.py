"""Lengths of time. If these fail, what one command takes another refuses."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.cli.running import is_error
from yolodeploy.ops.home import Home

TAKING = [
    "latency --last {}", "latency --since {}", "latency --since 30d --until {}",
    "logs --site plant --since {}", "rollout plan brake-disc@1 --between {}",
]  # fmt: skip


@pytest.mark.parametrize("line", TAKING)
def test_every_command_takes_every_spelling(line: str, run: Run, filled: Home) -> None:
    for length in ("90s", "10m", "10min", "2h", "1.5h", "1d"):
        assert run(*line.format(length).split()).code != 2, length
    for length in ("10", "10M", "soon", "nand", "-1h"):
        is_error(run(*line.format(length).split()), 2)
