"""Rollouts by command, on a site that runs.

If these fail, a script goes on after a release was rolled back, or a plan says something else.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.cli.conftest import Run
from tests.cli.running import contents, program, started
from yolodeploy.cli.rollout_plan import left_out
from yolodeploy.cli.table_words import TableWords
from yolodeploy.core.messages import message
from yolodeploy.core.waves import Plan, SitePlan, Standing
from yolodeploy.ops.home import Home
from yolodeploy.ops.sites import create_site

Make = Callable[..., list[str]]
QUICK = ("--soak", "0.5", "--settle", "180", "--observe", "180")


@pytest.mark.slow
def test_a_rollout_and_one_that_is_stopped(home: Home, releases: Make, run: Run) -> None:
    create_site(home, "plant", 1, {})
    releases(1, 3)
    before = contents(home.site("plant") / "layers")
    planned = run("rollout", "start", "brake-disc@1", "--dry-run", "-o", "json")
    assert planned.out == run("rollout", "plan", "brake-disc@1", "-o", "json").out
    assert json.loads(planned.out)["waves"] == [["plant"]]
    assert run("rollout", "plan", "brake-disc@1", "-o", "name").out == "plant\n"
    assert contents(home.site("plant") / "layers") == before

    first = program("rollout", "start", "brake-disc@1", *QUICK, "-o", "json", home=home.root)
    assert first.code == 0, first.err
    [row] = json.loads(first.out)
    assert (row["release"], row["state"]) == ("brake-disc@1", "done")
    assert "commit" in first.err
    again = run("rollout", "start", "brake-disc@1")
    assert again.code == 1
    assert message("rollout.nothing_to_do").en.split("{")[0] in again.err
    # nor does a site that is held: but it needs it, and how it is let go is said
    for kind, name in (("device", "plant-1"), ("site", "plant")):
        run(kind, "hold", name, "--reason", "audit")
        held = run("rollout", "start", "brake-disc@2")
        assert held.code == 1
        assert "audit" in held.err
        assert f"yolodeploy {kind} unhold {name}" in held.err
        run(kind, "unhold", name)

    stopped = program("rollout", "start", "brake-disc@2", *QUICK, "-o", "name", home=home.root)
    assert (stopped.code, stopped.out) == (4, "r-2\n")
    assert "revert: back to brake-disc@1" in stopped.err
    status = json.loads(run("rollout", "status", "r-2", "-o", "json").out)
    assert status["sites"][0]["result"] == "reverted"
    assert any(gate["verdict"] == "failed" for gate in status["sites"][0]["gates"])
    assert "failed" in run("rollout", "status", "r-2").out
    # following what has ended tells it again, with its exit code
    assert run("rollout", "watch", "r-2").code == 4
    for line in ("rollout pause r-2", "rollout resume r-2", "rollout abort r-2 --yes"):
        assert run(*line.split()).code == 1
    assert run("rollout", "undo", "r-2", "--yes").code == 1
    # what was measured of both is there, under their names
    stages = json.loads(run("latency", "-o", "json").out)
    assert {row["release"] for row in stages} == {"brake-disc@1", "brake-disc@2"}
    assert run("logs", "-o", "name").out.startswith("brake-disc.plant-1.")
    assert run("logs", "-n", "1").out.startswith("plant/plant-1 ")


@pytest.mark.slow
def test_a_rollout_outlives_whoever_started_it(home: Home, releases: Make, run: Run) -> None:
    """Ctrl-C ends the narration, with 130; `rollout watch` takes it up again."""
    import signal

    create_site(home, "plant", 1, {})
    releases(1)
    process = started("rollout", "start", "brake-disc@1", *QUICK, home=home.root)
    assert process.stderr is not None
    for line in process.stderr:
        if b"prefetch" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert b"yolodeploy operations follow op-" in err
    watched = run("rollout", "watch", "r-1", "-o", "json")
    assert watched.code == 0
    assert json.loads(watched.out)[0]["state"] == "done"


def test_a_site_that_was_asked_for_and_stays_as_it_is_is_told() -> None:
    """Else a rollout ends as done, and nobody knows that one of its sites never had it."""
    stay = {Standing.HELD: "night shift", Standing.BLOCKED: "no room"}
    sites = [SitePlan(site=each.value, standing=each, reason=why) for each, why in stay.items()]
    going = [SitePlan(site=each.value, standing=each) for each in Standing if each not in stay]
    plan = Plan(app="a", release="r", sites=(*going, *sites), waves=(("go",),))
    assert left_out(plan, TableWords("en")) == [
        "held is left out: night shift",
        "blocked is left out: no room",
    ]
    many = Plan(app="a", release="r", sites=tuple(sites * 9), waves=())
    assert left_out(many, TableWords("en"))[-1] == "and 8 more, which rollout status names"


@pytest.mark.slow
def test_a_held_site_is_left_out(home: Home, releases: Make, run: Run) -> None:
    create_site(home, "plant", 1, {})
    releases(1)
    run("site", "hold", "plant", "--reason", "night shift")
    plan = json.loads(run("rollout", "plan", "brake-disc@1", "-o", "json").out)
    assert plan["sites"][0]["standing"] == "held"
    assert "night shift" in run("rollout", "plan", "brake-disc@1").out
    assert run("rollout", "start", "brake-disc@1").code == 1
    assert run("detect", "/nowhere.jpg").code == 1
