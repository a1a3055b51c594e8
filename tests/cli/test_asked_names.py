"""Names in questions. If these fail, a misspelt device looks like one on which nothing happens."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.cli.running import is_error
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.sites import remove_site
from yolodeploy.ops.home import Home


@pytest.mark.parametrize(
    ("line", "said"),
    [("events --site plnt", "there is no site plnt. Did you mean plant?"),
     ("events --site nope", "there is no site nope"),
     ("events --device d-1", "there is no device d-1. Did you mean d1?"),
     ("events --device nope", "there is no device nope"),
     ("events --site xn--fmr --device d1", "site xn--fmr has no device d1"),
     ("latency --device d-1", "there is no device d-1. Did you mean d1?"),
     ("latency --app brake-disk", "there is no app brake-disk. Did you mean brake-disc?"),
     ("latency --app nope", "there is no app nope"),
     ("latency --source htpp", "no figures of the source htpp. Did you mean http?"),
     ("latency --source camera:nope", "there are no figures of the source camera:nope"),
     ("logs --device nope", "there is no device nope"),
     ("logs --app brake-disk", "there is no app brake-disk. Did you mean brake-disc?")],
)  # fmt: skip
def test_a_misspelt_name_is_told_with_the_nearest(
    line: str, said: str, run: Run, filled: Home
) -> None:
    answer = run(*line.split())
    is_error(answer, 1)
    assert said in answer.err.splitlines()[0]
    assert ("Did you mean" in answer.err) == ("Did you mean" in said)


def test_a_stage_is_one_that_a_request_passes(run: Run, filled: Home) -> None:
    answer = run("latency", "--stage", "inferense")
    is_error(answer, 2)
    assert "capture, queue, decode, preprocess, inference, postprocess, publish" in answer.err
    assert run("latency", "--stage", "inference", "-o", "json").code == 0


@pytest.mark.parametrize(
    "line",
    ["events --device d1", "latency --device d1", "latency --app brake-disc",
     "latency --source http", "latency --source shadow"],
)  # fmt: skip
def test_what_is_there_may_be_asked_for_without_figures(line: str, run: Run, filled: Home) -> None:
    assert run(*line.split()).code == 0


def test_what_is_gone_and_left_events_may_be_asked_for(run: Run, filled: Home) -> None:
    with open_inventory(filled.inventory) as inventory:
        remove_site(inventory, "plant")
    for line in ("events --site plant", "events --device d1", "events --site plant --device d1"):
        assert "instance.started" in run(*line.split()).out, line
