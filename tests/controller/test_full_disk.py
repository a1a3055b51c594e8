"""A full disk under a running controller: if this fails, nobody hears that nothing is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import started
from tests.sites.parts import LIMIT_S, until
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.controllers import get_controller
from yolodeploy.ops.home import Home
from yolodeploy.ops.settings import set_value


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home on a disk of its own, of four megabytes."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    root = tmp_path / "small"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(root)], check=True)
    monkeypatch.setenv("YOLODEPLOY_HOME", str(root))
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "en")
    try:
        yield Home(root).create()
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)


def test_it_says_so_tells_it_past_the_inventory_and_goes_on(small: Home, tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = tmp_path / "tell"
    program.write_text(f"#!/bin/sh\ncat >> {told}\n")
    program.chmod(0o700)
    set_value("notify_command", str(program))
    open_inventory(small.inventory).close()
    process = started("controller", home=small.root, YOLODEPLOY_COLLECT_SECONDS="1")
    try:
        until(lambda: is_well(small), "it controls")
        fill(small.root / "filler")
        until(lambda: told.exists() and told.read_text().endswith("\n"), "somebody was told")
        [notice] = json.loads(told.read_text().splitlines()[0])["notices"]
        assert (notice["event"], notice["state"]) == ("trouble", "begins")
        assert "disk" in notice["text"]
        assert process.poll() is None
        (small.root / "filler").unlink()
        with open_inventory(small.inventory) as inventory:
            inventory.execute("DELETE FROM controller")
        until(lambda: is_well(small), "it goes on")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0
        assert "Traceback" not in said.decode()
    finally:
        process.kill()
        process.communicate()


def is_well(home: Home) -> bool:
    with open_inventory(home.inventory) as inventory:
        row = get_controller(inventory)
    return row is not None and not row.trouble and row.round_at is not None


def fill(path: Path) -> None:
    """To the last byte."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
