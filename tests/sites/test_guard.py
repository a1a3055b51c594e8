"""If these fail, a bad release stays where nobody can reach it, or a good one is taken away."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.sites.parts import APP, Bench, answer, kill, until
from yolodeploy.core.release import Release
from yolodeploy.core.site import Guard, Intent, Phase
from yolodeploy.ops.catalog import create_app, create_release
from yolodeploy.ops.home import Home
from yolodeploy.sites.embedded.clock import since_boot
from yolodeploy.sites.embedded.store import Store


def test_a_trial_that_nobody_commits_goes_back(bench: Bench, v1: Release, v2: Release) -> None:
    fence = bench.commit(v1)
    bench.trial(v2, v1, 0.5, fence)
    app = bench.settled(v1, Phase.REVERTED)
    assert app.reason == "deadline"
    assert app.release == v1
    (event,) = bench.events("guard.reverted")
    assert v1.alias in event.detail
    assert answer(app.endpoints[0]) == 200
    assert bench.only_instance().release == v1.digest


def test_a_first_release_that_nobody_commits_goes_away(bench: Bench, v1: Release) -> None:
    bench.trial(v1, None, 0.1, bench.site.claim("ann", 60.0))
    until(lambda: bench.app().phase is Phase.REVERTED, "it is reverted")
    assert bench.instances() == ()


def test_a_crash_loop_is_reverted_before_the_deadline(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    kill(bench.pid(bench.only_instance().name))
    app = bench.settled(v1, Phase.REVERTED)
    assert app.reason == "restarts"
    assert bench.only_instance().ready


def test_every_app_on_trial_is_watched(
    bench: Bench, home: Home, v1: Release, releases: Callable[..., list[str]]
) -> None:
    """Not only the first one in the alphabet."""
    create_app(home, "zebra")
    other = create_release(home, "zebra", v1.spec.image)
    fence = bench.site.claim("ann", 60.0)
    bench.trial(v1, None, 3600.0, fence)
    bench.site.apply(Intent(app="zebra", release=other, guard=Guard(3600.0)), fence)
    until(lambda: all(app.settled for app in bench.site.observe().apps), "both run")
    kill(next(bench.pid(item.name) for item in bench.instances() if item.app == "zebra"))
    until(lambda: bench.app("zebra").phase is Phase.REVERTED, "zebra went back")
    assert bench.app("zebra").reason == "restarts"
    assert bench.app(APP).phase is Phase.TRIAL


def test_a_killed_agent_comes_back_and_goes_on_guarding(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    servers = {item.name: bench.pid(item.name) for item in bench.instances()}
    first = bench.agent
    kill(first)
    assert {name: bench.pid(name) for name in servers} == servers
    with closing(Store(bench.folder.database, bench.name)) as store:
        assert store.set_app(APP, store.apps()[APP], guard_until=since_boot())  # the hour is over
    bench.settled(v1, Phase.REVERTED)
    assert bench.app().reason == "deadline"
    assert bench.agent not in (0, first)


def test_a_server_that_dies_on_a_committed_release_is_started_again(
    bench: Bench, v1: Release
) -> None:
    bench.commit(v1)
    before = bench.only_instance()
    kill(bench.pid(before.name))
    after = until(
        lambda: next((i for i in bench.instances() if i.ready and i.restarts), None), "it is back"
    )
    assert after.restarts == 1
    assert after.name == before.name
    bench.settled(v1, Phase.COMMITTED)


@pytest.mark.slow  # it is given fifteen seconds to end politely
def test_a_server_that_hangs_is_started_again(bench: Bench, v1: Release) -> None:
    """Also when the agent was started after it began to hang."""
    bench.commit(v1)
    pid = bench.pid(bench.only_instance().name)
    os.kill(pid, signal.SIGSTOP)
    kill(bench.agent)
    until(
        lambda: any(i.ready and bench.pid(i.name) != pid for i in bench.instances()),
        "another process serves",
    )
