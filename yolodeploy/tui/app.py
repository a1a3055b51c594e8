"""The dashboard."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import App
from textual.binding import BindingType
from textual.command import CommandPalette, Provider
from textual.screen import Screen

from yolodeploy.core.camera_trial import Found
from yolodeploy.core.errors import Failed, YolodeployError, unforeseen
from yolodeploy.ops.actions import ACTIONS, Action
from yolodeploy.ops.home import Home
from yolodeploy.ops.play_actions import Begun
from yolodeploy.ops.settings import language, settings
from yolodeploy.ops.tending import WhileOpen
from yolodeploy.tui.collecting import Collect, Collecting
from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.messages import Collected, Performed, SnapshotRead
from yolodeploy.tui.palette import ActionCommands
from yolodeploy.tui.performing import carry_out
from yolodeploy.tui.reading import Reader
from yolodeploy.tui.screens.cameras import CamerasScreen
from yolodeploy.tui.screens.device import DeviceScreen
from yolodeploy.tui.screens.events import EventsScreen
from yolodeploy.tui.screens.fleet import FleetScreen
from yolodeploy.tui.screens.framed import Framed
from yolodeploy.tui.screens.help import HelpScreen
from yolodeploy.tui.screens.latency import LatencyScreen
from yolodeploy.tui.screens.logs import LogsScreen
from yolodeploy.tui.screens.play import PlayScreen
from yolodeploy.tui.screens.rollout import RolloutScreen
from yolodeploy.tui.screens.rollouts import RolloutsScreen
from yolodeploy.tui.screens.site import SiteScreen
from yolodeploy.tui.screens.sites import SitesScreen
from yolodeploy.tui.state.fleet import FleetRow
from yolodeploy.tui.state.latency import Key
from yolodeploy.tui.state.snapshot import Snapshot, Wanted
from yolodeploy.tui.terminal import Terminal
from yolodeploy.tui.theme import THEME
from yolodeploy.tui.views.cameras import trial_line
from yolodeploy.tui.views.frame import error_line
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.words import Words

NOTICE_S = 20.0
"""How long the outcome of an action stays at the bottom."""

PLAY_S = 0.5
"""How often a play that runs is read while it is open."""


class Dashboard(App[int]):
    """Fleet, devices, rollouts, events. Shows snapshots; does no I/O of its own."""

    TITLE = "yolodeploy"
    CSS_PATH = "dashboard.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ActionCommands}
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("app")
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {
        "fleet": FleetScreen,
        "rollouts": RolloutsScreen,
        "events": EventsScreen,
        "sites": SitesScreen,
        "latency": LatencyScreen,
    }

    def __init__(
        self,
        home: Home,
        *,
        clock: Callable[[], float] = time.time,
        collect: Collect | None = None,
        refresh_s: float = 2.0,
        words: Words | None = None,
    ) -> None:
        super().__init__(driver_class=Terminal)
        self.home = home
        self.words = words or Words(language())
        self.snapshot = Snapshot()
        self._clock = clock
        self._refresh_s = refresh_s
        self._reader = Reader(home, self.words.language)
        self._reading = False
        self._read_again = False
        self._read_at = self._read_took_s = 0.0
        self._live = False
        self._notice: tuple[Line, float] | None = None
        self._collect_error: YolodeployError | None = None
        self._collecting = Collecting(
            home, collect or WhileOpen(), lambda error: self.post_message(Collected(error))
        )

    def on_mount(self) -> None:
        """Show what is known, then ask the sites, then both again and again."""
        self.register_theme(THEME)
        self.theme = THEME.name
        self.switch_mode("fleet")
        self.read(first=True)
        self.set_interval(1.0, self._tick)
        self.set_interval(PLAY_S, self._follow_play)

    def look(self) -> Look:
        """The language and the time."""
        return Look(self.words, self._clock())

    @property
    def is_reading(self) -> bool:
        """Whether a newer picture is on its way."""
        return self._reading

    # reading and collecting ------------------------------------------------------------------

    def read(self, *, first: bool = False) -> None:
        """Read the inventory, unless that is being done: then once more afterwards."""
        if self._reading:
            self._read_again = True
            return
        self._reading = True
        self._read_at = time.monotonic()
        self._read(self._wanted(), first)

    @work(thread=True, group="reading", exit_on_error=True)
    def _read(self, wanted: Wanted, first: bool) -> None:
        if first:
            early = self._reader.read(wanted, self._clock(), with_latency=False)
            self.post_message(SnapshotRead(early, last=False))
        self.post_message(SnapshotRead(self._reader.read(wanted, self._clock())))

    def on_snapshot_read(self, message: SnapshotRead) -> None:
        """Show it; what was asked for meanwhile is read next."""
        self.snapshot = message.snapshot
        for screen in self._framed():
            screen.show(self.snapshot, self.look())
        if not message.last:
            return
        self._reading = False
        self._read_took_s = time.monotonic() - self._read_at
        self._read_at = time.monotonic()
        if self._read_again:
            self._read_again = False
            self.read()
        if not self._live:
            self._live = True
            self._collecting.begin()
            self.set_interval(self._refresh_s, self._round)

    def _round(self) -> None:
        """Ask the sites. While they are still being asked, see what others have written."""
        if not self._collecting.begin() and not self._reading:
            self._read_if_rested()

    def _follow_play(self) -> None:
        """A play that is open is seen as it goes on."""
        for screen in self._framed()[-1:]:
            if isinstance(screen, PlayScreen) and screen.runs and not self._reading:
                self._read_if_rested()

    def on_collected(self, message: Collected) -> None:
        """What the sites said is in the inventory now."""
        if message.error is not None and not isinstance(message.error, YolodeployError):
            raise message.error
        self._collect_error = message.error
        self._read_if_rested()

    def _read_if_rested(self) -> None:
        """Read no more than a third of the time: ten thousand devices take a second."""
        if time.monotonic() - self._read_at >= 2 * self._read_took_s:
            self.read()

    def _wanted(self) -> Wanted:
        framed = [screen for screen in self.screen_stack if isinstance(screen, Framed)]
        return framed[-1].wanted() if framed else Wanted()

    def _framed(self) -> list[Framed]:
        """Screens that can show something: while the app ends, their widgets go before they do."""
        if not self.is_running:
            return []
        return [s for s in self.screen_stack if isinstance(s, Framed) and s.composed]

    def _tick(self) -> None:
        for screen in self._framed()[-1:]:
            screen.show_frame()

    # what is told ----------------------------------------------------------------------------

    def told(self, problem: YolodeployError | None) -> Line | None:
        """The line above the keys: what an action came to, else what is wrong at present.

        A screen says with `problem` what is wrong with what it shows itself.
        """
        if self._notice is not None and self._clock() < self._notice[1]:
            return self._notice[0]
        problem = self.snapshot.problem or problem or self._collect_error
        return error_line(problem, self.look()) if problem else None

    def tell(self, line: Line, for_s: float = NOTICE_S) -> None:
        """Say something above the keys for a while."""
        self._notice = (line, self._clock() + for_s)
        self._tick()

    # actions ---------------------------------------------------------------------------------

    def begin(self, action: Action, name: str) -> None:
        """Carry out an action of the table; dialogs come first where it needs them."""
        self.run_worker(carry_out(self, action, name), group="actions")

    def on_performed(self, message: Performed) -> None:
        """Say what it came to, and show it."""
        if message.error is not None:
            self.tell(error_line(message.error, self.look()))
        else:
            outcome = self._outcome(message.result)
            self.tell((*outcome, Span(f"  $ {message.command}", "dim")))
            if isinstance(message.result, Begun) and message.result.operation:
                self.open_play(message.result.operation)
        self.read()

    def _outcome(self, result: object) -> Line:
        """What an action came to, in a few words."""
        if isinstance(result, Found):
            return trial_line(result, self.look())
        started = getattr(result, "rollout", "")
        done = self.words("started", rollout=started) if started else self.words("done")
        return (Span(f"  ● {done}", "good"),)

    def turn_hold(self, row: FleetRow | None) -> None:
        """Hold a device, or end its hold; a hold of its site is ended there."""
        if row is None:
            return
        name = self.snapshot.name_of(row)
        if row.held is None and row.site_held is not None:
            text = self.words("device.site_held", reason=row.site_held)
            command = ACTIONS["site.unhold"].command_for(row.site)
            self.tell((Span(f"  ■ {text}", "warn"), Span(f"  $ {command}", "dim")))
            return
        self.begin(ACTIONS["device.hold" if row.held is None else "device.unhold"], name)

    def action_go(self, mode: str) -> None:
        """To one of the tabs, and there to its list."""
        self.switch_mode(mode)
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def action_refresh_now(self) -> None:
        """Ask the sites now."""
        asked = self._collecting.begin()
        self.tell((Span("  " + self.words("asking" if asked else "asking_already"), "dim"),))

    def action_help(self) -> None:
        """Keys and signs."""
        self.push_screen(HelpScreen(self.look()))

    def action_command_palette(self) -> None:
        """The actions on what is selected."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=self.words("palette")))

    def open_device(self, key: Key) -> None:
        """Open one device."""
        self.push_screen(DeviceScreen(key))

    def open_play(self, play: str) -> None:
        """Open one play."""
        self.push_screen(PlayScreen(play))

    def open_rollout(self, rollout: str) -> None:
        """Open one rollout."""
        self.push_screen(RolloutScreen(rollout))

    def open_site(self, site: str) -> None:
        """Open one site."""
        self.push_screen(SiteScreen(site))

    def open_cameras(self, site: str) -> None:
        """Open the cameras of a site."""
        self.push_screen(CamerasScreen(site))

    def open_logs(self, site: str, device: str = "", *, tab: str = "sites") -> None:
        """Follow the servers of a site, or of one of its devices."""
        self.push_screen(LogsScreen(site, device, tab))

    def _fatal_error(self) -> None:
        """Say what broke. Textual would show the variables there, and a token is in some."""
        error = sys.exception()
        if os.environ.get("YOLODEPLOY_DEBUG") or not isinstance(error, Exception):
            super()._fatal_error()
            return
        told = Failed("tui.broken", reason=unforeseen(error))
        self.panic(Text(told.whole(self.words.language)))


def run(home: Home) -> int:
    """The dashboard, until somebody quits; returns the exit code.

    Raises:
        UsageError: As `ops.settings.settings`.
    """
    refresh_s = float(settings()["refresh_seconds"].value)
    return Dashboard(home, refresh_s=refresh_s).run() or 0
