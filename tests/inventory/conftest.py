from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from yolodeploy.inventory.connection import Inventory, open_inventory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "inventory.db"


@pytest.fixture
def inventory(path: Path) -> Iterator[Inventory]:
    with open_inventory(path) as opened:
        yield opened


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 4 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is forbidden here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
