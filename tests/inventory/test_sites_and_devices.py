"""What `status` shows: if these fail, a person acts on a state that is not so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from yolodeploy.core.errors import NotFound, Refused, UsageError
from yolodeploy.core.site import SiteEvent
from yolodeploy.inventory import devices, events, releases, sites, status
from yolodeploy.inventory.connection import Inventory
from yolodeploy.inventory.ingest import ingest

from .parts import NOW, digest, epoch, report, spec, state


@pytest.fixture(autouse=True)
def plant(inventory: Inventory) -> None:
    sites.add_site(inventory, "plant", "embedded", "/srv/plant", at=NOW, labels={"line": "4"})


def test_a_site_is_found_again_as_it_was_added(inventory: Inventory) -> None:
    site = sites.get_site(inventory, "plant")
    assert (site.kind, site.location, site.labels) == ("embedded", "/srv/plant", {"line": "4"})
    assert site.reachable is None
    assert site.held is None
    sites.set_site_labels(inventory, "plant", {"line": "5"})
    sites.set_site_location(inventory, "plant", "/srv/new")
    assert sites.list_sites(inventory)[0].labels == {"line": "5"}
    assert sites.list_sites(inventory)[0].location == "/srv/new"


def test_names_that_are_taken_invalid_or_unknown_are_refused(inventory: Inventory) -> None:
    with pytest.raises(Refused):
        sites.add_site(inventory, "plant", "embedded", "/x", at=NOW)
    with pytest.raises(UsageError):
        sites.add_site(inventory, "Plant 1", "embedded", "/x", at=NOW)
    devices.add_device(inventory, "plant", "d1", at=NOW)
    with pytest.raises(Refused):
        devices.add_device(inventory, "plant", "d1", at=NOW)
    for missing in (
        lambda: sites.get_site(inventory, "depot"),
        lambda: sites.remove_site(inventory, "depot"),
        lambda: sites.set_site_hold(inventory, "depot", "audit", at=NOW),
        lambda: devices.add_device(inventory, "depot", "d1", at=NOW),
        lambda: devices.get_device(inventory, "plant", "d2"),
        lambda: devices.remove_device(inventory, "plant", "d2"),
        lambda: devices.set_device_hold(inventory, "plant", "d2", "audit", at=NOW),
        lambda: status.record_unreachable(inventory, "depot", "x", at=NOW),
    ):
        with pytest.raises(NotFound):
            missing()


def test_a_hold_of_a_site_shows_on_its_devices_and_ends(inventory: Inventory) -> None:
    devices.add_device(inventory, "plant", "d1", "10.0.0.1", at=NOW)
    sites.set_site_hold(inventory, "plant", "audit", at=NOW)
    devices.set_device_hold(inventory, "plant", "d1", "camera moved", at=NOW)
    device = devices.get_device(inventory, "plant", "d1")
    assert (device.held, device.site_held) == ("camera moved", "audit")
    sites.set_site_hold(inventory, "plant", None, at=NOW)
    devices.set_device_hold(inventory, "plant", "d1", None, at=NOW)
    device = devices.get_device(inventory, "plant", "d1")
    assert (device.held, device.site_held) == (None, None)
    assert sites.get_site(inventory, "plant").held_at is None


def test_devices_show_their_last_state_with_the_release_they_run(inventory: Inventory) -> None:
    release = releases.add_release(inventory, spec(), at=NOW)
    devices.add_device(inventory, "plant", "d1", "10.0.0.1", at=NOW, labels={"arm": "yes"})
    status.record_site_state(inventory, "plant", state(release, "d1", "d2"), at=NOW)
    first, second = devices.list_devices(inventory)
    assert (first.address, first.labels, second.name) == ("10.0.0.1", {"arm": "yes"}, "d2")
    assert (first.ready, first.reachable, first.cpu_percent) == (True, True, 12.5)
    [app] = first.apps
    assert (app.alias, app.phase, app.ready, app.restarts) == ("brake-disc@1", "committed", 1, 2)
    assert sites.get_site(inventory, "plant").lease_holder == "laptop"
    [site_app] = status.list_site_apps(inventory, "plant")
    assert (site_app.release, site_app.settled) == (release.digest, True)


def test_a_site_that_falls_silent_keeps_its_last_state(inventory: Inventory) -> None:
    release = releases.add_release(inventory, spec(), at=NOW)
    status.record_site_state(inventory, "plant", state(release, "d1"), at=NOW)
    status.record_unreachable(inventory, "plant", "site.unreachable", at=NOW + 60)
    device = devices.get_device(inventory, "plant", "d1")
    assert (device.reachable, device.site_reason) == (False, "site.unreachable")
    assert (device.ready, device.observed_at) == (True, NOW)
    assert device.apps[0].alias == "brake-disc@1"
    assert sites.get_site(inventory, "plant").tried_at == NOW + 60
    status.record_site_state(inventory, "plant", state(release, "d1"), at=NOW + 90)
    device = devices.get_device(inventory, "plant", "d1")
    assert (device.reachable, device.site_reason, device.observed_at) == (True, "", NOW + 90)


def test_a_device_that_its_site_lost_is_shown_as_missing(inventory: Inventory) -> None:
    release = releases.add_release(inventory, spec(), at=NOW)
    devices.add_device(inventory, "plant", "spare", at=NOW)
    status.record_site_state(inventory, "plant", state(release, "d1", "d2"), at=NOW)
    status.record_site_state(inventory, "plant", state(release, "d2"), at=NOW + 15)
    lost, kept, spare = devices.list_devices(inventory, "plant")
    assert (lost.ready, lost.reason, lost.apps) == (False, status.GONE, ())
    assert kept.ready is True
    assert spare.ready is None


def test_removing_a_site_takes_what_is_its_own_and_leaves_the_history(
    inventory: Inventory,
) -> None:
    release = releases.add_release(inventory, spec(), at=NOW)
    status.record_site_state(inventory, "plant", state(release, "d1"), at=NOW)
    ingest(inventory, "plant", [report(epoch(1, 5.0))], at=NOW)
    events.record_site_events(inventory, "plant", [SiteEvent(1, NOW, "d1", "guard.fired", "")])
    sites.remove_site(inventory, "plant")
    assert devices.list_devices(inventory) == []
    assert status.list_site_apps(inventory) == []
    assert [event.code for event in events.query_events(inventory)] == ["guard.fired"]
    # the same name again starts anew: its first events are not taken for known ones
    sites.add_site(inventory, "plant", "embedded", "/srv/plant", at=NOW)
    assert events.last_sequence(inventory, "plant") == 0
    new = [SiteEvent(1, NOW, "d1", "instance.started", "")]
    assert events.record_site_events(inventory, "plant", new) == 1


def test_an_event_that_is_read_twice_is_stored_once(inventory: Inventory) -> None:
    said = [SiteEvent(n, NOW + n, "d1", "instance.died", f"exit {n}") for n in (1, 2, 3)]
    assert events.record_site_events(inventory, "plant", said[:2]) == 2
    assert events.record_site_events(inventory, "plant", said) == 1
    assert events.last_sequence(inventory, "plant") == 3
    events.add_event(inventory, "plant", "site.back", at=NOW + 9)
    assert [e.detail for e in events.query_events(inventory, code="instance.*")] == [
        "exit 1", "exit 2", "exit 3",
    ]  # fmt: skip
    newest = events.query_events(inventory, limit=2)
    assert [event.code for event in newest] == ["instance.died", "site.back"]
    assert events.query_events(inventory, since=NOW + 3, device="d1")[0].detail == "exit 3"
    assert events.query_events(inventory, after=newest[-1].id) == []
    assert events.query_events(inventory, site="depot") == []


def told(inventory: Inventory, counted: Sequence[SiteEvent], oldest: float = 0.0) -> int:
    """As a collector brings what a site has, which has counted to the last of it."""
    since = events.last_sequence(inventory, "plant")
    newest = max(event.sequence for event in counted)
    said = [event for event in counted if event.sequence > since or newest < since]
    return events.record_site_events(inventory, "plant", said, since, oldest)


def test_a_cluster_that_was_made_again_is_heard(inventory: Inventory) -> None:
    """And its numbers, which those before have had too, are not taken for known ones."""
    old = [SiteEvent(n, NOW + n, "", "instance.started", "") for n in (2101, 812_345)]
    assert told(inventory, old) == 2
    new = [SiteEvent(2101, NOW + 9e6, "", "guard.reverted", "brake: errors")]
    assert [told(inventory, new) for _ in range(3)] == [1, 0, 0]
    new.append(SiteEvent(2105, NOW + 9e6 + 1, "", "guard.settled", ""))
    assert told(inventory, new) == 1
    assert [(event.code, event.at) for event in events.query_events(inventory)] == [
        (event.code, event.at) for event in (*old, *new)
    ]


@pytest.mark.parametrize("by_us", [False, True])
def test_a_cluster_that_was_put_back_is_heard_and_tells_nothing_twice(
    inventory: Inventory, by_us: bool
) -> None:
    kept = [SiteEvent(n, NOW + n, "", "guard.reverted", f"brake: {n}") for n in (3, 5)]
    lost = [SiteEvent(9, NOW + 9, "", "guard.reverted", "brake: 9")]
    assert told(inventory, [*kept, *lost]) == 3
    if by_us:  # it may have counted as far again before anybody looks
        events.count_anew(inventory, "plant")
    numbers = (7, 12) if by_us else (7, 8)
    new = [SiteEvent(n, NOW + 90 + n, "", "guard.reverted", f"brake: {n}") for n in numbers]
    assert [told(inventory, [*kept, *new]) for _ in range(2)] == [2, 0]
    details = [event.detail for event in events.query_events(inventory)]
    assert details == [event.detail for event in (*kept, *lost, *new)]


def test_two_who_hear_of_a_cluster_made_again_at_once_store_it_once(inventory: Inventory) -> None:
    old, first, second = ([SiteEvent(n, NOW - n, "", "guard.reverted", "")] for n in (900, 10, 11))
    told(inventory, old)
    assert events.record_site_events(inventory, "plant", first, 900) == 1
    assert events.record_site_events(inventory, "plant", second, 10) == 1
    assert events.record_site_events(inventory, "plant", first, 900) == 0
    assert told(inventory, [*first, *second]) == 0
    assert len(events.query_events(inventory)) == 3


def test_what_was_told_and_thrown_away_is_not_told_again(inventory: Inventory) -> None:
    quiet = [SiteEvent(5, NOW, "", "guard.reverted", "")]
    assert told(inventory, quiet, NOW - 90) == 1
    inventory.execute("DELETE FROM events")
    assert told(inventory, quiet, NOW + 1) == 0


def test_a_site_that_was_removed_and_added_tells_nothing_twice(inventory: Inventory) -> None:
    said = [SiteEvent(n, NOW + n, "d1", "guard.reverted", f"brake: {n}") for n in (1, 2)]
    assert told(inventory, said) == 2
    sites.remove_site(inventory, "plant")
    sites.add_site(inventory, "plant", "embedded", "/srv/plant", at=NOW)
    assert told(inventory, said) == 0
    assert events.last_sequence(inventory, "plant") == 2
    # and one that was made anew in its place
    sites.remove_site(inventory, "plant")
    sites.add_site(inventory, "plant", "embedded", "/srv/plant", at=NOW)
    assert told(inventory, [SiteEvent(1, NOW + 50, "d1", "guard.reverted", "brake: 1")]) == 1
    assert len(events.query_events(inventory)) == 3


def test_a_release_unknown_here_is_shown_by_its_digest(inventory: Inventory) -> None:
    from yolodeploy.core.release import Release

    release = Release(9, spec(image="f"))
    status.record_site_state(inventory, "plant", state(release, "d1"), at=NOW)
    [app] = devices.get_device(inventory, "plant", "d1").apps
    assert (app.release, app.alias) == (release.digest, "")
    assert app.release != digest("f")
