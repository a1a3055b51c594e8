"""Sites and plays in the dashboard, over a real inventory.

If these fail, a technician does not see which gateway stands still and why, or ends the wrong play.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from textual.command import CommandList, CommandPalette
from textual.widgets import Checkbox, Input

from yolodeploy.inventory import operations
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.ops.actions import ACTIONS
from yolodeploy.ops.home import Home
from yolodeploy.ops.play_actions import Begun, source_option
from yolodeploy.tui.screens.ask import Ask
from yolodeploy.tui.screens.confirm import Confirm
from yolodeploy.tui.screens.form import AddDevice
from yolodeploy.tui.screens.play import PlayScreen
from yolodeploy.tui.screens.whole import Whole
from yolodeploy.tui.widgets.lines import Lines
from yolodeploy.tui.widgets.table import Table

from . import plays
from .conftest import Opened, press, until
from .fleet import NOW

LINE_3 = "op-0000b2"


@pytest.fixture
def home(home: Home) -> Home:
    """With a site of gateways in it."""
    plays.build(home)
    return home


def text(app: object, selector: str) -> str:
    return app.screen.query_one(selector, Lines).plain  # type: ignore[attr-defined, no-any-return]


async def test_a_play_that_runs_is_followed_and_its_failures_are_told(
    home: Home, opened: Opened
) -> None:
    async with opened(home) as pilot:
        await press(pilot, "4", "o")
        screen = pilot.app.screen
        assert isinstance(screen, PlayScreen)
        hosts, tasks = screen.query_one("#hosts", Table), screen.query_one("#tasks", Table)
        assert [row.host for row in hosts.rows.shown] == list(plays.HOSTS)
        assert tasks.current.task == "Start k3s", "the newest one is on top"
        await press(pilot, "down")
        assert "the disk is full" in text(pilot.app, "#said")
        assert "apt-get clean" in text(pilot.app, "#said")
        assert "\x1b" not in text(pilot.app, "#said")
        with open_inventory(home.inventory) as inventory:
            said = [
                plays.step(NOW, "gw-1", *plays.TASKS[-1], "ok", seconds=5.0),
                plays.step(NOW, "gw-1", "proof", "Run a pod", "running"),
            ]
            operations.append_events(inventory, LINE_3, said)
        await press(pilot, "up")
        await until(pilot, lambda: tasks.current is not None and tasks.current.role == "proof")
        assert tasks.rows.cursor == 0, "it is followed"

        await press(pilot, "tab", "down", "enter")
        assert isinstance(pilot.app.screen, Whole)
        await press(pilot, "escape", "escape")
        assert pilot.app.screen.where == "sites"  # type: ignore[attr-defined]


async def test_what_a_task_reported_is_shown_when_somebody_asks(home: Home, opened: Opened) -> None:
    async with opened(home, size=(132, 43)) as pilot:
        await press(pilot, "4", "o", "enter", "G", "up", "enter")
        assert isinstance(pilot.app.screen, Whole)
        assert "memory_mb: 3812" in text(pilot.app, "#whole")


async def test_opened_again_it_is_as_it_was(home: Home, opened: Opened) -> None:
    pictures = []
    for _ in range(2):
        async with opened(home) as pilot:
            await press(pilot, "4", "o", "down")
            shown = pilot.app.screen.query_one("#tasks", Table).rows.shown
            pictures.append((text(pilot.app, "#title"), text(pilot.app, "#said"), shown))
    assert pictures[0] == pictures[1]
    assert len(pictures[0][2]) == 6


async def test_a_play_whose_process_is_gone_says_so(home: Home, opened: Opened) -> None:
    with open_inventory(home.inventory) as inventory:
        operations.started(inventory, LINE_3, 2**22 - 1, "another boot", at=NOW)
    async with opened(home) as pilot:
        await press(pilot, "4", "o")
        assert "cut off" in text(pilot.app, "#title")
        await press(pilot, "c")
        with read_inventory(home.inventory) as inventory:
            assert not operations.cancel_requested(inventory, LINE_3), "there is nothing to end"


async def test_cancel_asks_the_play_to_end(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "4", "o", "c")

        def asked() -> bool:
            with read_inventory(home.inventory) as inventory:
                return operations.cancel_requested(inventory, LINE_3)

        await until(pilot, asked)
        with open_inventory(home.inventory) as inventory:
            operations.finish(inventory, LINE_3, OperationState.CANCELLED, 130, at=time.time())
        await until(pilot, lambda: "● done" in text(pilot.app, "#message"))
        assert "operations cancel" in text(pilot.app, "#message")
        await until(pilot, lambda: "cancelled" in text(pilot.app, "#title"))


async def test_provisioning_asks_where_from_and_opens_the_play(
    home: Home, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The action itself is `tests/provision`'s; here, that it gets what was typed."""
    given: list[tuple[object, ...]] = []

    def begun(*words: object) -> Begun:
        given.append(words)
        return Begun(LINE_3)

    monkeypatch.setattr("yolodeploy.ops.play_actions.provision", begun)
    async with opened(home) as pilot:
        await press(pilot, "4", "p")
        assert isinstance(pilot.app.screen, Ask)
        await press(pilot, *"/stick/x.tar")
        assert "site provision line-3 --bundle /stick/x.tar" in text(pilot.app, "#told")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlayScreen))
    assert given == [(home, "line-3", "/stick/x.tar")]


