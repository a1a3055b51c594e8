"""If these fail, cameras see an outage while a release is switched, or get no answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.sites.clients import Clients
from tests.sites.parts import APP, Bench, until
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent, Phase
from yolodeploy.ops.home import Home
from yolodeploy.ops.sites import create_site


def test_no_request_is_lost_while_releases_are_switched(
    bench: Bench, v1: Release, v2: Release, example: Path
) -> None:
    picture = min((example / "frames").glob("*.jpg")).read_bytes()
    fence = bench.commit(v1)
    url = bench.app().endpoints[0]
    with Clients(url, picture) as clients:
        for release in (v2, v1):
            before = clients.answered
            bench.trial(release, v1 if release is v2 else v2, 3600.0, fence)
            bench.settled(release, Phase.TRIAL)
            until(lambda before=before: clients.answered > before + 20, "the new release serves")
            bench.commit(release, fence)
        assert bench.app().outage_s == 0
    assert clients.failed == []
    assert bench.app().endpoints == (url,)


def test_every_device_of_a_site_switches(
    home: Home, releases: Callable[..., list[str]], example: Path
) -> None:
    create_site(home, "wide", 3, {})
    bench = Bench(home, "wide")
    first, second = map(bench.release, releases(1, 2))
    fence = bench.commit(first)
    bench.commit(second, fence)
    instances = bench.instances()
    assert sorted(item.device for item in instances) == ["wide-1", "wide-2", "wide-3"]
    assert {item.release for item in instances} == {second.digest}
    assert all(item.ready for item in instances)
    assert len(set(bench.app().endpoints)) == 3
    bench.commit(None, fence)
    assert bench.app().phase is Phase.ABSENT
    assert bench.instances() == ()


def test_changing_ones_mind_in_the_middle_loses_no_request(
    bench: Bench, v1: Release, v2: Release, example: Path
) -> None:
    """A server that is on its way out still answers, and does not count any more."""
    picture = min((example / "frames").glob("*.jpg")).read_bytes()
    fence = bench.commit(v1)
    bench.site.prefetch(v2.spec)
    with Clients(bench.app().endpoints[0], picture) as clients:
        for _ in range(3):
            bench.site.apply(Intent(app=APP, release=v2, previous=v1), fence)
            until(lambda: any(i.ready for i in bench.instances() if i.release == v2.digest), "v2")
            bench.site.apply(Intent(app=APP, release=v1, previous=v2), fence)
            bench.settled(v1)
            assert bench.app().outage_s == 0
    assert clients.failed == []
