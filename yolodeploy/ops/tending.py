"""What the controller does all the time, and the dashboard while it is open and no controller runs.

Collect, go on with what nobody drives, notice what needs a person, tell it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Thread
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Refused, YolodeployError
from yolodeploy.inventory.notices import prune_notices
from yolodeploy.oci.locks import locked
from yolodeploy.ops.driving import Driver, Tell
from yolodeploy.ops.kept_open import KeptOpen
from yolodeploy.ops.notifying import configured, deliver
from yolodeploy.ops.one_controller import is_running
from yolodeploy.ops.operation_logs import prune_logs
from yolodeploy.ops.rounds import Rounds
from yolodeploy.ops.settings import settings
from yolodeploy.ops.watching import Watch

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

PRUNE_S = 3600.0


class Tending:
    """Driving and watching, by one process at a time."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._kept = KeptOpen(home)
        self._driver = Driver()
        self._watch = Watch(home)
        self._pruned_at = float("-inf")

    def round(self, tell: Tell, troubles: Mapping[str, str]) -> Mapping[str, str]:
        """One look at rollouts and sites; what cannot be driven, and why.

        Raises:
            YolodeployError: `inventory.*`, `home.*` of the settings.
        """
        values = settings()
        try:
            with locked(self._home.root / ".tending", wait_s=0.0):
                inventory = self._kept.get()
                stuck = self._driver.round(self._home, inventory, tell)
                self._watch.round(
                    inventory,
                    {**troubles, **stuck},
                    minutes=values["notify_minutes"].value,
                    hours=values["notify_hours"].value,
                )
                if time.monotonic() - self._pruned_at > PRUNE_S:
                    names = [place.name for place in configured()]
                    prune_notices(inventory, names, at=time.time())
                    prune_logs(self._home, inventory, at=time.time())
                    self._pruned_at = time.monotonic()
        except Refused as error:
            if error.code != "oci.busy":
                raise
            return {}  # another process is at it just now
        return stuck


class WhileOpen:
    """What the dashboard calls round by round: all of it, unless a controller does it."""

    def __init__(self) -> None:
        self._rounds = Rounds()
        self._tending: Tending | None = None
        self._thread: Thread | None = None

    def __call__(self, home: Home) -> None:
        """One round.

        Raises:
            YolodeployError: `inventory.*`.
        """
        if not home.inventory.exists() or is_running(home):
            return
        self._rounds(home)
        if self._tending is None:
            self._tending = Tending(home)
        self._tending.round(lambda code, fields: None, {})
        self._deliver(home)

    def _deliver(self, home: Home) -> None:
        """Beside the rounds: a place that does not answer takes seconds."""
        if self._thread is not None and self._thread.is_alive():
            return

        def run() -> None:
            kept = KeptOpen(home)
            try:
                deliver(home, kept.get())
            except YolodeployError:
                pass  # the outbox keeps it, and the rounds meet the same inventory
            finally:
                kept.close()

        self._thread = Thread(target=run, name="notices", daemon=True)
        self._thread.start()
