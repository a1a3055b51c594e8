"""If this fails, a release that nobody can judge any more stays where nobody can take it back.

Two clusters and an embedded site are on trial when their link is cut for good, and the engine dies.
"""

from __future__ import annotations

import os
import signal

import pytest
from msgspec.structs import replace

from tests.fleet.ending import wrongs
from tests.fleet.fleet import FLEET_WISH, Fleet
from tests.fleet.plants import Kind
from tests.sites.parts import APP, until
from yolodeploy.core.site import AppState, Phase
from yolodeploy.core.steps import SiteResult

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CUT = ("plant-01", "plant-02", "plant-03")
GUARD_S = 15.0


def test_with_the_link_cut_for_good_after_the_switch_the_guard_reverts(fleet: Fleet) -> None:
    laptop = fleet.laptop
    wish = replace(FLEET_WISH, waves="100%", guard_s=GUARD_S, soak_s=60.0, observe_s=90.0)
    started = laptop.start(fleet.sound, CUT, wish)
    for name in CUT:
        laptop.reached(started.rollout, "observe intended", name)
    for name in CUT:
        if name in fleet.links:
            fleet.cut(name)
    pid = laptop.operation(started).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

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


def reverted(fleet: Fleet, name: str) -> AppState | None:
    app = fleet.inside(name).observe().app(APP)
    return app if app and app.phase is Phase.REVERTED else None
