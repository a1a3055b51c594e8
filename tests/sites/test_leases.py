"""If these fail, two operators change one site at once, or one overwrites what another decided."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.sites.parts import APP, Bench, until
from yolodeploy.core.errors import Refused
from yolodeploy.core.release import Release
from yolodeploy.core.site import Fence, Guard, Intent, Phase
from yolodeploy.sites.embedded.store import Store


def test_a_claim_is_extended_and_keeps_its_number(bench: Bench) -> None:
    first = bench.site.claim("ann", 60.0)
    before = bench.site.observe().lease
    again = bench.site.claim("ann", 600.0)
    after = bench.site.observe().lease
    assert before is not None
    assert after is not None
    assert again == first
    assert after.since == before.since
    assert after.until > before.until + 300


def test_another_is_refused_and_told_who_and_for_how_long(bench: Bench) -> None:
    bench.site.claim("ann", 60.0)
    with pytest.raises(Refused) as told:
        bench.site.claim("bob", 60.0)
    assert told.value.code == "site.leased"
    assert told.value.fields["holder"] == "ann"
    assert 0 < int(told.value.fields["seconds"]) <= 60


def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_fence(bench: Bench) -> None:
    ann = bench.site.claim("ann", 0.0)
    bob = until(lambda: bench.site.claim("bob", 60.0), "the lease ran out")
    assert bob.number > ann.number


def test_whoever_is_given_the_site_again_has_a_new_fence(bench: Bench) -> None:
    ann = bench.site.claim("ann", 60.0)
    bob = bench.site.claim("bob", 60.0, take_over=True)
    bench.site.release_lease(bob)
    again = bench.site.claim("ann", 60.0)
    assert ann.number < bob.number < again.number


def test_the_lease_of_an_earlier_holder_cannot_be_given_back(bench: Bench) -> None:
    ann = bench.site.claim("ann", 60.0)
    bob = bench.site.claim("bob", 60.0, take_over=True)
    bench.site.release_lease(ann)
    lease = bench.site.observe().lease
    assert lease is not None
    assert lease.fence == bob
    bench.site.release_lease(bob)
    bench.site.release_lease(bob)
    assert bench.site.observe().lease is None


def test_an_old_fence_changes_nothing_at_all(bench: Bench, v1: Release) -> None:
    ann = bench.site.claim("ann", 60.0)
    bench.site.claim("bob", 60.0, take_over=True)
    with pytest.raises(Refused) as told:
        bench.site.apply(Intent(app=APP, release=v1), ann)
    assert told.value.code == "site.fenced"
    assert told.value.fields["holder"] == "bob"
    with closing(Store(bench.folder.database, bench.name)) as store:
        assert store.apps() == {}
        assert store.ports(APP) == {}
        assert store.releases(APP) == []


def test_the_same_intent_again_is_no_new_trial(bench: Bench, v1: Release) -> None:
    fence = bench.commit(v1)
    bench.trial(v1, v1, 3600.0, fence)
    bench.settled(v1, Phase.TRIAL)
    left = bench.app().guard_left_s
    instance = bench.only_instance()
    bench.trial(v1, v1, 3600.0, fence)
    again = bench.app()
    assert again.settled
    assert again.guard_left_s is not None
    assert left is not None
    assert again.guard_left_s <= left
    assert bench.only_instance().started_at == instance.started_at


def test_committing_keeps_the_process_that_was_tried(bench: Bench, v1: Release) -> None:
    fence = bench.site.claim("ann", 60.0)
    commit = bench.trial(v1, None, 3600.0, fence)
    bench.settled(v1, Phase.TRIAL)
    pid = bench.pid(bench.only_instance().name)
    bench.site.apply(commit, fence)
    bench.site.apply(commit, fence)
    assert bench.app().phase is Phase.COMMITTED
    assert bench.pid(bench.only_instance().name) == pid
    assert bench.app().guard_left_s is None


def test_what_the_guard_took_back_cannot_be_committed(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    commit = bench.trial(v2, v1, 0.1, fence)
    bench.settled(v1, Phase.REVERTED)
    with pytest.raises(Refused) as told:
        bench.site.apply(commit, fence)
    assert told.value.code == "site.reverted"
    assert told.value.fields["reason"] == "deadline"
    assert bench.app().release == v1


def test_the_agent_cannot_revert_what_was_committed_while_it_looked(
    bench: Bench, v1: Release
) -> None:
    """It asks servers for their counts between reading the intent and judging it."""
    fence = bench.site.claim("ann", 60.0)
    commit = bench.trial(v1, None, 3600.0, fence)
    bench.settled(v1, Phase.TRIAL)
    with closing(Store(bench.folder.database, bench.name)) as store:
        seen = store.apps()[APP]
        bench.site.apply(commit, fence)
        assert not store.set_app(APP, seen, reverted=1, reason="restarts", settled=0)
        assert store.set_app(APP, store.apps()[APP], outage_s=0.5)
    assert bench.app().phase is Phase.COMMITTED
    assert bench.app().outage_s == 0.5


def test_of_many_who_claim_at_once_one_holds_the_site(bench: Bench) -> None:
    held: list[Fence] = []
    refused: list[Refused] = []

    def claim(name: str) -> None:
        try:
            held.append(bench.site.claim(name, 60.0))
        except Refused as error:
            refused.append(error)

    threads = [threading.Thread(target=claim, args=(f"operator-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 1
    assert {error.fields["holder"] for error in refused} == {held[0].holder}


def test_two_apps_never_get_the_same_port(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port of an app that does not run just now looks free."""
    from yolodeploy.core.release import Release as AnyRelease
    from yolodeploy.core.release import ReleaseSpec
    from yolodeploy.sites.embedded import site as embedded

    offered = iter([41001, 41001, 41001, 41002])
    monkeypatch.setattr(embedded, "free_port", lambda: next(offered))
    fence = bench.site.claim("ann", 60.0)
    for app in ("first", "second"):
        spec = ReleaseSpec(app=app, image="sha256:" + "0" * 64, model="sha256:" + "0" * 64)
        bench.site.apply(Intent(app=app, release=AnyRelease(1, spec), guard=Guard(60.0)), fence)
    ends = [app.endpoints for app in bench.site.observe().apps]
    assert ends == [("http://127.0.0.1:41001",), ("http://127.0.0.1:41002",)]


@pytest.mark.parametrize(
    ("given", "last"), [("32768 60999", 29_999), ("25000 65535", 24_999), ("1024 65535", 65_535)]
)
def test_a_port_is_none_that_a_connection_may_have(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, last: int
) -> None:
    """Whoever asked a server last would keep it from its port for a minute after it was stopped."""
    from yolodeploy.sites.embedded import site as embedded

    monkeypatch.setattr(embedded, "GIVEN", tmp_path / "range")
    embedded.GIVEN.write_text(given)
    assert all(0 < embedded.free_port() <= last for _ in range(100))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        embedded.GIVEN.write_text("65535 65535")
        monkeypatch.setattr(embedded, "FIRST_PORT", port)
        monkeypatch.setattr(embedded, "LAST_PORT", port + 2)
        assert port not in [embedded.free_port() for _ in range(50)]
