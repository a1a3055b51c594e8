"""The controller: collects, drives and tells without a person, until it is stopped.

Everything that a successor needs is in the inventory and in the sites; kill -9 loses nothing.
Rollouts run in processes of their own and go on when the controller ends.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import TYPE_CHECKING

from yolodeploy import __version__
from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.notices import Notice
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.controllers import ControllerRow, set_controller
from yolodeploy.ops.driving import Tell
from yolodeploy.ops.kept_open import KeptOpen
from yolodeploy.ops.loops import Loop
from yolodeploy.ops.notifying import deliver, notify
from yolodeploy.ops.one_controller import only_controller
from yolodeploy.ops.rounds import Rounds
from yolodeploy.ops.settings import settings
from yolodeploy.ops.systemd import Systemd
from yolodeploy.ops.tending import Tending

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

TEND_S, DELIVER_S, SAY_S = 3.0, 5.0, 5.0
HUNG_S = 900.0
"""A call that takes longer is no longer waited for: systemd or Kubernetes starts us anew."""

ALARM_S = 3600.0
LEAVE_S = 3.0
"""How long the end waits for what is being done; all of it may be cut off."""


def run(
    home: Home,
    tell: Tell,
    mistake: Callable[[Exception], None],
    stop: Event,
    systemd: Systemd,
) -> None:
    """Control until `stop` is set.

    Raises:
        Refused: `controller.runs`; `inventory.newer`, at any time.
        UsageError: As `ops.settings.settings`.
        Failed: `home.not_created`, `inventory.*`.
    """
    pace_s = settings()["collect_seconds"].value
    with only_controller(home.create()):
        open_inventory(home.inventory).close()
        controller = _Controller(home, tell, mistake, pace_s)
        tell("controller.begins", {"home": str(home.root), "seconds": f"{pace_s:g}"})
        systemd.ready()
        try:
            controller.run(stop, systemd)
        finally:
            systemd.stopping()
            controller.end()
            tell("controller.ended", {})


class _Controller:
    def __init__(
        self, home: Home, tell: Tell, mistake: Callable[[Exception], None], pace_s: float
    ) -> None:
        self._home = home
        self._tell = tell
        self._pace_s = pace_s
        self._kept = KeptOpen(home)
        self._rounds = Rounds()
        self._tending = Tending(home)
        self._outbox = KeptOpen(home)
        self._stuck: Mapping[str, str] = {}
        self._told: dict[str, str] = {}
        self._alarmed_at = float("-inf")
        now = time.time()
        self._row = ControllerRow(socket.gethostname(), os.getpid(), __version__, now, now)
        self._loops = (
            Loop("collecting", self._collect, self._rest_s, mistake),
            Loop("tending", self._tend, lambda took_s: TEND_S, mistake),
            Loop("notices", self._deliver, lambda took_s: DELIVER_S, mistake),
        )

    def run(self, stop: Event, systemd: Systemd) -> None:
        for loop in self._loops:
            loop.start()
        every_s = min(SAY_S, systemd.watchdog_s / 3 or SAY_S)
        while not stop.is_set():
            self._say(systemd)
            stop.wait(every_s)
            for loop in self._loops:
                if loop.fault is not None and loop.fault.code == "inventory.newer":
                    raise loop.fault  # who starts us anew may have that version

    def end(self) -> None:
        """Leave; what is cut off here is done again by whoever comes next."""
        for loop in self._loops:
            loop.leave()
        deadline = time.monotonic() + LEAVE_S
        for loop in self._loops:
            loop.join(max(deadline - time.monotonic(), 0.0))
        now = time.time()
        self._store(self._row._replace(alive_at=now, ended_at=now, trouble=""))

    def _collect(self) -> None:
        began = time.monotonic()
        self._rounds(self._home)
        took_s = time.monotonic() - began
        self._row = self._row._replace(round_at=time.time(), round_s=took_s)

    def _rest_s(self, took_s: float) -> float:
        """So that rounds begin at their pace, or are half of the time where they take longer.

        A tenth is left to chance: controllers that one power cut started shall not ask in step.
        """
        pace_s = self._pace_s * random.uniform(0.95, 1.05)  # noqa: S311 no secret
        return max(pace_s - took_s, took_s / 2, 0.5)

    def _tend(self) -> None:
        troubles = self._troubles()
        troubles.pop("tending", None)  # it could not be told through itself
        self._stuck = self._tending.round(self._tell, troubles)

    def _deliver(self) -> None:
        for error in deliver(self._home, self._outbox.get()):
            self._tell_once("delivery", error)

    def _troubles(self) -> dict[str, str]:
        return {loop.name: loop.fault.text() for loop in self._loops if loop.fault is not None}

    def _say(self, systemd: Systemd) -> None:
        """Say how it is: to the inventory, to systemd, and, where that is news, in the log."""
        for loop in self._loops:
            self._tell_once(loop.name, loop.fault)
        trouble = "; ".join([*self._troubles().values(), *self._stuck.values()])
        status = trouble or f"last round took {self._row.round_s:.1f} s"
        if not all(loop.busy_s() < HUNG_S for loop in self._loops):
            systemd.status(status)
            return
        self._row = self._row._replace(alive_at=time.time(), trouble=trouble)
        self._store(self._row)
        systemd.alive(status)

    def _tell_once(self, part: str, error: YolodeployError | None) -> None:
        text = error.text() if error is not None else ""
        if error is not None and self._told.get(part) != text:
            self._tell(error.code, error.fields)
            if error.code.startswith("inventory."):
                self._alarm(part, text)
        self._told[part] = text

    def _alarm(self, part: str, reason: str) -> None:
        """Tell of an inventory that cannot be written, past it where that must be; not often."""
        if time.monotonic() - self._alarmed_at < ALARM_S:
            return
        self._alarmed_at = time.monotonic()
        fields = {"host": socket.gethostname(), "reason": reason}
        notice = Notice("notice.trouble", part, fields)
        Thread(target=notify, args=(self._home, notice), name="alarm", daemon=True).start()

    def _store(self, row: ControllerRow) -> None:
        try:
            set_controller(self._kept.get(), row)
        except YolodeployError as error:
            self._tell_once("state", error)
