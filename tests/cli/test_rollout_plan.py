"""If these fail, a person who plans to try a release first is told something else than happens."""

from __future__ import annotations

import msgspec
import pytest

from yolodeploy.cli.rollout_plan import print_plan
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.sentences import sentence
from yolodeploy.core.waves import Plan, Scope, SitePlan, Standing

SPEC = ReleaseSpec(app="brake-disc", image=f"sha256:{'a' * 64}", model=f"sha256:{'b' * 64}")
ROOMY = SitePlan(site="roomy", standing=Standing.GO)
FULL = SitePlan(site="full", standing=Standing.GO, directly="no room beside: 0 GPUs are free")
PLAN = Plan(
    app="brake-disc",
    release=SPEC.digest,
    sites=(ROOMY, FULL),
    waves=(("roomy",), ("full",)),
    beside=Beside(Way.SHADOW, 40),
    beside_for_s=600.0,
)


def test_each_site_says_whether_it_is_tried_there(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(Release(7, SPEC), PLAN, "table", {})
    told = capsys.readouterr()
    lines = {line.split()[0]: line for line in told.out.splitlines()}
    assert "beside, surge" in lines["roomy"]
    assert "beside, surge" not in lines["full"]
    assert "goes directly: no room beside: 0 GPUs are free" in lines["full"]
    assert "for 600 s at least: shadow, sees copies of 40 % of the traffic" in told.err


def test_who_reads_chinese_has_a_plan_in_chinese(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "zh")
    held = SitePlan(
        site="held",
        standing=Standing.HELD,
        reason="held: 换镜头",
        said={"reason": sentence("step.held", reason="换镜头")},
    )
    plan = msgspec.structs.replace(PLAN, sites=(*PLAN.sites, held), on_failure=Scope.WAVE)
    print_plan(Release(7, SPEC), plan, "wide", {})
    told = capsys.readouterr()
    lines = {line.split()[0]: line for line in told.out.splitlines()}
    assert lines["站点"].split()[1:3] == ["波次", "状态"]
    assert "并行，先启后停" in lines["roomy"]
    assert "直接切换：no room beside: 0 GPUs are free" in lines["full"]  # an older plan's words
    assert "已锁定：换镜头" in lines["held"]
    assert "失败时回退范围：波次" in told.err
    assert "影子，接收 40 % 流量的副本" in told.err


def test_without_a_way_nothing_is_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(
        Release(7, SPEC), msgspec.structs.replace(PLAN, beside=None, sites=(ROOMY,)), "wide", {}
    )
    told = capsys.readouterr()
    assert "beside" not in told.out + told.err
    print_plan(Release(7, SPEC), PLAN, "json", {})
    found = msgspec.json.decode(capsys.readouterr().out)
    assert found["beside"] == {"way": "shadow", "percent": 40}
    assert found["sites"][1]["directly"] == FULL.directly
