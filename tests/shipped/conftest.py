"""The folders that ship beside the package."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def images() -> Path:
    return ROOT / "images"


@pytest.fixture
def k3s() -> Path:
    return ROOT / "k3s"


@pytest.fixture
def playbooks() -> Path:
    return ROOT / "playbooks"
