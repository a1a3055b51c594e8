"""If these fail, a bad release stays in a cluster that nobody reaches, or a good one is taken away.

The guard is the real one, in a process of its own.
"""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from tests.kubernetes.parts import Bench, release
from tests.sites.parts import APP, until
from yolodeploy.core.cluster import RECORD, Record
from yolodeploy.core.errors import Refused
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent, Phase


def test_a_trial_that_is_committed_stays(bench: Bench, v1: Release, v2: Release) -> None:
    fence = bench.commit(v1)
    commit = bench.trial(v2, v1, 3600.0, fence)
    trial = bench.settled(v2, Phase.TRIAL)
    assert trial.guard_left_s
    assert trial.previous == v1
    bench.site.apply(commit, fence)
    assert bench.settled(v2, Phase.COMMITTED).guard_left_s is None
    until(
        lambda: all(job["status"].get("succeeded") for job in bench.double.of("jobs")),
        "the guard ended",
    )
    assert bench.settled(v2, Phase.COMMITTED)
    assert [each.number for each in bench.site.releases(APP)] == [2, 1]
    assert {"guard.begun", "guard.settled", "release.committed"} <= set(bench.codes())


def test_a_commit_stays_though_no_event_of_it_can_be_written(
    bench: Bench, v1: Release, v2: Release
) -> None:
    """The namespace's quota has filled since the switch."""
    fence = bench.commit(v1)
    commit = bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    there = str(len(bench.double.of("configmaps", APP)))
    quota = {"metadata": {}, "spec": {"hard": {"configmaps": there}}}
    bench.double.put("resourcequotas", APP, "tenant", quota)
    bench.site.apply(commit, fence)
    bench.settled(v2, Phase.COMMITTED)
    assert "release.committed" not in bench.codes()
    with pytest.raises(Refused, match="exceeded quota"):
        bench.trial(release(3), v2, 60.0, fence)
    assert bench.settled(v2, Phase.COMMITTED), "nothing was switched that could not be kept"


def test_what_is_refused_of_a_release_that_does_not_run_is_told(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    tried = iter([None])  # dry
    bench.double.fault = lambda method, path: (
        next(tried, (403, b"{}"))
        if method == "PATCH" and path.endswith(f"/deployments/{APP}")
        else None
    )
    with pytest.raises(Refused):
        bench.site.apply(Intent(app=APP, release=v2), fence)
    assert "release.unfinished" not in bench.codes()


def test_a_trial_that_nobody_commits_goes_back(bench: Bench, v1: Release, v2: Release) -> None:
    """The operator is gone after the switch, and so is the link."""
    fence = bench.commit(v1)
    commit = bench.trial(v2, v1, 1.0, fence)
    app = bench.settled(v1, Phase.REVERTED)
    assert app.reason == "deadline"
    with pytest.raises(Refused, match="already gone back"):
        bench.site.apply(commit, fence)
    (instance,) = bench.site.observe().instances
    assert instance.release == v1.digest
    assert instance.ready
    assert "guard.reverted" in bench.codes()


def test_a_first_release_that_nobody_commits_goes_away(bench: Bench, v1: Release) -> None:
    bench.trial(v1, None, 0.5, bench.site.claim("ann", 60.0))
    bench.settled(None, Phase.REVERTED)
    assert not bench.double.of("deployments")


def test_a_crash_loop_is_reverted_before_the_deadline(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    bench.double.crash(APP, v2.digest)
    assert bench.settled(v1, Phase.REVERTED).reason == "restarts (edge-1: OOMKilled, 137)"


def test_a_killed_guard_comes_back_with_the_same_deadline(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    ((place, first),) = bench.double.guard_processes.items()
    first.kill()
    first.wait()
    note = bench.double.kept["configmaps", APP, RECORD]
    record = msgspec.json.decode(note["data"]["record"], type=Record)
    over = replace(record, guard_until=1.0)  # as if the hour were over: it counts since boot
    note["data"]["record"] = msgspec.json.encode(over).decode()
    bench.double.put("configmaps", APP, RECORD, note)
    del bench.double.guard_processes[place]  # as the Job's controller sees it
    assert bench.settled(v1, Phase.REVERTED).reason == "deadline"


def test_nothing_is_switched_before_the_guard_runs(bench: Bench, v1: Release, v2: Release) -> None:
    """A guard that cannot start would leave a trial that nothing takes back."""
    fence = bench.commit(v1)
    bench.double.guards = False
    bench.trial(v2, v1, 0.1, fence)
    until(lambda: len(bench.double.of("jobs")) == 1, "its Job is there")
    running = bench.site.observe()
    assert {item.release for item in running.instances} == {v1.digest}
    app = running.app(APP)
    assert app is not None
    assert app.phase is Phase.SWITCHING
    bench.site.apply(Intent(app=APP, release=v1), fence)
    assert bench.settled(v1).phase is Phase.COMMITTED
    assert bench.double.of("jobs") == [], "it would wait for ever"


def test_a_trial_that_is_taken_back_goes_back_without_the_link(
    bench: Bench, v1: Release, v2: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator has asked for it, and was cut off before she could do it."""
    fence = bench.commit(v1)
    bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    monkeypatch.setattr("yolodeploy.sites.kubernetes.asking.switch", lambda *_: None)
    bench.site.apply(Intent(app=APP, release=v1), fence)
    assert bench.settled(v1).phase is Phase.COMMITTED
    until(
        lambda: all(job["status"].get("succeeded") for job in bench.double.of("jobs")),
        "the guard ended",
    )


def test_asking_again_is_harmless(bench: Bench, v1: Release, v2: Release) -> None:
    fence = bench.commit(v1)
    bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    before = bench.app()
    bench.trial(v2, v1, 3600.0, fence)
    after = bench.settled(v2, Phase.TRIAL)
    assert before is not None
    assert after.release == before.release
    assert len(bench.double.of("jobs")) == 1


def test_an_app_that_is_taken_away_is_gone(bench: Bench, v1: Release) -> None:
    fence = bench.commit(v1)
    bench.commit(None, fence)
    assert bench.app() is not None
    assert not bench.double.of("deployments")
    assert bench.site.observe().instances == ()
