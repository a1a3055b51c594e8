"""What a technician asks of a site at night: who may change it, what runs there, what it says.

If these fail, the dashboard has to be left for another terminal.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.camera_state import CameraState
from yolodeploy.core.camera_trial import Found
from yolodeploy.core.errors import Unreachable, YolodeployError
from yolodeploy.core.nodes import ClusterFigures
from yolodeploy.core.site import (
    AppState,
    DeviceState,
    Fence,
    InstanceState,
    Lease,
    Phase,
    SiteState,
)
from yolodeploy.core.site_settings import Camera
from yolodeploy.core.waves import Scope
from yolodeploy.core.windows import Calendar, parse_window
from yolodeploy.inventory import sites, status
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.events import add_event
from yolodeploy.inventory.releases import get_release
from yolodeploy.ops import camera_actions
from yolodeploy.ops.actions import ACTIONS
from yolodeploy.ops.calendars import calendar_options, calendar_words
from yolodeploy.ops.cameras import Listed
from yolodeploy.ops.home import Home
from yolodeploy.ops.start_action import Asked, asked_of
from yolodeploy.tui.screens import cameras as cameras_screen
from yolodeploy.tui.screens import logs as logs_screen
from yolodeploy.tui.screens.form import AddCamera
from yolodeploy.tui.screens.site import SiteScreen
from yolodeploy.tui.screens.start import StartRollout
from yolodeploy.tui.screens.whole import Whole
from yolodeploy.tui.widgets.lines import Lines, Page
from yolodeploy.tui.widgets.table import Table

from . import fleet
from .conftest import Opened, press, until
from .fleet import NOW
from .test_screens import line, screen_text

DAY = 86400.0
EVIL = "gw\x1b]0;pwned\x07\n[bold]"


def grown(home: Home) -> None:
    """One site of twenty instances: leased, with windows, a certificate that ends, a pod that
    finds no room."""
    with open_inventory(home.inventory) as inventory:
        release = get_release(inventory, f"{fleet.APP}@2")
        names = [f"hall-{number:02}" for number in range(19)] + [EVIL]
        sites.add_site(inventory, "hall", "kubernetes", "hall.yaml#hall", at=NOW - 9e5)
        calendar = Calendar("Europe/Berlin", (parse_window("Mon-Fri 22:00-05:00"),))
        sites.set_site_calendar(inventory, "hall", calendar)
        state = SiteState(
            site="hall",
            at=NOW,
            lease=Lease(Fence(3, "anna@cab/r-9"), NOW - 20, NOW + 40),
            devices=tuple(DeviceState(name=name, ready=True) for name in names),
            apps=(
                AppState(
                    app=fleet.APP, phase=Phase.TRIAL, release=release, settled=True, outage_s=3.5
                ),
            ),
            instances=tuple(
                InstanceState(name=f"{fleet.APP}-{n}", device=name, app=fleet.APP,
                              release=release.digest, ready=n != 3, restarts=0)
                for n, name in enumerate(names)
            ),
            cluster=ClusterFigures(
                certificate_ends=NOW + 5 * DAY, token_ends=NOW + 90 * DAY,
                waiting=("brake-disc-x: 0/1 nodes have a GPU free",),
            ),
        )  # fmt: skip
        status.record_site_state(inventory, "hall", state, at=NOW - 2)


async def test_a_site_tells_who_may_change_it_and_what_ends(home: Home, opened: Opened) -> None:
    grown(home)
    async with opened(home) as pilot:
        await press(pilot, "4", "enter")
        assert isinstance(pilot.app.screen, SiteScreen)
        text = line(pilot, "page")
        for told in (
            "anna@cab/r-9 holds its lease for 40 s",
            "Mon-Fri 22:00-05:00 (Europe/Berlin): opens",
            "server certificate ends in 5 d",
            "token 90 d",
            "no node has room: brake-disc-x: 0/1 nodes have a GPU free",
            "last outage 3.5 s",
            "0 of 1 ready",
        ):
            assert told in text, told
        page = pilot.app.screen.query_one(Page)
        assert "hall-18" in text
        assert page.max_scroll_y > 0, "all twenty are there"
        await press(pilot, "G")  # it glides there for a second
        await until(pilot, lambda: page.scroll_offset.y == page.max_scroll_y)
        assert "\x1b" not in pilot.app.export_screenshot()
        with open_inventory(home.inventory) as inventory:
            sites.remove_site(inventory, "hall")
        pilot.app.read()  # type: ignore[attr-defined]
        await until(pilot, lambda: "This site is gone" in line(pilot, "page"))


async def test_why_a_site_failed_is_shown_whole(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "2", "down", "enter", "enter")
        assert isinstance(pilot.app.screen, Whole)
        text = line(pilot, "whole")
        assert text.index("✗ failed") < text.index("● passed"), "what stopped it comes first"
        for told in (
            "outage expected: 0 s",
            "back to nothing",
            "ready; 0.8 s without",
            "↩",
            "96.2",
        ):
            assert told in text or told == "↩", told
        await press(pilot, "q", "question_mark", "escape", "escape")
        assert pilot.app.screen.where == "rollouts"  # type: ignore[attr-defined]


async def test_an_event_is_shown_whole(home: Home, opened: Opened) -> None:
    told = "it said " + "a lot " * 60 + "\x1b[31mand the end"
    with open_inventory(home.inventory) as inventory:
        add_event(inventory, "yard", "power.lost", at=NOW - 1, detail=told)
    async with opened(home, size=(60, 20)) as pilot:
        await press(pilot, "3", "v")
        assert "and the end" in line(pilot, "whole").replace("\n", " ")
        assert "\x1b" not in pilot.app.export_screenshot()


async def test_keys_that_would_do_nothing_are_not_offered(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "2")
        assert " p pause" in line(pilot, "keys")
        assert " y approve" not in line(pilot, "keys"), "it waits for nobody"
        await press(pilot, "down")
        assert " p pause" not in line(pilot, "keys"), "it has failed"


async def test_how_a_rollout_shall_go_is_chosen_and_planned(home: Home, opened: Opened) -> None:
    with open_inventory(home.inventory) as inventory:
        sites.set_site_labels(inventory, "plant-east", {"line": "a"})
    async with opened(home) as pilot:
        await press(pilot, "2", "n", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, StartRollout)
        await until(pilot, lambda: "gates:" in line(pilot, "plan"))
        assert "3 sites" in line(pilot, "plan")
        screen.query_one("#beside").focus()
        await press(pilot, "enter", "right", "enter", "right", "enter", "enter")
        assert screen.query_one("#beside").size.width > len("beside: canary")
        screen.query_one("#select").focus()
        await press(pilot, *"line=a", "enter")
        command = "rollout start brake-disc@2 --beside canary --approve-after each "
        assert f"{command}--on-failure site --select line=a" in line(pilot, "told")
        await until(pilot, lambda: "first beside the old" in line(pilot, "plan"))
        assert "1 site in 1 wave" in line(pilot, "plan")
        await press(pilot, "escape")
        assert pilot.app.screen.where == "rollouts"  # type: ignore[attr-defined]


async def test_a_selector_that_fits_nothing_says_so_and_starts_nothing(
    home: Home, opened: Opened
) -> None:
    before = home.inventory.read_bytes()
    async with opened(home) as pilot:
        await press(pilot, "2", "n", "enter")
        pilot.app.screen.query_one("#select").focus()
        await press(pilot, *"x=y", "enter")
        await until(pilot, lambda: "✗" in line(pilot, "plan"))
        pilot.app.screen.query_one("#do").focus()
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, StartRollout)
    assert home.inventory.read_bytes() == before


@given(
    st.builds(
        Asked,
        beside=st.sampled_from(("", "canary", "shadow", "blue-green")),
        approve=st.booleans(),
        on_failure=st.sampled_from([scope.value for scope in Scope]),
        select=st.text(max_size=30),
    )
)
def test_what_was_chosen_is_what_the_command_says(asked: Asked) -> None:
    assert asked_of(asked.words) == asked


@pytest.mark.parametrize(
    ("typed", "words", "options"),
    [
        ("always", ([], [], ""), "--always"),
        ("Mon-Fri 22:00-05:00; 2026-12-24 @Europe/Berlin",
         (["Mon-Fri 22:00-05:00"], ["2026-12-24"], "Europe/Berlin"),
         "'Mon-Fri 22:00-05:00' --freeze=2026-12-24 --zone=Europe/Berlin"),
    ],
    ids=["always", "all of it"],
)  # fmt: skip
def test_windows_are_said_in_one_line(
    typed: str, words: tuple[list[str], list[str], str], options: str
) -> None:
    assert calendar_words(typed) == words
    assert calendar_options(typed) == options


async def test_windows_are_set_from_the_list(home: Home, opened: Opened) -> None:
    async with opened(home) as pilot:
        await press(pilot, "4", "w", *"Sun 00:00-24:00", "enter")
        await until(pilot, lambda: "site window plant-east" in line(pilot, "message"))
        await press(pilot, "enter")
        await until(pilot, lambda: "Sun 00:00-24:00 (UTC): opens" in line(pilot, "page"))


async def test_latency_is_grouped_as_one_likes(home: Home, opened: Opened) -> None:
    async with opened(home, size=(60, 20)) as pilot:
        await press(pilot, "5")
        table = pilot.app.screen.query_one(Table)
        await until(pilot, lambda: bool(table.rows.shown))
        assert {item.group for item in table.rows.shown} == {"brake-disc@1", "brake-disc@2"}
        await press(pilot, "b", "b")
        await until(pilot, lambda: "plant-east/east-1" in {i.group for i in table.rows.shown})
        assert "yolodeploy latency --by site,device --last 1h" in line(pilot, "message")
        await press(pilot, "slash", *"west inference", "enter")
        assert [item.bar.stage for item in table.rows.shown] == ["inference"]
        for _ in range(3):
            await press(pilot, "w")
        assert "--last 10min" in line(pilot, "message")


async def test_logs_of_many_servers_are_followed(
    home: Home, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yolodeploy.core.site import LogLine

    told = [
        [("plant-east", LogLine(f"east-{n % 3}", f"brake-disc-{n % 3}", f"line {n}", NOW + n))]
        for n in range(300)
    ]

    def follow(*_: object) -> Iterator[object]:
        yield Unreachable("site.unreachable", site="plant-east", reason="\x1b[31mcut")
        yield from told

    monkeypatch.setattr(logs_screen, "follow", follow)
    async with opened(home) as pilot:
        await press(pilot, "4", "l")
        page = pilot.app.screen.query_one(Page)
        await until(pilot, lambda: "line 299" in page.plain)
        assert "300 lines" in line(pilot, "title")
        assert "cannot be read" in line(pilot, "message")
        await until(pilot, lambda: page.scroll_offset.y == page.max_scroll_y)
        await press(pilot, "g")
        await pilot.resize_terminal(60, 20)
        await press(pilot, "f")
        await until(pilot, lambda: page.scroll_offset.y == page.max_scroll_y)
        stop = pilot.app.screen._stop  # type: ignore[attr-defined]
        await press(pilot, "escape")
        assert stop.is_set(), "nobody listens any more"


BROKEN = Listed(
    "plant-east",
    Camera(name="door", url="rtsp://cam-1/live?key=secret"),
    "east-1",
    CameraState(name="door", url="", phase="failed", reason="\x1b[31mno route to host"),
)


async def test_cameras_are_looked_at_added_and_tried(
    home: Home, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: list[tuple[object, ...]] = []
    cut_off = Unreachable("site.unreachable", site="plant-east", reason="cut off")
    asked = 0

    def told(*_: object) -> tuple[list[Listed], list[YolodeployError]]:
        """A broken camera; then nothing but complaints."""
        nonlocal asked
        asked += 1
        return ([BROKEN], []) if asked == 1 else ([], [cut_off])

    monkeypatch.setattr(cameras_screen, "listed", told)
    monkeypatch.setattr(cameras_screen, "EVERY_S", 0.05)
    monkeypatch.setattr(camera_actions, "add", lambda *given: added.append(given))
    found = Found(codec="h264", width=640, height=480, fps=12.0)
    monkeypatch.setattr(camera_actions, "look_at", lambda *_: found)
    async with opened(home) as pilot:
        await press(pilot, "4", "c")
        await until(pilot, lambda: "no route to host" in line(pilot, "said"))
        assert "✗ failed" in line(pilot, "said")
        await until(pilot, lambda: "cut off" in line(pilot, "message"))
        assert "no route to host" in line(pilot, "said"), "what was told before stands"
        await press(pilot, "enter")
        assert "no route to host" in line(pilot, "whole")
        await press(pilot, "escape", "t")
        await until(pilot, lambda: "it can be read: h264, 640×480" in line(pilot, "message"))
        seen = asked
        await until(pilot, lambda: asked > seen + 2)
        assert "it can be read" in line(pilot, "message"), "an answer outlives more complaints"
        assert "$ yolodeploy camera test rtsp://cam-1/live" in line(pilot, "message")
        assert "secret" not in screen_text(pilot)
        await press(pilot, "a")
        assert isinstance(pilot.app.screen, AddCamera)
        await press(pilot, *"dock", "enter", *"/dev/video0", "enter")
        await until(pilot, lambda: bool(added))
    assert added == [(home, "plant-east", "dock /dev/video0")]


def test_the_command_of_a_camera_keeps_no_key() -> None:
    action = ACTIONS["site.add_camera"]
    line = action.command_for("hall", "door 'rtsp://u:p@cam/x' --track")
    assert shlex.split(line)[3:] == ["door", "--url=URL", "--track", "--site", "hall"]


async def test_without_an_inventory_every_screen_stays(home: Home, opened: Opened) -> None:
    """It goes away while it is looked at: the disk of a laptop, or `rm` in another terminal."""
    async with opened(home, size=(60, 20), refresh_s=0.05) as pilot:
        await press(pilot, "4", "enter")
        for file in home.root.glob("inventory.db*"):
            file.unlink()
        await until(pilot, lambda: "This site is gone" in line(pilot, "page"))
        await press(pilot, "l", "escape", "c", "escape", "w", "escape", "escape")
        await press(pilot, "5", "b", "2", "n", "escape", "1", "question_mark", "q")
        assert "yolodeploy quickstart" in "".join(
            widget.plain for widget in pilot.app.screen.query(Lines)
        )
