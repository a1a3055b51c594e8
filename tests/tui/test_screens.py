"""Every key and every dialog, over a real inventory."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec
import pytest
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.widgets import Button, Input

from yolodeploy.core.errors import Unreachable
from yolodeploy.core.steps import Outcome, Step
from yolodeploy.inventory import devices, journal, rollout_waves, rollouts, sites, status
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.home import Home
from yolodeploy.tui.app import Dashboard
from yolodeploy.tui.screens.ask import Ask
from yolodeploy.tui.screens.confirm import Confirm
from yolodeploy.tui.screens.device import DeviceScreen
from yolodeploy.tui.screens.events import EventsScreen
from yolodeploy.tui.screens.fleet import FleetScreen
from yolodeploy.tui.screens.help import HelpScreen
from yolodeploy.tui.screens.rollout import RolloutScreen
from yolodeploy.tui.screens.rollouts import RolloutsScreen
from yolodeploy.tui.screens.start import StartRollout
from yolodeploy.tui.widgets.lines import Lines
from yolodeploy.tui.widgets.table import Table

from . import fleet
from .conftest import LIMIT_S, Opened, press, settled, until


def app_of(pilot: Pilot[int]) -> Dashboard:
    assert isinstance(pilot.app, Dashboard)
    return pilot.app


def line(pilot: Pilot[int], name: str) -> str:
    return pilot.app.screen.query_one(f"#{name}", Lines).plain


def screen_text(pilot: Pilot[int]) -> str:
    return "\n".join(widget.plain for widget in pilot.app.screen.query(Lines))


def held(home: Home, site: str, name: str) -> str | None:
    with read_inventory(home.inventory) as inventory:
        return devices.get_device(inventory, site, name).held


async def test_it_opens_on_the_fleet_with_the_age_of_the_picture(
    home: Home, opened: Opened
) -> None:
    async with opened(home) as pilot:
        assert isinstance(pilot.app.screen, FleetScreen)
        assert "seen 2 s ago" in line(pilot, "top")
        assert "8 devices" in line(pilot, "title")
        assert "◐ 1" in line(pilot, "top")
        table = pilot.app.screen.query_one(Table)
        assert pilot.app.focused is table
        text = "\n".join(table.render_line(y).text for y in range(9))
        assert "✗ not ready" in text
        assert "○ offline" in text
        assert "▅" in text


async def test_without_an_inventory_one_line_says_what_comes_first(
    tmp_path: Path, opened: Opened
) -> None:
    async with opened(Home(tmp_path)) as pilot:
        assert line(pilot, "empty").strip().endswith("yolodeploy quickstart")
        await press(pilot, "enter", "h", "down", "2")
        assert line(pilot, "empty").strip().endswith("yolodeploy quickstart")
        await press(pilot, "p", "a", "u", "3", "enter", "1")
        assert not (tmp_path / "inventory.db").exists()


async def test_tabs_and_escape(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        for keys, screen in (
            (["2"], RolloutsScreen),
            (["enter"], RolloutScreen),
            (["escape"], RolloutsScreen),
            (["3"], EventsScreen),
            (["1"], FleetScreen),
            (["enter"], DeviceScreen),
            (["2"], RolloutsScreen),
            (["1"], FleetScreen),
            (["enter"], DeviceScreen),
            (["1"], FleetScreen),
        ):
            await press(pilot, *keys)
            assert isinstance(pilot.app.screen, screen), (keys, screen)


async def test_a_device_shows_its_stages(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "down", "enter")
        text = line(pilot, "page")
        for word in ("queue", "decode", "preprocess", "inference", "postprocess", "total", "━"):
            assert word in text
        assert "address 10.1.0.2" in text
        assert "600 requests in 10 minutes, 0 failed" in text


async def test_an_offline_device_shows_what_was_known_last(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "end", "enter")
        assert "offline; this is how it was at 09:09:30, 2 h ago: no route to host" in line(
            pilot, "page"
        )
        assert "934 MB" in line(pilot, "page")


async def test_why_a_site_is_offline_is_said_in_words(home: Home, opened: Opened) -> None:
    with open_inventory(home.inventory) as inventory:
        status.record_unreachable(inventory, "yard", "site.stopped", at=fleet.NOW)
    async with opened(home, language="zh") as pilot:
        await press(pilot, "end", "enter")
        assert "站点已停止" in line(pilot, "page")
        assert "site.stopped" not in line(pilot, "page")


async def test_a_device_that_was_removed_says_so(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "enter")
        with open_inventory(home.inventory) as inventory:
            devices.remove_device(inventory, "plant-east", "east-1")
        app_of(pilot).read()
        await until(pilot, lambda: "This device is gone" in line(pilot, "page"))


async def test_hold_asks_for_a_reason_and_shows_the_command(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "h")
        assert isinstance(pilot.app.screen, Ask)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Ask), "an empty reason is none"
        await press(pilot, *"new lens".replace(" ", "~"))
        pilot.app.screen.query_one(Input).value = "new lens"
        await pilot.pause()
        assert "$ yolodeploy device hold east-1 --reason 'new lens'" in line(pilot, "told")
        await press(pilot, "enter")
        await until(pilot, lambda: held(home, "plant-east", "east-1") == "new lens")
        await until(pilot, lambda: "● done" in line(pilot, "message"))
        await settled(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: "held: new lens" in line(pilot, "page"))
        await press(pilot, "h")
        await until(pilot, lambda: held(home, "plant-east", "east-1") is None)


async def test_escape_leaves_a_question_without_an_answer(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "h", "x", "escape")
        assert isinstance(pilot.app.screen, FleetScreen)
        assert held(home, "plant-east", "east-1") is None


async def test_a_hold_of_the_site_is_ended_at_the_site(home: Home, opened: Opened) -> None:
    with open_inventory(home.inventory) as inventory:
        sites.set_site_hold(inventory, "plant-east", "night shift", at=fleet.NOW)
    async with opened(home, size=(140, 24)) as pilot:
        await press(pilot, "h")
        assert "its site is held: night shift" in line(pilot, "message")
        assert "yolodeploy site unhold plant-east" in line(pilot, "message")


async def test_abort_is_confirmed_and_cancel_has_the_focus(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        for keys in (["enter"], ["escape"]):
            await press(pilot, "2", "a")
            assert isinstance(pilot.app.screen, Confirm)
            assert "$ yolodeploy rollout abort r-2 --yes" in screen_text(pilot)
            focused = pilot.app.focused
            assert isinstance(focused, Button)
            assert focused.id == "cancel"
            await press(pilot, *keys)
            assert isinstance(pilot.app.screen, RolloutsScreen)
            with read_inventory(home.inventory) as inventory:
                assert not rollouts.requests(inventory, "r-2").abort


async def test_abort_that_is_meant_is_asked_for(
    home: Home, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: fleet.NOW)  # the engine's last sign of life is fresh
    async with opened(home) as pilot:
        await press(pilot, "2", "enter", "a", "right", "enter")
        await until(pilot, lambda: "abort" in line(pilot, "title"))
        with read_inventory(home.inventory) as inventory:
            assert rollouts.requests(inventory, "r-2").abort


async def test_an_approval_is_asked_for_shown_and_meant(
    home: Home, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a wave begins because a finger slipped, or a rollout stands and nobody sees why."""
    monkeypatch.setattr(time, "time", lambda: fleet.NOW)
    with open_inventory(home.inventory) as inventory:
        plan = msgspec.structs.replace(rollouts.get_rollout(inventory, "r-2").plan, approvals=(1,))
        inventory.execute(
            "UPDATE rollouts SET plan = ? WHERE number = 2", (msgspec.json.encode(plan).decode(),)
        )
        rollout_waves.end_wave(inventory, "r-2", 1, at=fleet.NOW)
        rollouts.set_state(inventory, "r-2", RolloutState.APPROVAL, at=fleet.NOW)

    def approved() -> str:
        with read_inventory(home.inventory) as inventory:
            found = rollout_waves.waves(inventory, "r-2")
        return found[1].approved_by if 1 in found else ""

    async with opened(home, size=(120, 30)) as pilot:
        await press(pilot, "2", "enter")
        assert "approve?" in line(pilot, "title")
        assert "y approves" in line(pilot, "notes")
        await press(pilot, "y")
        assert isinstance(pilot.app.screen, Confirm)
        assert "$ yolodeploy rollout approve r-2 --yes" in screen_text(pilot)
        focused = pilot.app.focused
        assert isinstance(focused, Button)
        assert focused.id == "cancel"
        await press(pilot, "enter")
        assert not approved()
        await press(pilot, "y", "right", "enter")
        await until(pilot, lambda: "● done" in line(pilot, "message"))
        assert "@" in approved()


