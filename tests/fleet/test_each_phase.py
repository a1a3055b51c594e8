"""If these fail, a laptop that dies in some phase leaves sites of a fleet half switched.

Twenty sites, two of them offline from the beginning, one of which comes back while the rollout is
under way; the engine is killed with SIGKILL in each phase, one after the other.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.fleet.ending import wrongs
from tests.fleet.fleet import SITES, Fleet, wish_for
from tests.fleet.plants import Kind
from yolodeploy.core.steps import SiteResult, Step
from yolodeploy.inventory.rollouts import RolloutState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

FORWARD = (Step.PREFETCH, Step.CHECK, Step.SWITCH, Step.SETTLE, Step.OBSERVE, Step.VERDICT)
COMES_BACK, STAYS_AWAY = "plant-02", "plant-20"


@pytest.mark.parametrize(
    ("kind", "last"), [(Kind.SOUND, Step.COMMIT), (Kind.BLIND, Step.REVERT)], ids=["sound", "blind"]
)
def test_killed_in_each_phase_it_ends_right(fleet: Fleet, kind: Kind, last: Step) -> None:
    fleet.make(fleet.spoiled, kind)
    for name in (COMES_BACK, STAYS_AWAY):
        fleet.cut(name)
    laptop = fleet.laptop
    wish = replace(wish_for(kind), waves="10,100%")
    rollout = laptop.created(fleet.alias_of(kind), wish)
    laptop.killed_in(rollout, (*FORWARD, last))
    fleet.mend(COMES_BACK)
    laptop.drive(rollout)
    found = wrongs(fleet, laptop, rollout, kind)
    assert not found, "\n".join(found)
    sound = kind is Kind.SOUND
    assert laptop.row(rollout).state is (RolloutState.WAITING if sound else RolloutState.FAILED)
    if sound:
        results = laptop.results(rollout)
        assert results.pop(STAYS_AWAY) is None
        assert results == dict.fromkeys(set(SITES) - {STAYS_AWAY}, SiteResult.COMMITTED)
    fleet.mend(STAYS_AWAY)
    if sound:
        assert laptop.resume(rollout) == 0
    found = wrongs(fleet, laptop, rollout, kind)
    assert not found, "\n".join(found)
