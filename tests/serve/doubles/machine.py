"""A machine with one GPU, as processes see it that a test starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

GPU_FOLDER = Path(__file__).parent / "gpu"
CHECKOUT = Path(__file__).parents[3]


def environment(gpu: str = "NVIDIA L4,8.9,590.1") -> dict[str, str]:
    """What they need around them beside what this process has."""
    return {
        "PATH": f"{GPU_FOLDER}:{os.environ['PATH']}",
        "PYTHONPATH": f"{GPU_FOLDER}:{CHECKOUT}",
        "NVIDIA_DOUBLE": gpu,
    }


def lend(monkeypatch: pytest.MonkeyPatch, builds: Path, gpu: str = "NVIDIA L4,8.9,590.1") -> None:
    """Give it to all processes that the test starts; `builds` gets a line for each built engine."""
    for name, value in environment(gpu).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TENSORRT_DOUBLE_BUILDS", str(builds))