async def test_a_rollout_that_waits_says_until_when(home: Home, opened: Opened) -> None:
    with open_inventory(home.inventory) as inventory:
        journal.append_step(
            inventory, "r-2", "plant-west", Step.CHECK, Outcome.SCHEDULED, at=fleet.NOW - 5,
            again_at=fleet.NOW + 7200,
        )  # fmt: skip
        rollouts.set_state(
            inventory, "r-2", RolloutState.WAITING, at=fleet.NOW, again_at=fleet.NOW + 7200
        )
    async with opened(home, size=(120, 30)) as pilot:
        await press(pilot, "2", "enter")
        assert "a controller goes on at " in line(pilot, "notes")
        table = pilot.app.screen.query_one(Table)
        assert "○ check" in table.render_line(2).text


async def test_pause_is_asked_for_and_shown(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "2", "p")
        await until(pilot, lambda: "● done" in line(pilot, "message"))
        with read_inventory(home.inventory) as inventory:
            assert rollouts.requests(inventory, "r-2").pause
        await press(pilot, "enter")
        await until(pilot, lambda: "→ pause" in line(pilot, "title"))


async def test_what_is_refused_is_one_line_with_its_remedy(home: Home, opened: Opened) -> None:
    async with opened(home, size=(120, 24)) as pilot:
        await press(pilot, "2", "down", "u", "right", "enter")
        await until(pilot, lambda: "✗" in line(pilot, "message"))
        assert "replaced nothing that could be brought back" in line(pilot, "message")


