"""If these fail, a rollout whose laptop lost power leaves a site half switched.

The engine is killed with SIGKILL at every moment of its journal, and the rollout resumed.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.rollouts.plant import End, Plant, text_of, wait
from yolodeploy.core.steps import Step
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.home import Home
from yolodeploy.ops.quickstart import clean_up

pytestmark = pytest.mark.slow

FORWARD = [Step.PREFETCH, Step.CHECK, Step.SWITCH, Step.SETTLE, Step.OBSERVE]
MEASURING = {Step.CHECK, Step.OBSERVE}


def moments_of(lines: list[str], steps: list[Step]) -> list[str]:
    """Each line's two moments, in order, and those of the figures."""
    found = []
    for line in lines:
        step, _, outcome = line.partition(" ")
        if outcome != "intended" and Step(step) in MEASURING and Step(step) in steps:
            found += [f"before {step} figures", f"after {step} figures"]
        found += [f"before {line}", f"after {line}"]
    return found


GOOD = [
    line
    for step in (*FORWARD, Step.VERDICT, Step.COMMIT)
    for line in (f"{step.value} intended", f"{step.value} done")
]
BAD = [
    *(line for line in GOOD if line.split()[0] in {step.value for step in FORWARD}),
    "verdict intended",
    "verdict failed",
    "revert intended",
    "revert done",
]
# what is done at "before X intended" and at "after X done" is also what is done just beside it
DISTINCT = [
    moment
    for moment in moments_of(GOOD, FORWARD)
    if moment.endswith("figures")
    or (moment.startswith("after") and moment.endswith("intended"))
    or (moment.startswith("before") and moment.endswith("done"))
]


class Proving:
    """One site that is used again and again, and how undisturbed rollouts end on it."""

    def __init__(self, home: Home) -> None:
        self.plant = Plant(home)
        self.plant.sites(1)
        self.good = [self.plant.release(1), self.plant.release(2)]
        self.spoiled = self.plant.release(3)
        first, _ = self.plant.run(self.good[0])
        assert self.plant.row(first).state is RolloutState.DONE
        self.undisturbed: dict[str, End] = {}
        for alias in (self.good[1], self.good[0], self.spoiled):
            rollout, _ = self.plant.run(alias)
            told = [text_of(entry) for entry in self.plant.journal(rollout)]
            assert told == (BAD if alias == self.spoiled else GOOD)
            self.undisturbed[alias] = self.plant.end(rollout)

    def other(self) -> str:
        """The sound release that does not run now."""
        app = self.plant.bench().app()
        assert app.release is not None
        return next(alias for alias in self.good if alias != app.release.alias)

    def back(self) -> None:
        """The release that the undisturbed bad rollout met."""
        if self.other() == self.good[0]:
            self.plant.run(self.good[0])


@pytest.fixture(scope="module")
def proving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proving]:
    home = Home(tmp_path_factory.mktemp("proving") / "home").create()
    try:
        yield Proving(home)
    finally:
        clean_up(home)


def killed(plant: Plant, rollout: str, moment: str) -> None:
    assert wait(plant.crash(rollout, moment)) == -signal.SIGKILL, moment


@pytest.mark.parametrize("moment", [*DISTINCT, "before prefetch intended", "after commit done"])
def test_a_good_release_gets_there(proving: Proving, moment: str) -> None:
    alias = proving.other()
    rollout = proving.plant.created(alias)
    killed(proving.plant, rollout, moment)
    assert proving.plant.resume(rollout) == 0
    assert proving.plant.end(rollout) == proving.undisturbed[alias]


@pytest.mark.parametrize(
    "moment",
    [
        "before verdict failed",
        "after verdict failed",
        "after revert intended",
        "before revert done",
        "after revert done",
    ],
)
def test_a_bad_release_is_taken_back(proving: Proving, moment: str) -> None:
    proving.back()
    rollout = proving.plant.created(proving.spoiled)
    killed(proving.plant, rollout, moment)
    assert proving.plant.resume(rollout) == 4
    assert proving.plant.end(rollout) == proving.undisturbed[proving.spoiled]


@pytest.mark.timeout(600)
def test_killed_at_one_moment_after_the_other_a_good_release_still_gets_there(
    proving: Proving,
) -> None:
    """Each engine goes on where the last was killed, and is killed one moment later."""
    alias = proving.other()
    rollout = proving.plant.created(alias)
    for moment in moments_of(GOOD, FORWARD):
        killed(proving.plant, rollout, moment)
    assert proving.plant.resume(rollout) == 0
    assert proving.plant.end(rollout) == proving.undisturbed[alias]


@pytest.mark.timeout(600)
def test_killed_at_one_moment_after_the_other_a_bad_release_is_still_taken_back(
    proving: Proving,
) -> None:
    proving.back()
    rollout = proving.plant.created(proving.spoiled)
    for moment in moments_of(BAD, FORWARD):
        killed(proving.plant, rollout, moment)
    assert proving.plant.resume(rollout) == 4
    assert proving.plant.end(rollout) == proving.undisturbed[proving.spoiled]
