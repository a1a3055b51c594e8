"""If these fail, a rollout reaches further than it was told to, or stops for the wrong reason."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.rollouts.plant import CALM, LONG, WISH, Plant, text_of
from tests.sites.parts import APP, Bench, until
from yolodeploy.core.errors import Refused, UsageError
from yolodeploy.core.fates import Fate
from yolodeploy.core.gates import LatencyGate
from yolodeploy.core.site import Phase
from yolodeploy.core.steps import SiteResult
from yolodeploy.core.waves import Scope, Standing
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.releases import add_release, get_release
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.oci.layout import Layout
from yolodeploy.ops import going_back, rollout_fates, rollouts
from yolodeploy.ops.doctor import examine
from yolodeploy.ops.sites import hold_device, hold_site, remove_site

COMMITTED, REVERTED = SiteResult.COMMITTED, SiteResult.REVERTED
STAYS, GOES_ON, GOES_BACK = Fate.STAYS, Fate.GOES_ON, Fate.GOES_BACK
STOPS, BEGINS, WAITS = Fate.STOPS, Fate.BEGINS, Fate.WAITS
# no machine detects in a nanosecond
IMPOSSIBLE = (*CALM, LatencyGate(budget_ms=1e-6, min_samples=1))


def fates(told: list[rollout_fates.SiteFate]) -> list[Fate]:
    """What a dry run says of each site, in the order of the waves."""
    return [one.fate for one in told]


def take_port(bench: Bench) -> socket.socket:
    """Another program listens where the site's app answers; the app must not run."""
    port = urlsplit(bench.app().endpoints[0]).port
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    other.bind(("127.0.0.1", port))
    other.listen()
    return other


