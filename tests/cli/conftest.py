"""Command lines in this process, and a home whose inventory is filled without any site running."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.cli.running import Answer
from tests.inventory import parts
from yolodeploy.cli.main import main
from yolodeploy.core.gates import DEFAULT_GATES, Observation, judge
from yolodeploy.core.release import ModelFacts
from yolodeploy.core.steps import Outcome, SiteResult, Step
from yolodeploy.inventory import (
    catalog,
    devices,
    events,
    ingest,
    journal,
    operations,
    releases,
    rollouts,
    sites,
    status,
)
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.home import Home

Run = Callable[..., Answer]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process."""

    def one(*arguments: str) -> Answer:
        capsys.readouterr()
        code = main(arguments)
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return one


@pytest.fixture
def filled(home: Home) -> Home:
    """A home with one of everything in its inventory; its sites are folders that are not there."""
    now = time.time()
    facts = ModelFacts(
        digest=parts.digest("b"), size_bytes=1_500_000, task="detect", classes=("crack", "pit"),
        height=256, width=320, stride=32, opset=17, producer="制造商",
    )  # fmt: skip
    layers = (
        catalog.Layer("server", parts.digest("1"), 224_000),
        catalog.Layer("model", parts.digest("2"), 1_500_000),
    )
    with open_inventory(home.inventory) as inventory:
        for name in ("plant", "厂".encode("idna").decode()):
            sites.add_site(inventory, name, "embedded", str(home.site(name)), at=now)
        devices.add_device(inventory, "plant", "d1", "127.0.0.1", at=now)
        catalog.add_model(inventory, "brake-disc-v1", facts, "/models/b.onnx", at=now)
        for letter, name in (("a", "brake-disc-v1"), ("e", "brake-disc-v2")):
            catalog.add_image(inventory, parts.digest(letter), name, facts.digest, layers, at=now)
        catalog.add_app(inventory, "brake-disc", "划痕 and pits", at=now)
        made = releases.add_release(inventory, parts.spec(), at=now)
        releases.add_release(inventory, parts.spec(image="e"), at=now)
        status.record_site_state(inventory, "plant", parts.state(made, "d1", "d2"), at=now)
        reports = [parts.report(parts.epoch(1, 9000.0, 12_000.0, 30_000.0, failures=1))]
        ingest.ingest(inventory, "plant", reports, at=now)
        events.add_event(inventory, "plant", "instance.started", at=now, device="d1", detail="x\ny")
        _rollout(inventory, made.digest, now)
    return home


def _rollout(inventory: Inventory, release: str, now: float) -> None:
    plan = msgspec.structs.replace(parts.plan("plant"), release=release)
    operations.create_operation(inventory, "op-1", "rollout", {"rollout": "r-1"}, at=now)
    made = rollouts.create_rollout(inventory, plan, "op-1", at=now)
    assert made == "r-1"
    for step in (Step.PREFETCH, Step.CHECK, Step.SWITCH):
        journal.append_step(inventory, made, "plant", step, Outcome.DONE, "well", at=now)
    results = judge(DEFAULT_GATES, Observation(), None)
    journal.set_gates(inventory, made, "plant", results)
    journal.set_result(inventory, made, "plant", SiteResult.COMMITTED)
    rollouts.set_state(inventory, made, RolloutState.DONE, at=now)
    said = {"rollout": made, "release": "brake-disc@1", "state": "done"}
    operations.append_event(inventory, "op-1", "info", "progress.ended", said, at=now)
    operations.finish(inventory, "op-1", OperationState.DONE, 0, at=now)


@pytest.fixture
def v1(example: Path) -> Path:
    """A sample model."""
    return example / "models" / "brake-disc-v1.onnx"
