"""If this fails, some way through a rollout leaves a site with the wrong release, or unguarded.

Twenty sites, two of which lose their link at some time and may never get it back; a release that is
sound or broken in one of four ways; engines that are killed with SIGKILL anywhere; a second
operator who goes on where the first was lost, and the first, who wakes behind her. However it goes,
it must end right (`ending`).

`YOLODEPLOY_FLEET_EXAMPLES` says how many stories are told, `YOLODEPLOY_FLEET_SEED` which.
"""

from __future__ import annotations

import os
import signal
from typing import ClassVar

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from tests.fleet.ending import wrongs
from tests.fleet.fleet import ONLY_CLUSTERS, SITES, Fleet, Laptop, wish_for
from tests.fleet.plants import Kind
from tests.rollouts.plant import wait
from tests.sites.parts import APP
from yolodeploy.core.site import Phase
from yolodeploy.core.steps import Step
from yolodeploy.core.waves import Scope
from yolodeploy.inventory.rollouts import FINAL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EXAMPLES = int(os.environ.get("YOLODEPLOY_FLEET_EXAMPLES", "3"))
SEED = int(os.environ.get("YOLODEPLOY_FLEET_SEED", "6"))
OFFLINE_AT_ONCE = 2
ENGINE_CODES = {0, 1, 3, 4, -signal.SIGKILL}

sides = st.sampled_from(["before", "after"])
ends = st.sampled_from(["intended", "done"])
which = st.sampled_from(["*", ONLY_CLUSTERS])


class Story(RuleBasedStateMachine):
    """One rollout, and what happens to it."""

    fleet: ClassVar[Fleet]

    @initialize(
        kind=st.sampled_from(Kind),
        scope=st.sampled_from(Scope),
        waves=st.sampled_from(["1,25%,100%", "10,100%", "100%"]),
        offline=st.lists(st.sampled_from(SITES), min_size=2, max_size=2, unique=True),
        already=st.booleans(),
    )
    def begin(
        self, kind: Kind, scope: Scope, waves: str, offline: list[str], already: bool
    ) -> None:
        fleet = self.fleet
        fleet.reset()
        fleet.make(fleet.spoiled, kind)
        self.kind = kind
        self.wish = replace(wish_for(kind, scope), waves=waves)
        self.release = fleet.alias_of(kind)
        for name in offline if already else ():
            fleet.cut(name)
        self.laptop = fleet.laptop
        self.rollout = self.laptop.created(self.release, self.wish)
        self.lost: tuple[Laptop, str] | None = None

    def killed(self, moment: str) -> None:
        """Or it has come to an end before that moment."""
        assert wait(self.laptop.crash(self.rollout, moment)) in ENGINE_CODES

    def open(self, laptop: Laptop, rollout: str) -> bool:
        return laptop.row(rollout).state not in FINAL

    @precondition(lambda self: self.open(self.laptop, self.rollout))
    @rule(which=which, side=sides, step=st.sampled_from(Step), end=ends)
    def is_killed_in_a_phase(self, which: str, side: str, step: Step, end: str) -> None:
        """The engine goes on from where it was, and is killed as soon as some site is there."""
        self.killed(f"{which}: {side} {step.value} {end}")

    @precondition(lambda self: self.open(self.laptop, self.rollout))
    @rule(side=sides, number=st.integers(1, 100))
    def is_killed_at_an_entry(self, side: str, number: int) -> None:
        """The same, by how many lines it has journalled."""
        self.killed(f"{side} entry {number}")

    @precondition(lambda self: len(self.fleet.offline) < OFFLINE_AT_ONCE)
    @rule(name=st.sampled_from(SITES))
    def falls_silent(self, name: str) -> None:
        self.fleet.cut(name)

    @precondition(lambda self: self.fleet.offline)
    @rule()
    def is_back(self) -> None:
        self.fleet.mend(min(self.fleet.offline))

    @precondition(lambda self: self.lost is None and self.open(self.laptop, self.rollout))
    @rule()
    def laptop_is_lost(self) -> None:
        """Somebody else rolls out the same release, having never heard of the first rollout."""
        self.lost = (self.laptop, self.rollout)
        self.laptop = self.fleet.other_laptop()
        self.rollout = self.laptop.created(self.release, self.wish)

    @precondition(lambda self: self.lost is not None and self.open(*self.lost))
    @rule()
    def first_laptop_wakes(self) -> None:
        """Whatever she does now, she must not undo what her successor does."""
        assert self.lost is not None
        laptop, rollout = self.lost
        laptop.resume(rollout)

    def teardown(self) -> None:
        """Nothing happens any more: it comes to an end, first without whoever is offline."""
        if not hasattr(self, "rollout"):
            return
        self.ends()
        for name in self.fleet.offline:
            self.fleet.mend(name)
        self.ends()
        assert not self.open(self.laptop, self.rollout)

    def ends(self) -> None:
        if self.open(self.laptop, self.rollout):
            self.laptop.drive(self.rollout)
        times = 1 if self.lost is None else 2
        found = wrongs(self.fleet, self.laptop, self.rollout, self.kind, rollouts=times)
        left = self.left_to_guards()
        found = [wrong for wrong in found if wrong.partition(":")[0] not in left]
        assert not found, "\n".join(found)

    def left_to_guards(self) -> set[str]:
        """Sites on trial by the laptop that is lost, if its successor failed before their turn.

        It may not touch them while the lease lasts; their guards bring them back, as
        `test_link_cut` sees.
        """
        if self.lost is None:
            return set()
        laptop, rollout = self.lost
        lineage = f"/{laptop.row(rollout).operation}/"
        found = set()
        for name in set(SITES) - self.fleet.stopped - set(self.fleet.offline):
            state = self.fleet.inside(name).observe()
            app = state.app(APP)
            its = state.lease is not None and lineage in state.lease.fence.holder
            before = app is not None and app.previous is not None and app.guard_left_s is not None
            if its and (before or (app is not None and app.phase is not Phase.TRIAL)):
                found.add(name)
        return found


def test_it_always_ends_right(fleet: Fleet) -> None:
    print(f"{EXAMPLES} stories of YOLODEPLOY_FLEET_SEED={SEED}")
    Story.fleet = fleet
    told = hypothesis.seed(SEED)(Story)
    settings = hypothesis.settings(
        max_examples=EXAMPLES,
        stateful_step_count=6,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(told, settings=settings)
