"""The same with k3s itself, on gateways that a person gives for it.

    YOLODEPLOY_K3S_INVENTORY   an inventory file of plain Ansible: servers, agents, how to log in
    YOLODEPLOY_K3S_PARTS       a folder as a bundle brings it: k3s's own files, and `lock.yml`
    YOLODEPLOY_K3S_RESET=1     reset them afterwards

`pytest -m k3s tests/provision/test_real_k3s.py`
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.provision.ansible import Inventory, Played, play
from tests.provision.conftest import of_parts

pytestmark = [pytest.mark.k3s, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """The person's own inventory."""
    named = os.environ.get("YOLODEPLOY_K3S_INVENTORY")
    if not named:
        pytest.skip("no gateways were given in YOLODEPLOY_K3S_INVENTORY")
    return Inventory.of_file(Path(named).resolve(), tmp_path_factory.mktemp("ansible"))


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    """k3s's own files, or nothing: then the gateways fetch them."""
    named = os.environ.get("YOLODEPLOY_K3S_PARTS")
    return of_parts(Path(named).resolve()) if named else {}


def run(playbook: str, given: Inventory, parts: dict[str, Any], **variables: Any) -> Played:
    return play(playbook, given, limit_s=1800, **parts, **variables).well()


def test_a_real_site_is_made_proved_and_left_alone_the_second_time(
    given: Inventory, parts: dict[str, Any]
) -> None:
    run("site.yml", given, parts)
    assert run("site.yml", given, parts).total("changed") == 0


@pytest.mark.skipif(not os.environ.get("YOLODEPLOY_K3S_RESET"), reason="YOLODEPLOY_K3S_RESET")
def test_a_real_site_is_reset(given: Inventory, parts: dict[str, Any]) -> None:
    assert run("reset.yml", given, parts, reset_confirm="site").total("changed") > 0
    assert run("reset.yml", given, parts, reset_confirm="site").total("changed") == 0
