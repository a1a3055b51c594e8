"""Gates beyond the usual ones, on real servers: labels, declared changes, speed, no frames."""

from __future__ import annotations

import msgspec
import pytest

from tests.rollouts.plant import WISH, Plant
from tests.sites.parts import APP, Bench
from yolodeploy.core.gates import (
    OUTRANKED,
    AgreementGate,
    Change,
    ErrorsGate,
    Gate,
    GateResult,
    GoldenGate,
    GpuMemoryGate,
    ReadinessGate,
    ThroughputGate,
)
from yolodeploy.core.release import Release
from yolodeploy.inventory import journal
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.releases import get_release
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.catalog import build_image, create_release
from yolodeploy.ops.pictures import pictures_in

STRICT: tuple[Gate, ...] = (AgreementGate(max_lost=0.0, max_gained=0.0, min_frames=4, min_boxes=3),)


def label_as_seen_by(plant: Plant, bench: Bench) -> None:
    """Labels beside the frames: all that a site's server finds there now, and nothing else."""
    (instance,) = bench.site.observe().instances
    for picture in pictures_in(plant.frames):
        seen = bench.site.detect(instance, picture.content)
        width, height = seen.width, seen.height
        lines = [
            f"{box.class_id} {(box.x1 + box.x2) / 2 / width} {(box.y1 + box.y2) / 2 / height}"
            f" {(box.x2 - box.x1) / width} {(box.y2 - box.y1) / height}"
            for box in seen.boxes
        ]
        picture.path.with_suffix(".txt").write_text("\n".join(lines))


def gates(plant: Plant, rollout: str, site: str = "site-1") -> dict[str, GateResult]:
    with read_inventory(plant.home.inventory) as inventory:
        rows = journal.rollout_sites(inventory, rollout)
    return {gate.gate: gate for row in rows if row.site == site for gate in row.gates}


def found(plant: Plant, alias: str) -> Release:
    with read_inventory(plant.home.inventory) as inventory:
        return get_release(inventory, alias)


def test_labels_are_right_where_old_and_new_disagree(plant: Plant) -> None:
    """A better model is not stopped for differing; a worse one is, by the same labels."""
    first, second = plant.sites(2)
    plant.run(plant.release(1), ["site-1"])
    better = plant.release(2, STRICT)
    plant.run(better, ["site-2"])
    label_as_seen_by(plant, second)
    rollout, code = plant.run(better, ["site-1"])
    assert code == 0, gates(plant, rollout)
    judged = gates(plant, rollout)
    assert (judged["agreement"].unit, judged["golden"].verdict.value) == (OUTRANKED, "passed")

    careless = (
        AgreementGate(max_lost=1.0, max_gained=1.0, min_frames=99),
        GoldenGate(min_labels=3),
    )
    rollout, code = plant.run(plant.release(3, careless), ["site-1"])
    assert code == 4
    judged = gates(plant, rollout)
    assert (judged["golden"].verdict.value, judged["golden"].unit) == ("failed", "missed")
    assert first.app().release == first.release(better)


def test_a_first_release_that_finds_none_of_the_labels_is_stopped(plant: Plant) -> None:
    """Its classes are in another order than they were labelled in: no older release shows it."""
    (bench,) = plant.sites(1)
    for picture in pictures_in(plant.frames):
        picture.path.with_suffix(".txt").write_text("99 0.5 0.5 0.1 0.1\n" * 3)
    rollout, code = plant.run(plant.release(1))
    judged = gates(plant, rollout)
    assert code == 4, judged
    assert (judged["golden"].verdict.value, judged["golden"].unit) == ("failed", "missed")
    assert bench.app().release is None


def test_a_change_that_is_the_purpose_is_not_held_against_a_release(plant: Plant) -> None:
    plant.sites(1)
    plant.run(plant.release(1))
    plain = found(plant, plant.release(2, STRICT))
    rollout, code = plant.run(plain.alias)
    assert code == 4, gates(plant, rollout)
    names = plain.spec.classes
    meant = tuple(Change(kind, name) for kind in ("gained", "lost") for name in names)  # type: ignore[arg-type]
    image = build_image(plant.home, "brake-disc-v2")
    declared = create_release(plant.home, APP, image.digest, gates=STRICT, meant=meant)
    assert declared.digest != plain.digest, "what is meant is part of what a release is"
    rollout, code = plant.run(declared.alias)
    assert code == 0, gates(plant, rollout)
    assert gates(plant, rollout)["agreement"].figure == 0


def test_speed_and_start_are_judged_by_what_was_measured(plant: Plant) -> None:
    plant.sites(1)
    lenient = (ThroughputGate(min_per_s=0.01, min_samples=4), ReadinessGate(max_s=600))
    rollout, code = plant.run(plant.release(1, lenient))
    judged = gates(plant, rollout)
    assert code == 0, judged
    assert judged["throughput"].figure > 0
    assert 0 < judged["readiness"].figure < 600

    impossible = (ThroughputGate(min_per_s=1e6, min_samples=4), ReadinessGate(max_s=1e-3))
    wish = msgspec.structs.replace(WISH, observe_s=1.0)
    rollout, code = plant.run(plant.release(2, impossible), wish=wish)
    judged = gates(plant, rollout)
    assert (code, {gate.verdict.value for gate in judged.values()}) == (4, {"failed"})
    assert judged["throughput"].at_least
    assert "readiness" in plant.row(rollout).reason


def test_a_gate_on_memory_that_nobody_measures_does_not_pass(plant: Plant) -> None:
    plant.sites(1)
    wish = msgspec.structs.replace(WISH, observe_s=1.0)
    rollout, code = plant.run(plant.release(1, (GpuMemoryGate(max_mb=100),)), wish=wish)
    assert (code, plant.row(rollout).state) == (4, RolloutState.INCONCLUSIVE)


@pytest.mark.parametrize("first", [True, False])
def test_without_frames_made_up_ones_show_health_but_no_agreement(
    plant: Plant, *, first: bool
) -> None:
    plant.sites(1)
    if not first:
        plant.run(plant.release(1))
    with open_inventory(plant.home.inventory) as inventory:
        inventory.execute("UPDATE apps SET frames = ''")
    healthy = (ErrorsGate(min_samples=8), ThroughputGate(min_ratio=0.01, min_samples=8))
    rollout, code = plant.run(plant.release(2, healthy))
    assert code == 0, gates(plant, rollout)
    if first:
        return
    wish = msgspec.structs.replace(WISH, observe_s=1.0)
    rollout, code = plant.run(plant.release(1, STRICT), wish=wish)
    assert (code, plant.row(rollout).state) == (4, RolloutState.INCONCLUSIVE)
    assert gates(plant, rollout)["agreement"].samples == 0