async def test_reset_is_confirmed_and_cancel_has_the_focus(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "4", "x")
        assert isinstance(pilot.app.screen, Confirm)
        assert "site reset line-3 --yes" in text(pilot.app, "#told")
        await press(pilot, "enter")
        with read_inventory(home.inventory) as inventory:
            assert len(operations.list_operations(inventory)) == 2, "nothing was begun"


async def test_a_gateway_is_added_in_a_form(
    home: Home, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        "yolodeploy.ops.play_actions.add_device", lambda *words: given.append(words)
    )
    async with opened(home) as pilot:
        await press(pilot, "4", "a", "enter")
        assert isinstance(pilot.app.screen, AddDevice)
        assert pilot.app.screen.query_one("#form-name", Input).has_focus, "both are needed"
        await press(pilot, *"gw-9", "enter", *"root@10.4.0.9", "down", "down", "down", "space")
        assert pilot.app.screen.query_one("#tick", Checkbox).value
        told = "device add gw-9 root@10.4.0.9 --server --site line-3"
        assert told in text(pilot.app, "#told")
        await press(pilot, "up", "enter")
        await until(pilot, lambda: bool(given))
    assert given == [(home, "line-3", "gw-9 root@10.4.0.9 --server")]


async def test_what_was_typed_wrongly_is_one_line_and_changes_nothing(
    home: Home, opened: Opened
) -> None:
    before = home.inventory.read_bytes()
    async with opened(home) as pilot:
        await press(pilot, "4", "a", *"GW 9", "enter", *"-oProxyCommand=x", "enter")
        await until(pilot, lambda: "✗" in text(pilot.app, "#message"))
        await asyncio.sleep(0)
    assert home.inventory.read_bytes() == before


async def test_only_what_fits_a_kind_of_site_is_offered(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "4", "down", "p")
        assert "no gateways" in text(pilot.app, "#message")
        pilot.app.tell(())  # type: ignore[attr-defined]
        await press(pilot, "o")
        assert "no gateways" in text(pilot.app, "#message"), "nothing could be provisioned there"
        for down, site, kind in ((0, "plant-east", "embedded"), (1, "line-3", "k3s")):
            await press(pilot, *(["up"] * down), "ctrl+p")
            assert isinstance(pilot.app.screen, CommandPalette)
            other = {action.title() for action in ACTIONS.values() if action.kind not in ("", kind)}
            await press(pilot, *site)
            options = pilot.app.screen.query_one(CommandList)

            def shown(options: CommandList = options) -> str:
                found = map(options.get_option_at_index, range(options.option_count))
                return " ".join(str(option.prompt) for option in found)

            await until(pilot, lambda site=site, shown=shown: f"{site}: " in shown())  # type: ignore[misc]
            assert not [title for title in other if f"{site}: {title}" in shown()]
            await press(pilot, "escape")


@pytest.mark.parametrize(
    ("typed", "option"),
    [("online", "--online"), ("/a b/x.tar", "--bundle '/a b/x.tar'"), ("parts", "--parts parts"),
     ("$(x)", "--parts '$(x)'")],
)  # fmt: skip
def test_where_parts_come_from(typed: str, option: str, tmp_path: Path) -> None:
    assert source_option(typed) == option
