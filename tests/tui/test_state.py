"""What screens show is derived from inventory rows by pure functions."""

from __future__ import annotations

import pytest

from yolodeploy.core.sketch import CAMERA_STAGES, TOTAL, Sketch
from yolodeploy.core.steps import Entry, Outcome, SiteResult, Step
from yolodeploy.core.waves import Plan, SitePlan, Standing
from yolodeploy.inventory.devices import DeviceApp, DeviceRow, Gateway
from yolodeploy.inventory.journal import RolloutSite, StepRow
from yolodeploy.inventory.rollouts import RolloutRow, RolloutState
from yolodeploy.tui.state.fleet import Status, counts, fleet, fleet_row, status_of
from yolodeploy.tui.state.latency import measured
from yolodeploy.tui.state.rollouts import Mark, RolloutDetail, rollout_detail, track_of
from yolodeploy.tui.state.snapshot import Snapshot

READY_APP = DeviceApp("brake-disc", "sha256:" + "a" * 64, "brake-disc@7", "committed", 1, 1, 0)


def device(name: str = "edge-1", site: str = "plant", **changed: object) -> DeviceRow:
    row = DeviceRow(
        site=site,
        name=name,
        address="10.0.0.1",
        labels={},
        added_at=0.0,
        held=None,
        site_held=None,
        reachable=True,
        site_reason="",
        observed_at=100.0,
        ready=True,
        reason="",
        cpu_percent=12.0,
        memory_mb=300.0,
        gateway=Gateway(),
        apps=(READY_APP,),
    )
    return row._replace(**changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, Status.READY),
        ({"held": ""}, Status.HELD),
        ({"site_held": "shift"}, Status.HELD),
        ({"ready": False, "held": "x"}, Status.NOT_READY),
        ({"reachable": False, "ready": False}, Status.OFFLINE),
        ({"reachable": None}, Status.NEW),
        ({"ready": None}, Status.NEW),
        ({"apps": (READY_APP._replace(ready=0),)}, Status.NOT_READY),
        ({"apps": (READY_APP._replace(phase="switching", ready=0),)}, Status.SWITCHING),
        ({"apps": (READY_APP._replace(phase="trial"),)}, Status.TRIAL),
        ({"apps": ()}, Status.READY),
    ],
)
def test_the_worst_that_can_be_said_of_a_device_is_shown(
    changed: dict[str, object], status: Status
) -> None:
    assert status_of(device(**changed)) is status


def test_why_a_device_is_not_ready_is_told() -> None:
    starting = device(apps=(READY_APP._replace(ready=0, instances=2),))
    assert fleet_row(starting, None).reason == "brake-disc 0/2"
    offline = device(reachable=False, site_reason="no route", held="camera")
    assert fleet_row(offline, None).reason == "no route"


def test_an_unknown_release_is_shown_by_its_digest() -> None:
    row = fleet_row(device(apps=(READY_APP._replace(alias=""),)), None)
    assert row.release == "brake-disc " + "a" * 12


def test_the_app_that_moves_stands_for_the_device() -> None:
    other = READY_APP._replace(app="welds", alias="welds@2", phase="trial")
    row = fleet_row(device(apps=(READY_APP, other)), None)
    assert (row.release, row.more_apps, row.phase) == ("welds@2", 1, "trial")


def test_counts_add_up_and_holds_count_beside_them() -> None:
    rows = fleet(
        [
            device(),
            device("b", held="x"),
            device("c", ready=False),
            device("d", reachable=False, held="y"),
            device("e", ready=None),
        ],
        {},
    )
    assert counts(rows) == (5, 2, 1, 1, 1, 2)


def test_a_name_that_two_sites_have_is_said_with_its_site() -> None:
    rows = fleet([device(), device(site="yard"), device("edge-2")], {})
    snapshot = Snapshot(fleet=rows)
    names = [snapshot.name_of(row) for row in rows]
    assert names == ["plant/edge-1", "yard/edge-1", "edge-2"]


def test_shares_of_stages_are_those_of_the_time_spent() -> None:
    stages = {name: Sketch(0.0, {}) for name in ("inference", "decode", "total")}
    for _ in range(4):
        stages["decode"].record(10_000)
        stages["inference"].record(30_000)
        stages["total"].record(40_000)
    found = measured("a", "a@1", 4, 0, stages)
    assert [(bar.stage, bar.share) for bar in found.bars] == [
        ("decode", 0.25),
        ("inference", 0.75),
        ("total", 1.0),
    ]
    assert found.bars[2].p95_ms == pytest.approx(40, rel=0.02)


