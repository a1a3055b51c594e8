"""If this fails, a release that nobody can judge any more stays where nobody can take it back.

Two clusters and an embedded site are on trial when their link is cut for good, and the engine dies.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing

import pytest
from msgspec.structs import replace

from tests.fleet.ending import wrongs
from tests.fleet.fleet import FLEET_WISH, Fleet
from tests.fleet.plants import Kind
from tests.sites.parts import APP, until
from yolodeploy.core.site import AppState, Phase
from yolodeploy.core.steps import SiteResult

pytestmark = pytest.mark.slow

CUT = ("plant-01", "plant-02", "plant-03")


def test_with_the_link_cut_for_good_after_the_switch_the_guard_reverts(fleet: Fleet) -> None:
    laptop = fleet.laptop
    wish = replace(FLEET_WISH, waves="100%", soak_s=300.0, observe_s=330.0)
    started = laptop.start(fleet.sound, CUT, wish)
    for name in CUT:
        laptop.reached(started.rollout, "observe intended", name)
    for name in CUT:
        if name in fleet.links:
            fleet.cut(name)
    pid = laptop.operation(started).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    # only now: on a busy machine it takes any time until all three are on trial and cut off
    for name in CUT:
        run_out(fleet, name)

    for name in CUT:
        app = until(lambda name=name: reverted(fleet, name), f"{name} has gone back by itself")  # type: ignore[misc]
        assert app.reason == "deadline"
        assert app.release == laptop.kept(fleet.before)
        (instance,) = fleet.inside(name).observe().instances
        assert instance.ready, "and it serves"

    # months later: what happened there is told, and nothing is tried again
    for name in CUT:
        fleet.mend(name)
    assert laptop.drive(started.rollout) == 4
    assert set(laptop.results(started.rollout).values()) == {SiteResult.REVERTED}
    assert not wrongs(fleet, laptop, started.rollout, Kind.SOUND, only=CUT)


def run_out(fleet: Fleet, name: str) -> None:
    """As if the guard had waited already: it counts seconds since boot."""
    if name in fleet.plants:
        fleet.plants[name].run_out()
        return
    with closing(sqlite3.connect(fleet.laptop.bench(name).folder.database)) as store, store:
        store.execute("UPDATE apps SET guard_until = 1.0 WHERE guard_until IS NOT NULL")


def reverted(fleet: Fleet, name: str) -> AppState | None:
    app = fleet.inside(name).observe().app(APP)
    return app if app and app.phase is Phase.REVERTED else None