async def test_a_rollout_shows_waves_steps_and_gates(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "2", "enter")
        table = pilot.app.screen.query_one(Table)
        rows = [table.render_line(y).text for y in range(1, 4)]
        assert "●●●●●●●" in rows[0]
        assert "● committed" in rows[0]
        assert "●●●●◐··" in rows[1]
        assert "◐ observe" in rows[1]
        assert "○ offline" in rows[2]
        gates = " ".join(line(pilot, "gates").split())
        assert "latency total p95 44.7 ms 55.1 ms 80 ● passed" in gates
        assert "agreement 0 % 20 % 4 ? cannot tell lost" in gates
        await press(pilot, "down")
        assert "No verdict yet" in line(pilot, "gates")
        await press(pilot, "escape", "down", "enter")
        assert "gate latency total p95 failed" in line(pilot, "notes")
        assert "✗ failed" in line(pilot, "gates")


async def test_the_filter_narrows_while_it_is_typed(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        table = pilot.app.screen.query_one(Table)
        await press(pilot, "slash", *"west", "space", *"trial")
        assert [row.device for row in table.rows.shown] == ["west-1"]
        await press(pilot, "enter")
        assert pilot.app.focused is table
        assert "/west trial 1/8" in line(pilot, "title")
        await press(pilot, "escape")
        assert len(table.rows.shown) == 8
        await press(pilot, "slash", "x", "q", "1")
        assert "No row fits" in line(pilot, "empty")
        await press(pilot, "escape")
        assert len(table.rows.shown) == 8
        assert pilot.app.focused is table


async def test_events_open_their_device(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "3")
        table = pilot.app.screen.query_one(Table)
        assert "restarted" in table.render_line(1).text
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, DeviceScreen)
        assert "disk pressure" in line(pilot, "page")


