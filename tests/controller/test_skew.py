"""Versions that differ: if these fail, a release is brought back without what it was made of."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.running import program
from tests.rollouts.plant import Plant
from yolodeploy.core.errors import Refused
from yolodeploy.core.versions import is_later
from yolodeploy.core.waves import Standing
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.controllers import ControllerRow, set_controller
from yolodeploy.ops import controller_state, doctor, rollouts
from yolodeploy.ops.home import Home
from yolodeploy.ops.one_controller import only_controller
from yolodeploy.ops.sites import refresh
from yolodeploy.sites.embedded.folder import SiteFolder

_NUMBERS = st.tuples(st.integers(0, 999), st.integers(0, 999), st.integers(0, 999))


@given(_NUMBERS, _NUMBERS)
def test_the_first_two_numbers_say_which_is_later(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    texts = [".".join(map(str, numbers)) for numbers in (one, other)]
    assert is_later(*texts) == (one[:2] > other[:2])


@pytest.mark.parametrize("text", ["", "new", "1", "1.x", "-1.2", "９.9", "9" * 5000, "\x1b[31m"])
def test_what_a_stranger_calls_a_version_is_none(text: str) -> None:
    assert not is_later(text, "0.1.0")
    assert not is_later("9.9.9", text)


def test_a_site_of_a_newer_yolodeploy_is_left_alone_and_named(home: Home) -> None:
    plant = Plant(home)
    [bench] = plant.sites(1)
    release = plant.release(1)
    assert plant.run(release)[1] == 0
    database = sqlite3.connect(SiteFolder(home.site(bench.site.name)).database)
    [[text]] = database.execute("SELECT intent FROM apps").fetchall()
    intent = json.loads(text)
    intent["release"]["spec"]["colour"] = "red"
    database.execute("UPDATE apps SET intent = ?", (json.dumps(intent),))
    database.commit()
    database.close()
    with pytest.raises(Refused) as refused:
        bench.site.observe()
    assert refused.value.code == "site.newer"
    assert "colour" in refused.value.text()
    _, planned = rollouts.plan(home, plant.release(2), (), rollouts.Wish())
    [site] = planned.sites
    assert (site.standing, planned.waves) == (Standing.BLOCKED, ())
    assert "newer yolodeploy" in site.reason
    refresh(home, [])
    shown = program("doctor", home=home.root)
    assert "was asked for by a newer yolodeploy" in shown.err + shown.out


@dataclass
class Ours:
    """What this version is called for a while."""

    monkeypatch: pytest.MonkeyPatch

    def __call__(self, version: str) -> None:
        for module in (doctor, controller_state):
            self.monkeypatch.setattr(module, "__version__", version)


def test_doctor_names_servers_and_a_controller_of_another_version(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = Plant(home)
    plant.sites(1)
    assert plant.run(plant.release(1))[1] == 0
    ours = Ours(monkeypatch)

    def found() -> list[str]:
        return [error.code for check in doctor.examine(home) for error in check.findings]

    assert not [code for code in found() if re.search("version", code)]
    with only_controller(home):
        with open_inventory(home.inventory) as inventory:
            at = controller_state.time.time()
            set_controller(inventory, ControllerRow("gw-1", 1, "0.1.0", at, at))
        ours("0.0.9")
        assert {"doctor.server_version", "controller.version"} <= set(found())
        ours("0.2.0")  # an earlier server is what its image holds
        assert "doctor.server_version" not in found()
