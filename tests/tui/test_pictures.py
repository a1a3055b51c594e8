"""Pictures of the screens: what a person sees, cell by cell, in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.controllers import ControllerRow, set_controller
from yolodeploy.ops.home import Home
from yolodeploy.ops.one_controller import only_controller

from . import fleet, plays
from .conftest import dashboard, press, settled

SMALL, LARGE = (80, 24), (200, 60)


@pytest.mark.parametrize(
    ("size", "language", "keys"),
    [
        pytest.param(SMALL, "en", [], id="fleet"),
        pytest.param(SMALL, "zh", [], id="fleet-zh"),
        pytest.param((112, 18), "en", [], id="fleet-wide"),
        pytest.param(SMALL, "en", ["down", "enter"], id="device"),
        pytest.param(LARGE, "zh", ["down", "down", "down", "enter"], id="device-zh-large"),
        pytest.param(SMALL, "en", ["2"], id="rollouts"),
        pytest.param((100, 26), "en", ["2", "enter"], id="rollout"),
        pytest.param(SMALL, "en", ["2", "down", "enter", "enter"], id="rollout-site"),
        pytest.param(SMALL, "en", ["3"], id="events"),
        pytest.param((60, 20), "zh", ["5"], id="latency-zh-narrow"),
        pytest.param(SMALL, "en", ["4", "enter"], id="site"),
        pytest.param(SMALL, "zh", ["2", "a"], id="confirm-zh"),
        pytest.param(SMALL, "en", ["question_mark"], id="help"),
        pytest.param(SMALL, "en", ["4"], id="sites"),
        pytest.param((132, 43), "zh", ["4"], id="sites-zh-large"),
        pytest.param(SMALL, "zh", ["4", "a"], id="add-device-zh"),
        pytest.param(SMALL, "en", ["4", "o", "down"], id="play"),
        pytest.param((132, 43), "zh", ["4", "o", "down", "tab"], id="play-zh-large"),
    ],
)
def test_screen(
    home: Home,
    snap_compare: Callable[..., bool],
    size: tuple[int, int],
    language: str,
    keys: list[str],
) -> None:
    if keys[:1] == ["4"]:
        plays.build(home)

    async def before(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await press(pilot, *keys)
        for entry in pilot.app.screen.query(Input):
            entry.cursor_blink = False  # on a busy machine the picture is of either half second
        await pilot.pause()

    app = dashboard(home, language, refresh_s=3600.0)
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize(
    ("size", "language", "silent_s"),
    [
        pytest.param(SMALL, "en", 2.0, id="controller"),
        pytest.param((112, 18), "zh", 600.0, id="controller-hangs-zh"),
    ],
)
def test_who_goes_on_with_rollouts(
    home: Home, snap_compare: Callable[..., bool], size: tuple[int, int], language: str,
    silent_s: float,
) -> None:  # fmt: skip
    """A version that is no other's, so that the picture does not change with ours."""
    began = fleet.NOW - 3 * 3600
    row = ControllerRow("gw-1", 7, "0.0.9", began, fleet.NOW - silent_s, round_at=fleet.NOW - 9)
    with open_inventory(home.inventory) as inventory:
        set_controller(inventory, row)

    async def before(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await press(pilot, "2")

    with only_controller(home):
        app = dashboard(home, language, refresh_s=3600.0)
        assert snap_compare(app, terminal_size=size, run_before=before)