async def test_help_tells_keys_and_signs(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        for word in ("hold/unhold", "● ready", "■ held", "sort by next column"):
            assert word in line(pilot, "help")
        await press(pilot, "q")
        assert isinstance(pilot.app.screen, FleetScreen)


async def picked(pilot: Pilot[int], query: str, offered: str) -> None:
    """Look for a command in the palette, and choose it when it is the first that is offered."""
    pilot.app.screen.query_one(Input).value = query
    found = pilot.app.screen.query_one(CommandList)

    def is_first() -> bool:
        return bool(found.option_count) and offered in str(found.get_option_at_index(0).prompt)

    await until(pilot, is_first)
    await press(pilot, "enter")


async def test_the_palette_offers_what_can_be_done_with_the_selection(
    home: Home, opened: Opened
) -> None:
    async with opened(home) as pilot:
        await press(pilot, "ctrl+p")
        assert isinstance(pilot.app.screen, CommandPalette)
        await picked(pilot, "site stop", "Stop the site's processes")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "$ yolodeploy site stop plant-east --yes" in screen_text(pilot)


async def test_a_rollout_is_planned_before_it_begins(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "ctrl+p")
        await picked(pilot, "brake-disc@2: Roll out", "brake-disc@2: Roll out")
        await until(pilot, lambda: isinstance(pilot.app.screen, StartRollout))
        assert pilot.app.focused is pilot.app.screen.query_one("#cancel")
        await until(pilot, lambda: "gates:" in line(pilot, "plan"))


async def test_sites_are_asked_again_and_again_but_never_twice_at_once(
    home: Home, opened: Opened
) -> None:
    gate, rounds, at_once = threading.Event(), [], []
    running = threading.Lock()

    def collect(home: Home) -> None:
        at_once.append(running.acquire(blocking=False))
        rounds.append(1)
        gate.wait(LIMIT_S)
        running.release()

    async with opened(home, collect=collect, refresh_s=0.05) as pilot:
        await until(pilot, lambda: len(rounds) == 1)
        await pilot.pause(0.4)
        assert len(rounds) == 1, "a round that is under way is not overlapped"
        await press(pilot, "r")
        assert "being asked already" in line(pilot, "message")
        gate.set()
        await until(pilot, lambda: len(rounds) > 3)
    assert all(at_once)


async def test_what_goes_wrong_in_asking_is_one_line(home: Home, opened: Opened) -> None:
    def collect(home: Home) -> None:
        raise Unreachable("site.unreachable", site="yard", reason="\x1b[31mcut off\n")

    async with opened(home, collect=collect) as pilot:
        await until(pilot, lambda: "✗" in line(pilot, "message"))
        assert "site yard cannot be read" in line(pilot, "message")
        assert "\x1b" not in line(pilot, "message")


async def test_what_others_write_appears(home: Home, opened: Opened) -> None:
    async with opened(home, refresh_s=0.05) as pilot:
        with open_inventory(home.inventory) as inventory:
            devices.add_device(inventory, "yard", "yard-3", at=fleet.NOW)
        await until(pilot, lambda: "9 devices" in line(pilot, "title"))


async def test_names_from_devices_reach_neither_markup_nor_the_terminal(
    home: Home, opened: Opened
) -> None:
    evil = "\x1b]0;pwned\x07[bold]x[/nope]"
    with open_inventory(home.inventory) as inventory:
        inventory.execute("UPDATE devices SET name = ?, reason = ? WHERE name = 'east-1'",
                          (evil, evil))  # fmt: skip
    async with opened(home, size=(160, 24)) as pilot:
        app = app_of(pilot)
        place = next(i for i, row in enumerate(app.snapshot.fleet) if row.device == evil)
        await press(pilot, *["down"] * place, "enter")
        assert "\x1b" not in pilot.app.export_screenshot()
        await press(pilot, "ctrl+p")
        # markup is shown, not read
        await until(pilot, lambda: "[/nope]" in pilot.app.export_screenshot())
        await press(pilot, "escape", "h")
        assert isinstance(pilot.app.screen, Ask)
        assert "\x1b" not in pilot.app.export_screenshot()


async def test_it_works_in_chinese(home: Home, opened: Opened) -> None:
    async with opened(home, language="zh") as pilot:
        assert "8 台设备" in line(pilot, "title")
        await press(pilot, "enter")
        assert "推理" in line(pilot, "page")
        await press(pilot, "2", "a")
        assert [str(button.label) for button in pilot.app.screen.query(Button)] == ["取消", "执行"]


async def test_q_quits(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert not pilot.app.is_running or pilot.app._exit


async def test_the_smallest_and_the_largest_terminal(home: Home, opened: Opened) -> None:
    async with opened(home, size=(40, 10)) as pilot:
        await press(pilot, "enter", "escape", "2", "enter", "3", "question_mark", "escape")
        await pilot.resize_terminal(200, 60)
        await press(pilot, "1")
        table = pilot.app.screen.query_one(Table)
        assert "camera is being replaced" in table.render_line(3).text