def with_a_bad_second_site(plant: Plant) -> tuple[list[Bench], socket.socket]:
    """Three sites that run nothing; on the second one another program has the port."""
    benches = plant.sites(3)
    first = benches[1].release(plant.release(1))
    fence = benches[1].commit(first)
    benches[1].commit(None, fence)
    benches[1].site.release_lease(fence)
    return benches, take_port(benches[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scope", "waves", "results", "state"),
    [
        (Scope.SITE, "100%", (COMMITTED, REVERTED, COMMITTED), RolloutState.FAILED),
        (Scope.WAVE, "1,100%", (COMMITTED, REVERTED, REVERTED), RolloutState.FAILED),
        (Scope.ROLLOUT, "1,2,100%", (REVERTED, REVERTED, SiteResult.STOPPED), RolloutState.FAILED),
    ],
)
def test_a_failure_reaches_as_far_as_it_was_told_to(
    plant: Plant,
    scope: Scope,
    waves: str,
    results: tuple[SiteResult, ...],
    state: RolloutState,
) -> None:
    benches, other = with_a_bad_second_site(plant)
    with other:
        wish = msgspec.structs.replace(WISH, waves=waves, on_failure=scope)
        rollout, code = plant.run(plant.release(2), wish=wish)
    assert tuple(plant.results(rollout).values()) == results
    assert plant.row(rollout).state is state
    assert code == 4
    for bench, result in zip(benches, results, strict=True):
        runs = [item.release for item in bench.instances()]
        assert runs == ([plant.row(rollout).release] if result is COMMITTED else [])


def test_a_taken_port_is_the_reason_that_people_read(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    first = bench.release(plant.release(1))
    fence = bench.commit(first)
    bench.commit(None, fence)
    bench.site.release_lease(fence)
    with take_port(bench) as other:
        rollout, code = plant.run(first.alias)
        port = other.getsockname()[1]
    assert code == 4
    reason = plant.row(rollout).reason
    assert str(port) in reason
    assert "taken" in reason
    assert bench.instances() == ()


def test_impossible_gates_bring_every_site_back(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    first = plant.release(1)
    plant.run(first)
    wish = msgspec.structs.replace(WISH, observe_s=1.0)
    rollout, code = plant.run(plant.release(2, IMPOSSIBLE), wish=wish)
    assert code == 4
    assert plant.row(rollout).state is RolloutState.FAILED
    assert "latency" in plant.row(rollout).reason
    assert bench.app().release == bench.release(first)
    assert bench.app().phase is Phase.COMMITTED


def test_without_frames_and_traffic_nobody_can_tell(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    first = plant.release(1)
    plant.run(first)
    for path in plant.frames.iterdir():
        path.unlink()
    (plant.frames / "one.jpg").write_bytes(b"no picture")
    wish = msgspec.structs.replace(WISH, observe_s=1.0)
    rollout, code = plant.run(plant.release(2), wish=wish)
    assert code == 4
    assert plant.row(rollout).state is RolloutState.INCONCLUSIVE
    assert plant.results(rollout) == {"site-1": SiteResult.INCONCLUSIVE}
    assert bench.app().release == bench.release(first)


def test_an_undo_brings_back_what_was_there_though_it_detects_less(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    strict = tuple(
        msgspec.structs.replace(gate, max_lost=0.0, max_gained=0.0)
        if gate.__class__.__name__ == "AgreementGate"
        else gate
        for gate in CALM
    )
    first = plant.release(1, strict)
    plant.run(first)
    rollout, _ = plant.run(plant.release(2))
    assert plant.results(rollout) == {"site-1": COMMITTED}
    undone = going_back.undo(plant.home, rollout, WISH)
    assert plant.ended(undone) == 0
    assert bench.app().release == bench.release(first)
    assert set(plant.end(undone.rollout).gates["site-1"]) == {"errors", "restarts"}


def test_an_undo_brings_back_what_a_site_ran_that_was_offline_when_it_was_planned(
    plant: Plant,
) -> None:
    """A plan says nothing of what such a site runs."""
    _, two = plant.sites(2)
    first, second, third = plant.release(1), plant.release(2), plant.release(1, CALM[:2])
    plant.run(first)

    def caught_up(release: str, sites: tuple[str, ...] = ()) -> str:
        two.stop()
        rollout, code = plant.run(release, sites, msgspec.structs.replace(WISH, waves="100%"))
        assert code == 3
        two.start()
        until(lambda: two.app().settled, "what runs there answers again")
        assert plant.resume(rollout) == 0
        return rollout

    alone = going_back.back_of(plant.home, caught_up(second, ("site-2",)), WISH)
    assert (alone.release, alone.sites) == (two.release(first).digest, ["site-2"])
    replaced = sorted(two.release(alias).digest for alias in (first, second))
    with pytest.raises(Refused, match=", ".join(replaced)) as refused:
        going_back.back_of(plant.home, caught_up(third), WISH)
    assert f"--to {APP}@N" in refused.value.remedy()


def test_the_plan_of_an_undo_never_names_a_release_on_trial(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    first, second, third = (bench.release(plant.release(v)) for v in (1, 2, 3))
    fence = bench.commit(first)
    bench.trial(second, first, 300.0, fence)
    bench.settled(second)
    _, planned = rollouts.plan(plant.home, third.alias, (), WISH)
    assert planned.site("site-1").previous == first.digest


def test_a_site_that_is_held_meanwhile_waits_and_catches_up(plant: Plant) -> None:
    one, two = plant.sites(2)
    first = plant.release(1)
    wish = msgspec.structs.replace(WISH, waves="1,100%", soak_s=5.0)
    started = plant.start(first, wish=wish)
    plant.reached(started.rollout, "observe intended")
    hold_site(plant.home, "site-2", "pressing brakes")
    assert plant.ended(started) == 3
    assert plant.row(started.rollout).state is RolloutState.WAITING
    assert plant.results(started.rollout) == {"site-1": COMMITTED, "site-2": None}
    assert "pressing brakes" in plant.journal(started.rollout, "site-2")[-1].detail
    assert one.app().phase is Phase.COMMITTED
    assert two.site.observe().apps == ()
    hold_site(plant.home, "site-2", None)
    hold_device(plant.home, "site-2-1", "being cleaned")
    assert plant.resume(started.rollout) == 3
    assert "being cleaned" in plant.journal(started.rollout, "site-2")[-1].detail
    assert two.site.observe().apps == ()
    hold_device(plant.home, "site-2-1", None)
    assert plant.resume(started.rollout) == 0
    assert plant.row(started.rollout).state is RolloutState.DONE
    assert two.app().phase is Phase.COMMITTED


def test_a_waiting_rollout_does_not_undo_what_came_after_it(plant: Plant) -> None:
    """While a held site waited, somebody brought it something newer."""
    _, two = plant.sites(2)
    first, second, third = plant.release(1), plant.release(2), plant.release(3)
    plant.run(first)
    wish = msgspec.structs.replace(WISH, waves="1,100%", soak_s=5.0)
    started = plant.start(second, wish=wish)
    plant.reached(started.rollout, "observe intended")
    hold_site(plant.home, "site-2", "pressing brakes")
    assert plant.ended(started) == 3
    hold_site(plant.home, "site-2", None)
    newer = two.release(third)
    two.site.release_lease(two.commit(newer))
    assert plant.resume(started.rollout) == 4
    assert two.app().release == newer
    assert plant.row(started.rollout).state is RolloutState.FAILED
    results = {"site-1": COMMITTED, "site-2": SiteResult.SUPERSEDED}
    assert plant.results(started.rollout) == results


def test_a_site_on_which_no_server_would_start_is_left_out_and_told(plant: Plant) -> None:
    """Its running servers go on with the settings they have; a switch would end them."""
    _, two = plant.sites(2)
    two.site.folder.settings.write_text("[cameras]\n")
    _, planned = rollouts.plan(plant.home, plant.release(1), (), WISH)
    assert [site.standing for site in planned.sites] == [Standing.GO, Standing.BLOCKED]
    assert "write [[cameras]]" in planned.sites[1].reason
    assert planned.waves == (("site-1",),)
    # who names it wants it before the others: told, and nobody goes without it
    by_name = msgspec.structs.replace(WISH, lists=(("site-2",), ("site-1",)))
    with pytest.raises(UsageError, match=r"site-2, which would stay.*write \[\[cameras\]\]"):
        rollouts.plan(plant.home, plant.release(1), (), by_name)
    found = {one.check: [fault.code for fault in one.findings] for one in examine(plant.home)}
    assert found["sites and devices"] == ["camera.settings_invalid"]
    two.site.folder.settings.unlink()
    assert two.site.settings_fault() is None


def test_an_offline_site_blocks_nobody_and_catches_up(plant: Plant) -> None:
    one, two = plant.sites(2)
    one.stop()
    alias = plant.release(1)
    _, planned = rollouts.plan(plant.home, alias, (), WISH)
    assert planned.names(Standing.OFFLINE) == ("site-1",)
    rollout, code = plant.run(alias, wish=msgspec.structs.replace(WISH, waves="1,100%"))
    assert code == 3
    assert plant.row(rollout).state is RolloutState.WAITING
    assert two.app().phase is Phase.COMMITTED
    one.start()
    assert plant.resume(rollout) == 0
    assert one.app().release == one.release(alias)
    assert plant.row(rollout).state is RolloutState.DONE


def test_a_site_that_goes_offline_on_trial_goes_on_where_it_was(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    first, second = plant.release(1), plant.release(2)
    plant.run(first)
    started = plant.start(second, wish=msgspec.structs.replace(WISH, soak_s=6.0))
    plant.reached(started.rollout, "observe intended")
    bench.stop()
    assert plant.ended(started) == 3
    assert text_of(plant.journal(started.rollout)[-1]) == "observe waiting"
    bench.start()
    assert plant.resume(started.rollout) == 0
    assert bench.app().release == bench.release(second)
    assert bench.app().phase is Phase.COMMITTED


def test_a_pause_lets_sites_finish_and_begins_no_other(plant: Plant) -> None:
    one, two = plant.sites(2)
    alias = plant.release(1)
    wish = msgspec.structs.replace(WISH, waves="1,100%", soak_s=5.0)
    started = plant.start(alias, wish=wish)
    plant.reached(started.rollout, "observe intended")
    assert fates(rollout_fates.of_pause(plant.home, started.rollout)) == [GOES_ON, WAITS]
    rollouts.pause(plant.home, started.rollout)
    assert plant.ended(started) == 0
    assert plant.row(started.rollout).state is RolloutState.PAUSED
    assert fates(rollout_fates.of_pause(plant.home, started.rollout)) == [STAYS, WAITS]
    assert fates(rollout_fates.of_resume(plant.home, started.rollout)) == [STAYS, BEGINS]
    assert one.app().phase is Phase.COMMITTED
    assert plant.journal(started.rollout, "site-2") == []
    assert plant.resume(started.rollout) == 0
    assert plant.row(started.rollout).state is RolloutState.DONE
    assert two.app().phase is Phase.COMMITTED


def test_an_abort_takes_the_trial_back_and_keeps_what_was_committed(plant: Plant) -> None:
    one, two, three = plant.sites(3)
    first, second = plant.release(1), plant.release(2)
    plant.run(first)
    started = plant.start(second, wish=msgspec.structs.replace(WISH, waves="1,2,100%", soak_s=6.0))
    plant.reached(started.rollout, "observe intended", "site-2")
    assert fates(rollout_fates.of_abort(plant.home, started.rollout)) == [STAYS, GOES_BACK, STOPS]
    rollouts.abort(plant.home, started.rollout)
    assert plant.ended(started) == 4
    assert plant.row(started.rollout).state is RolloutState.ABORTED
    assert plant.results(started.rollout) == {
        "site-1": COMMITTED,
        "site-2": REVERTED,
        "site-3": SiteResult.STOPPED,
    }
    assert one.app().release == one.release(second)
    assert two.app().release == two.release(first)
    assert two.app().settled
    assert two.app().guard_left_s is None
    assert plant.journal(started.rollout, "site-3") == []
    assert three.app().release == three.release(first)
    assert {bench.site.observe().lease for bench in (one, two, three)} == {None}


def test_an_abort_is_not_over_before_a_site_that_was_cut_off_went_back(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    first, second = plant.release(1), plant.release(2)
    plant.run(first)
    started = plant.start(second, wish=LONG)
    plant.reached(started.rollout, "observe intended")
    bench.stop()
    assert plant.ended(started) == 3
    aborting = rollouts.abort(plant.home, started.rollout)
    assert aborting is not None
    assert plant.ended(aborting) == 3
    assert plant.row(started.rollout).state is RolloutState.WAITING
    bench.start()
    assert plant.resume(started.rollout) == 4
    assert plant.row(started.rollout).state is RolloutState.ABORTED
    assert plant.results(started.rollout) == {"site-1": REVERTED}
    assert bench.app().release == bench.release(first)


def test_a_damaged_image_stops_the_rollout_before_the_switch(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    first, second = plant.release(1), plant.release(2)
    plant.run(first)
    layer = Layout(plant.home.layout).read_manifest(bench.release(second).spec.image).layers[-1]
    blob = plant.home.layout / "blobs" / layer.digest.replace(":", "/")
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(content)
    rollout, code = plant.run(second)
    assert code == 4
    assert plant.results(rollout) == {"site-1": SiteResult.REFUSED}
    assert text_of(plant.journal(rollout)[-1]) == "prefetch failed"
    assert bench.app().release == bench.release(first)
    assert bench.app().phase is Phase.COMMITTED


def test_removing_a_site_after_its_rollouts_leaves_nothing(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    plant.run(plant.release(1))
    remove_site(plant.home, "site-1")
    assert not bench.root.exists()
    assert bench.processes() == []


def test_changed_classes_are_stopped_before_the_switch_unless_they_are_meant(plant: Plant) -> None:
    (bench,) = plant.sites(1)
    first = plant.release(1)
    plant.run(first)
    with open_inventory(plant.home.inventory) as inventory:
        spec = get_release(inventory, plant.release(2)).spec
        renamed = msgspec.structs.replace(spec, classes=("crack", "rust"))
        second = add_release(inventory, renamed, at=1.0).alias
    rollout, code = plant.run(second)
    assert (code, plant.results(rollout)) == (4, {"site-1": SiteResult.REFUSED})
    assert "crack, rust" in plant.row(rollout).reason
    assert bench.app().release == bench.release(first)
    wish = msgspec.structs.replace(WISH, accept_classes=True)
    rollout, code = plant.run(second, wish=wish)
    assert (code, plant.results(rollout)) == (0, {"site-1": SiteResult.COMMITTED})
