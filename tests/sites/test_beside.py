"""If these fail, a release that was to be tried answers people, or takes the old one away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sites.clients import Clients
from tests.sites.parts import APP, Bench, kill, until
from yolodeploy.core.beside import Beside, Mirror, Way
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.shadowing import ShadowReport
from yolodeploy.core.site import Guard, InstanceState, Intent, Phase
from yolodeploy.ops.home import Home
from yolodeploy.ops.sites import create_site
from yolodeploy.rollouts.measuring import share_of
from yolodeploy.sites.embedded.launch import mirror_file
from yolodeploy.sites.embedded.placing import besides, mirrors
from yolodeploy.sites.embedded.reconcile import Seen


def of(bench: Bench, release: Release) -> list[InstanceState]:
    return [item for item in bench.instances() if item.release == release.digest]


@pytest.fixture
def picture(example: Path) -> bytes:
    return min((example / "frames").glob("*.jpg")).read_bytes()


def test_a_shadow_sees_what_the_old_release_sees_and_answers_nobody(
    bench: Bench, v1: Release, v2: Release, picture: bytes
) -> None:
    """And takes over from nobody: the switch starts servers that have the traffic from then on."""
    fence = bench.commit(v1)
    url = bench.app().endpoints[0]

    def compared() -> ShadowReport | None:
        return next((each for each in bench.site.compared(APP) if each.compared > 5), None)

    with Clients(url, picture, count=1) as clients:
        bench.tried(v2, v1, Beside(Way.SHADOW, 100), fence)
        state = bench.site.observe()
        (shadow,), (old,) = of(bench, v2), of(bench, v1)
        assert (state.has_traffic(shadow), state.has_traffic(old)) == (False, True)
        report = until(compared, "pictures were compared")
        assert report.release == v2.digest
        assert report.agreement.expected > 0
        assert set(clients.by) == {v1.digest}
        # what is read of a site is the same for people who look at it now
        assert all(device.ready for device in state.devices)

        trial = Intent(app=APP, release=v2, previous=v1, guard=Guard(3600.0))
        bench.site.apply(trial, fence)
        bench.settled(v2, Phase.TRIAL)
        (server,) = bench.instances()
        assert server.name != shadow.name
        before = clients.by[v2.digest]
        until(lambda: clients.by[v2.digest] > before + 5, "the new release answers")
        bench.commit(v2, fence)
    assert clients.failed == []
    assert bench.app().outage_s == 0
    assert bench.site.compared(APP) == []


def test_a_shadow_that_dies_is_taken_away_and_nobody_notices(
    bench: Bench, v1: Release, v2: Release, picture: bytes
) -> None:
    fence = bench.commit(v1)
    (old,) = bench.instances()
    file = mirror_file(bench.folder, old.name)
    with Clients(bench.app().endpoints[0], picture, count=1) as clients:
        bench.tried(v2, v1, Beside(Way.SHADOW), fence)
        until(file.exists, "the old server is told to mirror")
        kill(bench.agent)  # the next one goes on
        (shadow,) = of(bench, v2)
        kill(bench.pid(shadow.name))
        app = bench.settled(v1, Phase.REVERTED)
    assert app.reason == "restarts"
    assert clients.failed == []
    assert set(clients.by) == {v1.digest}
    assert not file.exists()
    (left,) = bench.instances()
    assert (left.name, left.restarts, left.started_at) == (old.name, 0, old.started_at)


def test_a_canary_shares_the_traffic_of_some_devices(
    home: Home, releases: Callable[..., list[str]], picture: bytes
) -> None:
    """Whoever asks gets an answer, of one or the other, and back it goes without a loss too."""
    create_site(home, "wide", 2, {})
    bench = Bench(home, "wide")
    v1, v2 = map(bench.release, releases(1, 2))
    fence = bench.commit(v1)
    first, second = bench.app().endpoints
    with Clients(first, picture, count=2) as some, Clients(second, picture, count=1) as others:
        app = bench.tried(v2, v1, Beside(Way.CANARY, 25), fence)
        assert app.endpoints == (first, second)
        assert [item.device for item in of(bench, v2)] == ["wide-1"]
        assert len(of(bench, v1)) == 2
        assert share_of(bench.site.observe(), APP, v2.digest) == 0.25, "half of one device's"
        assert all(map(bench.site.observe().has_traffic, bench.instances()))
        until(lambda: some.by[v2.digest] > 5, "the canary answers")
        old = some.by[v1.digest]
        until(lambda: some.by[v1.digest] > old, "and the old one goes on")
        bench.commit(v1, fence)
        assert len(bench.instances()) == 2
        assert set(others.by) == {v1.digest}
        bench.tried(v2, v1, Beside(Way.CANARY, 100), fence)
        bench.commit(v2, fence)
    assert some.failed == others.failed == []
    assert bench.app().outage_s == 0


DEVICES = ("a", "b", "c", "d")
OLD, NEW = (
    Release(
        number, ReleaseSpec(app=APP, image=f"sha256:{number:064x}", model=f"sha256:{number:064x}")
    )
    for number in (1, 2)
)


@given(st.integers(1, 100), st.integers(1, 4), st.sampled_from([Way.CANARY, Way.SHADOW]))
def test_what_a_canary_gets_is_as_near_as_can_be(percent: int, count: int, way: Way) -> None:
    """A device's port gives it a half; the rest is how many devices have one, at least one."""
    intent = Intent(app=APP, release=NEW, previous=OLD, beside=Beside(way, percent))
    places = besides(intent, DEVICES[:count])
    assert len({place.device for place in places}) == len(places) >= 1
    assert {place.release for place in places} == {NEW.digest}
    if way is Way.SHADOW:
        assert len(places) == count
        assert all(place.apart for place in places)
        return
    wanted = min(percent, 50)
    shares = {number: 50 * number / count for number in range(1, count + 1)}
    best = min(abs(share - wanted) for share in shares.values())
    assert abs(shares[len(places)] - wanted) == pytest.approx(best)
    assert not any(place.apart for place in places)


@given(
    st.dictionaries(st.tuples(st.sampled_from(DEVICES), st.booleans()), st.booleans(), max_size=8),
    st.booleans(),
)
def test_only_old_servers_mirror_and_only_to_a_shadow_of_their_device_that_is_ready(
    world: dict[tuple[str, bool], bool], reverted: bool
) -> None:
    seen = [
        Seen(f"{device}.{apart}", device, (NEW if apart else OLD).digest, ready, False, apart)
        for (device, apart), ready in world.items()
    ]
    urls = {item.name: f"http://127.0.0.1/{item.name}" for item in seen}
    intent = Intent(app=APP, release=NEW, previous=OLD, beside=Beside(Way.SHADOW, 40))
    wanted = mirrors(None if reverted else intent, seen, urls)
    assert set(wanted) == {item.name for item in seen}
    for item in seen:
        there = not reverted and not item.apart and world.get((item.device, True), False)
        expected = Mirror(f"http://127.0.0.1/{item.device}.True", 0.4) if there else None
        assert wanted[item.name] == expected
