"""Gateways for the tests of provisioning, the parts that they get, and Ansible for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gateways.doubles.parts import parts
from tests.gateways.hosts import Gateway, gateways
from tests.provision.ansible import Inventory, Played, play

Play = Callable[..., Played]


@pytest.fixture(scope="session")
def site_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a bundle would bring, with `lock.yml` in it; nobody writes into it."""
    return parts(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def two(site_parts: Path) -> Iterator[list[Gateway]]:
    """Two bare gateways for the tests of a file."""
    with gateways(2) as found:
        yield found


@pytest.fixture(scope="module")
def inventory(two: list[Gateway], tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """The first of the two is the server, the other its agent."""
    return Inventory(tmp_path_factory.mktemp("ansible"), two[:1], two[1:])


@pytest.fixture(scope="module")
def run_play(inventory: Inventory, site_parts: Path) -> Play:
    """`run_play("site.yml", "--check", node_profile="cpu")`, with parts and lock."""

    def run(playbook: str, *args: str, **variables: Any) -> Played:
        return play(playbook, inventory, *args, **{**of_parts(site_parts), **variables})

    return run


def of_parts(folder: Path) -> dict[str, Any]:
    """The variables that name a folder of parts and its lock."""
    lock = yaml.safe_load((folder / "lock.yml").read_text())
    return {"site_parts": str(folder), "site_lock": lock}


def kubectl(gateway: Gateway, command: str, *, fails: bool = False) -> str:
    """What `k3s kubectl …` prints on a server."""
    return gateway(f"k3s kubectl {command}", fails=fails)
