"""Pictures of the screens: what a person sees, cell by cell, in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from yolodeploy.ops.home import Home

from . import plays
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
        pytest.param(SMALL, "en", ["3"], id="events"),
        pytest.param(SMALL, "zh", ["2", "a"], id="confirm-zh"),
        pytest.param(SMALL, "en", ["question_mark"], id="help"),
        pytest.param(SMALL, "en", ["4"], id="sites"),
        pytest.param((132, 43), "zh", ["4"], id="sites-zh-large"),
        pytest.param(SMALL, "zh", ["4", "a"], id="add-device-zh"),
        pytest.param(SMALL, "en", ["4", "enter", "down"], id="play"),
        pytest.param((132, 43), "zh", ["4", "enter", "down", "tab"], id="play-zh-large"),
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

    app = dashboard(home, language, refresh_s=3600.0)
    assert snap_compare(app, terminal_size=size, run_before=before)
