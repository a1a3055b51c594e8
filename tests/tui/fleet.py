"""A real inventory with a fleet in it, filled through the inventory's own functions.

Three plants: one all well, one in the middle of a rollout, one that cannot be reached. Everything
is derived from `NOW`, so that pictures of it never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from yolodeploy.core.gates import GateResult, Verdict
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.site import (
    AppState,
    DeviceState,
    Epoch,
    InstanceState,
    Phase,
    SiteEvent,
    SiteState,
    StageReport,
)
from yolodeploy.core.sketch import Sketch, Stages
from yolodeploy.core.steps import Outcome, SiteResult, Step
from yolodeploy.core.waves import Plan, SitePlan, Standing
from yolodeploy.inventory import devices, journal, rollouts, sites, status
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.events import add_event, record_site_events
from yolodeploy.inventory.ingest import ingest
from yolodeploy.inventory.releases import add_release
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.home import Home
from yolodeploy.tui.state.rollouts import TRACK

NOW = 1_795_000_230.0
"""2026-11-18 12:10:30 UTC: half a minute into the tenth minute that the screens show."""

APP = "brake-disc"
MEANS_MS = {"queue": 0.3, "decode": 4.6, "preprocess": 1.4, "inference": 31.0, "postprocess": 0.7}


def build(root: Path) -> Home:
    """The fleet of the tests; returns its home."""
    home = Home(root).create()
    with open_inventory(home.inventory) as inventory:
        old, new = releases(inventory)
        plants(inventory, old, new)
        measure(inventory, old, new)
        happenings(inventory)
        moves(inventory, old, new)
    return home


def releases(inventory: Inventory) -> tuple[Release, Release]:
    """`brake-disc@1` and `brake-disc@2`."""
    made = [
        add_release(
            inventory, ReleaseSpec(app=APP, image=f"sha256:{c * 64}", model=APP), at=NOW - 9e5
        )
        for c in "ab"
    ]
    return made[0], made[1]


def plants(inventory: Inventory, old: Release, new: Release) -> None:
    """Eight devices on three sites."""
    add_plant(inventory, "plant-east", ["east-1", "east-2", "east-3"], "10.1.0", {"line": "a"})
    add_plant(inventory, "plant-west", ["west-1", "west-2", "west-3"], "10.2.0", {"line": "b"})
    add_plant(inventory, "yard", ["yard-1", "yard-2"], "10.3.0", {})
    seen(inventory, "plant-east", new, Phase.COMMITTED, ["east-1", "east-2", "east-3"], NOW - 2)
    seen(inventory, "plant-west", new, Phase.TRIAL, ["west-1", "west-2"], NOW - 3, bad="west-2")
    seen(inventory, "yard", old, Phase.COMMITTED, ["yard-1", "yard-2"], NOW - 7260)
    status.record_unreachable(inventory, "yard", "no route to host", at=NOW - 3)
    devices.set_device_hold(
        inventory, "plant-east", "east-3", "camera is being replaced", at=NOW - 900
    )


def add_plant(
    inventory: Inventory, site: str, names: Sequence[str], net: str, labels: dict[str, str]
) -> None:
    """A site and its devices."""
    sites.add_site(inventory, site, "embedded", f"/nowhere/{site}", at=NOW - 9e5)
    for number, name in enumerate(names, 1):
        devices.add_device(inventory, site, name, f"{net}.{number}", at=NOW - 9e5, labels=labels)


def seen(
    inventory: Inventory,
    site: str,
    release: Release,
    phase: Phase,
    names: Sequence[str],
    at: float,
    bad: str = "",
) -> None:
    """What a site says of itself: one instance a device."""
    dice = Random(site)
    state = SiteState(
        site=site,
        at=at,
        lease=None,
        devices=tuple(
            DeviceState(
                name=name,
                ready=name != bad,
                reason="disk pressure: 97 % of / is full" if name == bad else "",
                cpu_percent=dice.uniform(18, 60),
                memory_mb=dice.uniform(300, 1400),
            )
            for name in names
        ),
        apps=(AppState(app=APP, phase=phase, release=release, settled=True),),
        instances=tuple(
            InstanceState(
                name=f"{APP}-{name}",
                device=name,
                app=APP,
                release=release.digest,
                ready=name != bad,
                restarts=3 if name == bad else 0,
            )
            for name in names
        ),
    )
    status.record_site_state(inventory, site, state, at=at)


def stages(dice: Random, requests: int, slower: float = 1.0) -> Stages:
    """Sketches of some requests."""
    made: Stages = {name: Sketch(0.0, {}) for name in (*MEANS_MS, "total")}
    for _ in range(requests):
        total = 0.0
        for name, mean in MEANS_MS.items():
            value = mean * 1000 * dice.lognormvariate(0, 0.15)
            value *= slower if name == "inference" else 1.0
            made[name].record(value)
            total += value
        made["total"].record(total)
    return made


def measure(inventory: Inventory, old: Release, new: Release) -> None:
    """Ten minutes of requests on every device that answers."""
    for site, names in (("plant-east", ["east-1", "east-2", "east-3"]), ("plant-west", ["west-1"])):
        for name in names:
            dice = Random(name)
            for minute in range(10):
                slow = 2.1 if (name, minute) == ("east-2", 7) else 1.0
                report(
                    inventory, site, name, old if name == "west-1" and minute < 6 else new,
                    NOW - (9 - minute) * 60 - 20, minute, stages(dice, 60, slow),
                )  # fmt: skip


def report(
    inventory: Inventory,
    site: str,
    device: str,
    release: Release,
    at: float,
    epoch: int,
    measured: Stages,
) -> None:
    """One life of one server and what it measured."""
    requests = measured["total"].count
    told = StageReport(
        site=site,
        device=device,
        instance=f"{APP}-{device}",
        app=APP,
        release=release.digest,
        epochs=(
            Epoch(number=epoch, source="http", requests=requests, failures=0, stages=measured),
        ),
    )
    ingest(inventory, site, [told], at=at)


def happenings(inventory: Inventory) -> None:
    """Events of both kinds: told by sites, and noticed from outside."""
    record_site_events(
        inventory,
        "plant-west",
        [
            SiteEvent(1, NOW - 400, "west-1", "instance.started", "brake-disc-0 (brake-disc@2)"),
            SiteEvent(2, NOW - 390, "west-2", "instance.started", "brake-disc-1 (brake-disc@2)"),
            SiteEvent(3, NOW - 200, "west-2", "instance.restarted", "brake-disc-1 (restart 3)"),
        ],
    )
    add_event(
        inventory, "plant-east", "hold.set", at=NOW - 900, device="east-3",
        detail="camera is being replaced",
    )  # fmt: skip
    add_event(inventory, "yard", "power.lost", at=NOW - 90_000, detail="since Tuesday")


def moves(inventory: Inventory, old: Release, new: Release) -> None:
    """A rollout that failed, and one in its second wave."""
    plan = Plan(
        app=APP,
        release=old.digest,
        sites=tuple(SitePlan(site=s, standing=Standing.GO) for s in ("plant-east", "plant-west")),
        waves=(("plant-east",), ("plant-west",)),
    )
    first = rollouts.create_rollout(inventory, plan, "op-000001", at=NOW - 90_000)
    walk(inventory, first, "plant-east", 5, NOW - 89_900)
    reason = "site plant-east: gate latency total p95 failed: 96.2 ms, bound 55.1, 80 samples"
    journal.append_step(
        inventory, first, "plant-east", Step.VERDICT, Outcome.FAILED, at=NOW - 89_000, detail=reason
    )
    journal.append_step(
        inventory, first, "plant-east", Step.REVERT, Outcome.DONE, at=NOW - 88_990,
        detail="back to nothing",
    )  # fmt: skip
    journal.set_gates(inventory, first, "plant-east", gates(failed=True))
    journal.set_result(inventory, first, "plant-east", SiteResult.REVERTED)
    journal.set_result(inventory, first, "plant-west", SiteResult.STOPPED)
    rollouts.set_state(inventory, first, RolloutState.FAILED, at=NOW - 88_980, reason=reason)
    second(inventory, new)


def second(inventory: Inventory, new: Release) -> str:
    """The rollout that is under way: committed in the east, observing in the west."""
    plan = Plan(
        app=APP,
        release=new.digest,
        sites=(
            SitePlan(site="plant-east", standing=Standing.GO),
            SitePlan(site="plant-west", standing=Standing.GO),
            SitePlan(site="yard", standing=Standing.OFFLINE, reason="no route to host"),
        ),
        waves=(("plant-east",), ("plant-west",)),
    )
    rollout = rollouts.create_rollout(inventory, plan, "op-000002", at=NOW - 500)
    walk(inventory, rollout, "plant-east", 7, NOW - 490)
    journal.set_gates(inventory, rollout, "plant-east", gates())
    walk(inventory, rollout, "plant-west", 4, NOW - 420)
    journal.append_step(
        inventory, rollout, "plant-west", Step.OBSERVE, Outcome.INTENDED, at=NOW - 12
    )
    rollouts.take_rollout(inventory, rollout, "me@here/op-000002/1-a", at=NOW - 1, stale_after=10)
    return rollout


def walk(inventory: Inventory, rollout: str, site: str, steps: int, at: float) -> None:
    """The first `steps` steps of a site, done."""
    told = ("1,204,224 bytes moved, 5,120,000 there already", "runs nothing; 0 boxes on 0 frames",
            "to brake-disc@2; reverts by itself after 300 s", "ready; 0.8 s without an instance",
            "80 requests, 0 failed, 0 restarts", "5 gates passed",
            "brake-disc@2 is the current release")  # fmt: skip
    for number, (step, detail) in enumerate(list(zip(TRACK, told, strict=True))[:steps]):
        for outcome, text in ((Outcome.INTENDED, ""), (Outcome.DONE, detail)):
            journal.append_step(
                inventory, rollout, site, step, outcome, at=at + 8 * number, detail=text
            )


def gates(*, failed: bool = False) -> tuple[GateResult, ...]:
    """Verdicts as a rollout stores them."""
    latency = Verdict.FAILED if failed else Verdict.PASSED
    return (
        GateResult("errors", Verdict.PASSED, 0.0, 0.01, 80, "share"),
        GateResult("restarts", Verdict.PASSED, 0, 0, 1, "times"),
        GateResult("latency total p95", latency, 96.2 if failed else 44.7, 55.1, 80, "ms"),
        GateResult("latency inference p95", latency, 84.0 if failed else 36.2, 46.5, 80, "ms"),
        GateResult("agreement", Verdict.INCONCLUSIVE, 0.0, 0.2, 4, "lost"),
    )
