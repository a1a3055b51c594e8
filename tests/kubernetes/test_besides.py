"""If these fail, a release that is tried beside another one harms it, or is not taken away.

The guard is the real one, in a process of its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from tests.kubernetes.double import Cluster
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP, until
from yolodeploy.core.app_setup import AppSetup, Autoscale, KeptSetup
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.cluster import BESIDE, MIRROR, MIRROR_FILE, RECORD, Record
from yolodeploy.core.errors import Refused
from yolodeploy.core.kept_settings import KeptSettings
from yolodeploy.core.release import Release
from yolodeploy.core.site import AppState, Intent, Phase

DEPLOYMENT = ("deployments", APP, BESIDE)
CAMERA = f'[[cameras]]\nname = "door"\nurl = "rtsp://10.0.3.17/1"\napp = "{APP}"\n'


@pytest.fixture
def two(bench: Bench) -> Bench:
    """A site on which an app has two pods."""
    fence = bench.site.claim("ann", 60.0)
    bench.site.setups.put(APP, KeptSetup().then(AppSetup(replicas=2)), fence)
    return bench


@contextmanager
def watched(bench: Bench) -> Iterator[list[str]]:
    """Looks all the time whether somebody answers; what is told are the moments without."""
    silent: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            if not bench.answering():
                silent.append(str(sorted(bench.double.kept)))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    yield silent
    over.set()
    thread.join()


def beside(bench: Bench, wanted: Release, previous: Release) -> AppState:
    """Wait until both releases are ready, one beside the other."""

    def there() -> AppState | None:
        app = bench.app()
        right = app is not None and app.release == wanted and app.previous == previous
        return app if right and app is not None and app.settled and app.beside else None

    return until(there, "it is there beside the other")


def guard_ended(bench: Bench) -> bool:
    return all(job["status"].get("succeeded") for job in bench.double.of("jobs"))


def test_a_canary_has_its_share_and_takes_over(two: Bench, v1: Release, v2: Release) -> None:
    fence = two.commit(v1)
    with watched(two) as silent:
        switch = two.try_beside(v2, v1, Beside(Way.CANARY, 33), fence, 3600.0)
        state = beside(two, v2, v1)
        assert state.phase is Phase.TRIAL
        assert state.serving == v1
        assert state.guard_left_s
        assert two.answering() == sorted([v1.digest, v1.digest, v2.digest])
        seen = two.site.observe().instances
        assert sorted(one.release for one in seen) == two.answering()
        two.site.apply(switch, fence)
        state = two.settled(v2, Phase.TRIAL)
        assert not state.beside
        assert two.answering() == [v2.digest] * 2
        assert len(two.double.of("jobs")) == 1, "one guard: another one has another clock"
        two.site.apply(msgspec.structs.replace(switch, guard=None), fence)
        two.settled(v2, Phase.COMMITTED)
    assert not silent
    assert DEPLOYMENT not in two.double.kept
    until(lambda: guard_ended(two), "the guard ended")
    assert {"guard.placed", "guard.settled", "release.committed"} <= set(two.codes())


def test_a_shadow_sees_copies_alone(bench: Bench, v1: Release, v2: Release) -> None:
    fence = bench.commit(v1)
    bench.site.keep_settings(KeptSettings(text=CAMERA), {}, fence)
    bench.settled(v1)
    with watched(bench) as silent:
        bench.try_beside(v2, v1, Beside(Way.SHADOW, 40), fence, 3600.0)
        beside(bench, v2, v1)
        assert bench.answering() == [v1.digest]
        (deployment,) = (bench.double.kept[DEPLOYMENT],)
        pod = deployment["spec"]["template"]["spec"]
        assert {volume["name"] for volume in pod["volumes"]} == {"config", "state"}, (
            "a camera has one reader"
        )
        told = bench.double.kept["configmaps", APP, MIRROR]["data"][MIRROR_FILE]
        assert json.loads(told) == {"url": "http://10.43.0.7:8000", "share": 0.4}
        # nobody commits: as when the link is gone
        bench.site.apply(Intent(app=APP, release=v1), fence)
        bench.settled(v1, Phase.COMMITTED)
        until(lambda: guard_ended(bench), "the guard ended")
    assert not silent
    assert DEPLOYMENT not in bench.double.kept
    assert ("configmaps", APP, MIRROR) not in bench.double.kept


def test_all_traffic_turns_at_once_and_back(two: Bench, v1: Release, v2: Release) -> None:
    fence = two.commit(v1)
    with watched(two) as silent:
        switch = two.try_beside(v2, v1, Beside(Way.BLUE_GREEN), fence, 3600.0)
        beside(two, v2, v1)
        assert two.answering() == [v1.digest] * 2
        two.site.apply(switch, fence)
        until(lambda: two.answering() == [v2.digest] * 2, "traffic goes to the new ones")
        state = until(lambda: (s := two.app()) and s.settled and s, "settled")
        assert state.release == v2
        assert len(two.site.observe().instances) == 4, "the old ones stay until somebody commits"
        # what is applied meanwhile leaves the traffic where it is
        two.site.setups.put(APP, two.site.setups.kept(APP), fence)
        assert two.answering() == [v2.digest] * 2
        two.site.apply(Intent(app=APP, release=v1), fence)
        until(lambda: two.answering() == [v1.digest] * 2, "and back")
        two.settled(v1, Phase.COMMITTED)
        # again, and for good
        switch = two.try_beside(v2, v1, Beside(Way.BLUE_GREEN), fence, 3600.0)
        beside(two, v2, v1)
        two.site.apply(switch, fence)
        until(lambda: two.answering() == [v2.digest] * 2, "traffic goes to the new ones")
        until(lambda: (s := two.app()) and s.settled, "settled")
        two.site.apply(msgspec.structs.replace(switch, guard=None), fence)
        two.settled(v2, Phase.COMMITTED)
        until(lambda: guard_ended(two), "the guard ended")
        assert two.answering() == [v2.digest] * 2
    assert not silent
    assert DEPLOYMENT not in two.double.kept
    assert two.codes().count("guard.turned") == 4


@pytest.mark.parametrize("way", Way)
def test_what_nobody_commits_is_taken_away(
    bench: Bench, v1: Release, v2: Release, way: Way
) -> None:
    """The link and the operator are gone."""
    fence = bench.commit(v1)
    with watched(bench) as silent:
        bench.try_beside(v2, v1, Beside(way), fence, 2.0)
        assert bench.settled(v1, Phase.REVERTED).reason == "deadline"
        until(lambda: guard_ended(bench), "the guard ended")
    assert not silent
    assert bench.answering() == [v1.digest]
    assert DEPLOYMENT not in bench.double.kept
    with pytest.raises(Refused, match="already gone back"):
        switch = bench.try_beside(v2, v1, Beside(way), fence, 2.0)
        bench.site.apply(switch, fence)


def test_one_that_crashes_beside_the_other_is_taken_away(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    with watched(bench) as silent:
        switch = bench.try_beside(v2, v1, Beside(Way.BLUE_GREEN), fence, 3600.0)
        beside(bench, v2, v1)
        bench.site.apply(switch, fence)
        until(lambda: bench.answering() == [v2.digest], "it has the traffic")
        bench.double.crash(APP, v2.digest)
        until(lambda: bench.answering() == [v1.digest], "the old ones have it back")
        assert bench.settled(v1, Phase.REVERTED).reason.startswith("restarts")
    # between the crash and the guard's next look nobody could answer
    assert all("deployments" in moment for moment in silent)


def test_a_killed_guard_goes_on_in_the_middle(bench: Bench, v1: Release, v2: Release) -> None:
    fence = bench.commit(v1)
    switch = bench.try_beside(v2, v1, Beside(Way.BLUE_GREEN), fence, 3600.0)
    beside(bench, v2, v1)
    bench.site.apply(switch, fence)
    until(lambda: bench.answering() == [v2.digest], "it has the traffic")
    ((place, first),) = bench.double.guard_processes.items()
    first.kill()
    first.wait()
    bench.site.apply(msgspec.structs.replace(switch, guard=None), fence)  # nobody is inside
    assert bench.answering() == [v2.digest]
    del bench.double.guard_processes[place]  # as the Job's controller sees it
    with watched(bench) as silent:
        bench.settled(v2, Phase.COMMITTED)
    assert not silent
    assert DEPLOYMENT not in bench.double.kept


def test_a_commit_whose_guard_is_gone_gets_one(bench: Bench, v1: Release, v2: Release) -> None:
    """Somebody has deleted the Job: else the second Deployment would stay for ever."""
    fence = bench.commit(v1)
    bench.try_beside(v2, v1, Beside(Way.CANARY), fence, 3600.0)
    beside(bench, v2, v1)
    ((_, guard),) = bench.double.guard_processes.items()
    guard.kill()
    guard.wait()
    bench.double.guard_processes.clear()
    for job in bench.double.of("jobs"):
        del bench.double.kept["jobs", APP, job["metadata"]["name"]]
    bench.site.apply(Intent(app=APP, release=v1), fence)
    bench.settled(v1, Phase.COMMITTED)
    assert DEPLOYMENT not in bench.double.kept


def test_an_app_that_is_taken_away_is_gone_with_what_is_beside(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    bench.try_beside(v2, v1, Beside(Way.CANARY), fence, 3600.0)
    beside(bench, v2, v1)
    bench.commit(None, fence)
    assert not bench.double.of("deployments")
    assert bench.site.observe().instances == ()


def test_a_guard_of_before_switches_nothing(bench: Bench, v1: Release, v2: Release) -> None:
    """It would take the trial for a switch: it ends at a word that it does not know."""
    fence = bench.commit(v1)
    bench.double.guards = False
    bench.try_beside(v2, v1, Beside(Way.CANARY), fence, 3600.0)
    (job,) = bench.double.of("jobs")
    (guard,) = job["spec"]["template"]["spec"]["containers"]
    assert guard["args"] == ["--app", APP, "--beside"]
    ended = {"terminated": {"reason": "Error", "exitCode": 2}}
    bench.double.put("pods", APP, "yolodeploy-guard-2-x", {
        "metadata": {"labels": dict(job["spec"]["template"]["metadata"]["labels"])},
        "spec": {"containers": []},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "guard", "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": ended},
        ]},
    })  # fmt: skip
    told = "guard: the server in its image is too old"
    until(lambda: any(reason.startswith(told) for reason in bench.reasons()), "it is told")
    assert bench.answering() == [v1.digest]
    assert DEPLOYMENT not in bench.double.kept


def test_a_first_release_is_beside_nothing(bench: Bench, v1: Release) -> None:
    fence = bench.site.claim("ann", 60.0)
    way = Beside(Way.CANARY)
    trial = msgspec.structs.replace(bench.trial(v1, None, 3600.0, fence), beside=way)
    bench.site.apply(trial, fence)
    record = msgspec.json.decode(
        bench.double.kept["configmaps", APP, RECORD]["data"]["record"], type=Record
    )
    assert not record.intent.beside
    bench.settled(v1)


def test_no_autoscaler_takes_the_pods_that_traffic_comes_back_to(
    connected: Callable[[Cluster], Bench], v1: Release, v2: Release
) -> None:
    with Cluster() as cluster:
        bench = connected(cluster)
        fence = bench.commit(v1)
        assert bench.site.switching(v2.spec).beside_all
        scaled = AppSetup(autoscale=Autoscale(1, 3))
        bench.site.setups.put(APP, KeptSetup().then(scaled), fence)
        found = bench.site.switching(v2.spec)
        assert found.has_room(Way.CANARY)
        assert not found.has_room(Way.BLUE_GREEN)