def test_a_cameras_stages_stand_in_the_order_in_which_a_frame_passes_them() -> None:
    stages = {name: Sketch(5.0, {1: 1}) for name in sorted((*CAMERA_STAGES, TOTAL))}
    found = measured("a", "a@1", 1, 0, stages)
    assert [bar.stage for bar in found.bars] == [*CAMERA_STAGES, TOTAL]
    assert (found.bars[0].stage, found.bars[-2].stage) == ("capture", "publish")


def test_a_stage_of_a_newer_server_is_shown_too() -> None:
    found = measured("a", "a@1", 1, 0, {"polish": Sketch(5.0, {1: 1})})
    assert [bar.stage for bar in found.bars] == ["polish"]
    assert measured("a", "a@1", 0, 0, {}).bars == ()


def test_the_last_word_on_a_step_counts() -> None:
    entries = [
        Entry(Step.PREFETCH, Outcome.DONE),
        Entry(Step.CHECK, Outcome.WAITING),
        Entry(Step.CHECK, Outcome.INTENDED),
    ]
    assert track_of(entries)[:3] == (Mark.DONE, Mark.NOW, Mark.AHEAD)
    entries += [Entry(Step.CHECK, Outcome.DONE), Entry(Step.BESIDE, Outcome.INTENDED)]
    assert track_of(entries)[1:3] == (Mark.DONE, Mark.AHEAD)
    assert track_of(entries, beside=True)[1:4] == (Mark.DONE, Mark.NOW, Mark.AHEAD)


def row(state: RolloutState = RolloutState.RUNNING, **changed: object) -> RolloutRow:
    plan = Plan(
        app="brake-disc",
        release="sha256:" + "b" * 64,
        sites=tuple(
            SitePlan(site=name, standing=standing)
            for name, standing in (
                ("held", Standing.HELD), ("one", Standing.GO), ("two", Standing.GO)
            )
        ),
        waves=(("one",), ("two",)),
    )  # fmt: skip
    made = RolloutRow(
        "r-1", "brake-disc", plan.release, plan, "op-1", state, "", 50.0, None, False, False, "",
        "me", 99.0,
    )  # fmt: skip
    return made._replace(**changed)  # type: ignore[arg-type]


def detail(rollout: RolloutRow, steps: list[tuple[str, Step, Outcome]]) -> RolloutDetail:
    lines = [
        StepRow(number, site, Entry(step, outcome, f"{step.value} told"), 60.0 + number)
        for number, (site, step, outcome) in enumerate(steps)
    ]
    sites = [RolloutSite(name, None, ()) for name in ("one", "two", "held")]
    return rollout_detail(rollout, "brake-disc@2", sites, lines, 100.0)


def test_sites_stand_in_the_order_of_the_waves_and_those_left_out_last() -> None:
    found = detail(row(), [])
    assert [(site.site, site.wave) for site in found.sites] == [
        ("one", 1),
        ("two", 2),
        ("held", 0),
    ]


def test_progress_is_known_from_the_journal_before_results_are_stored() -> None:
    committed = [("one", step, Outcome.DONE) for step in Step if step is not Step.REVERT]
    found = detail(row(), [*committed, ("two", Step.PREFETCH, Outcome.INTENDED)])
    assert found.sites[0].result is SiteResult.COMMITTED
    assert found.sites[1].step is Step.PREFETCH
    assert (found.item.committed, found.item.ended, found.item.sites, found.item.wave) == (
        1, 1, 2, 2,
    )  # fmt: skip


def test_why_a_site_went_back_is_told_rather_than_that_it_is_back() -> None:
    found = detail(
        row(),
        [
            ("one", Step.OBSERVE, Outcome.FAILED),
            ("one", Step.REVERT, Outcome.DONE),
        ],
    )
    assert found.sites[0].detail == "observe told"
    assert found.sites[0].result is SiteResult.REVERTED


def test_a_rollout_that_nobody_drives_says_for_how_long() -> None:
    assert detail(row(), []).item.silent_s is None
    assert detail(row(heartbeat_at=40.0), []).item.silent_s == 60.0
    assert detail(row(RolloutState.PAUSED, heartbeat_at=None), []).item.silent_s is None


def test_what_was_asked_is_shown_until_it_is_done() -> None:
    assert detail(row(pause_requested=True), []).item.asked == "pause"
    assert detail(row(RolloutState.ABORTED, abort_requested=True), []).item.asked == ""
