"""If these fail, who reads Chinese is told in English why a site waits or went back."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from tests.rollouts.plant import WISH, Plant, text_of
from tests.rollouts.test_rollouts import IMPOSSIBLE
from yolodeploy.cli.follow import line_of
from yolodeploy.cli.rollout_status import print_status
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops import operations, rollouts
from yolodeploy.ops.sites import hold_site
from yolodeploy.ops.watching import of_rollout
from yolodeploy.tui.reading import Reader
from yolodeploy.tui.state.snapshot import Wanted

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "zh")


def status(plant: Plant, rollout: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `rollout status` prints."""
    capsys.readouterr()
    print_status(plant.home, rollout, "table")
    return "".join(capsys.readouterr())


def test_a_rollout_is_told_in_the_language_of_whoever_reads_it(
    plant: Plant, chinese: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.sites(1)
    first = plant.release(1)
    plant.run(first)
    wish = msgspec.structs.replace(WISH, observe_s=1.0)
    failed = plant.start(plant.release(2, IMPOSSIBLE), wish=wish)
    assert plant.ended(failed) == 4

    journal = plant.journal(failed.rollout)
    assert all(entry.said for entry in journal if entry.detail), journal
    for entry in journal:
        assert entry.told("en") == entry.detail
        assert bool(CHINESE.search(entry.told("zh"))) is bool(entry.detail), entry

    shown = status(plant, failed.rollout, capsys)
    assert "站点 site-1：门限 latency total p95 未通过" in shown
    assert "yolodeploy logs --site site-1" in shown
    seen = Reader(plant.home, "zh").read(Wanted(rollout=failed.rollout), 0.0).rollout
    assert seen is not None
    assert seen.item.reason == plant.row(failed.rollout).why("zh")
    assert "未通过" in seen.sites[0].detail
    with open_inventory(plant.home.inventory) as inventory:
        notice = of_rollout(inventory, plant.row(failed.rollout))
    assert notice is not None
    said = [line_of(event, "zh") for event in operations.follow(plant.home, failed.operation)]
    assert any("site-1：判定 失败：站点 site-1：门限" in line for line in said), said

    # who reads English, and programs, have what they had
    print_status(plant.home, failed.rollout, "json")
    data = json.loads(capsys.readouterr().out)
    assert data["reason"].startswith("site site-1: gate latency total p95 failed: ")
    assert data["said"]["code"] == "rollout.gate_failed"
    assert data["said"]["fields"]["gate"] == "latency total p95"
    assert data["sites"][0]["said"] == {"code": "step.reverted", "fields": {"release": first}}
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "en")
    assert data["reason"] in status(plant, failed.rollout, capsys)


def test_why_a_site_waits_is_told_in_chinese(
    plant: Plant, chinese: None, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.sites(1)
    rollout = plant.created(plant.release(1))
    hold_site(plant.home, "site-1", "压制刹车盘")
    assert plant.resume(rollout) == 3
    assert text_of(plant.journal(rollout)[-1]) == "switch waiting"
    shown = status(plant, rollout, capsys)
    assert shown.count("已锁定：压制刹车盘") == 2, shown  # of the rollout, and of its site
    _, planned = rollouts.plan(plant.home, plant.row(rollout).release, (), WISH)
    assert planned.site("site-1").told("reason", "zh") == "已锁定：压制刹车盘"


def test_what_was_journalled_before_there_were_codes_is_read_as_it_is(
    plant: Plant, chinese: None, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.sites(1)
    rollout = plant.created(plant.release(1))
    older = "site site-1: gate errors failed; " + "x" * 600
    with open_inventory(plant.home.inventory) as inventory, inventory.transaction():
        inventory.execute(
            "INSERT INTO steps (rollout, site, step, outcome, detail, at) "
            "VALUES (1, 'site-1', 'prefetch', 'failed', ?, 0)",
            (older,),
        )
        inventory.execute("UPDATE rollouts SET state = 'failed', reason = ?", (older,))
    assert plant.row(rollout).state is RolloutState.FAILED
    assert plant.journal(rollout)[0].told("zh") == older
    assert older in status(plant, rollout, capsys)
