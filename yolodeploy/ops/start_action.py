"""Starting a rollout as an action of the dashboard: with what it can ask for.

What was asked is words of `rollout start`, so that the command that does the same can be shown.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.waves import EACH, Plan, Scope
from yolodeploy.ops.actions import default_wish
from yolodeploy.ops.rollouts import Started, plan, start

if TYPE_CHECKING:
    from yolodeploy.core.release import Release
    from yolodeploy.ops.home import Home
    from yolodeploy.rollouts.planning import Wish


class Asked(NamedTuple):
    """What a person asks of a rollout beyond the defaults; empty: all sites, directly."""

    beside: str = ""
    approve: bool = False
    on_failure: str = Scope.ROLLOUT.value
    select: str = ""

    @property
    def words(self) -> str:
        """As options of `rollout start`."""
        found = [
            *(["--beside", self.beside] if self.beside else []),
            *(["--approve-after", EACH] if self.approve else []),
            *(["--on-failure", self.on_failure] if self.on_failure != Scope.ROLLOUT.value else []),
            *(["--select", self.select] if self.select else []),
        ]
        return shlex.join(found)

    @property
    def wish(self) -> Wish:
        """The same with the defaults around it."""
        wish: Wish = default_wish()
        wish = msgspec.structs.replace(
            wish,
            beside=Beside(Way(self.beside)) if self.beside else None,
            approve_after=EACH if self.approve else "",
            on_failure=Scope(self.on_failure),
        )
        return wish.guarded()


def asked_of(words: str) -> Asked:
    """What the words ask for, as `Asked.words` has written them."""
    given = iter(shlex.split(words))
    options = {word: next(given, "") for word in given}
    return Asked(
        options.get("--beside", ""),
        "--approve-after" in options,
        options.get("--on-failure", Scope.ROLLOUT.value),
        options.get("--select", ""),
    )


def planned(home: Home, release: str, asked: Asked) -> tuple[Release, Plan]:
    """What rolling out would do; raises as `rollouts.plan`. Changes nothing."""
    return plan(home, release, (), asked.wish, asked.select)


def roll_out(home: Home, release: str, words: str) -> Started:
    """Start it; raises as `rollouts.start`."""
    asked = asked_of(words)
    return start(home, release, (), asked.wish, select=asked.select)
