"""The tests' story, told: twenty sites, two of them offline, an engine killed in every phase.

    python tests/fleet/demonstration.py

Eighteen sites are doubles of clusters, whose guards are real processes; two are embedded sites,
whose servers are real ones. Exits with 1 when something did not end right.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from msgspec.structs import replace

from tests.fleet.ending import wrongs
from tests.fleet.fleet import EMBEDDED, FLEET_WISH, SITES, Fleet, wish_for
from tests.fleet.plants import Kind
from tests.sites.parts import APP, until
from yolodeploy.core.site import Phase
from yolodeploy.core.steps import Outcome, Step

FORWARD = (Step.PREFETCH, Step.CHECK, Step.SWITCH, Step.SETTLE, Step.OBSERVE, Step.VERDICT)
OFFLINE = ("plant-02", "plant-20")
CUT = ("plant-01", "plant-02", "plant-03")
GUARD_S = 15.0
SIGNS = {
    Outcome.INTENDED: "begun",
    Outcome.DONE: "done",
    Outcome.FAILED: "failed",
    Outcome.INCONCLUSIVE: "unclear",
    Outcome.WAITING: "waits",
}
STARTED = time.monotonic()


def say(text: str) -> None:
    """One line of the story, with the second in which it happens."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def table(fleet: Fleet, rollout: str, sites: Iterable[str] = SITES) -> None:
    """Per site: how each step ended, how often it was begun, and what runs there now."""
    laptop = fleet.laptop
    results, steps = laptop.results(rollout), list(Step)
    print()
    print(f"{'site':10}{'kind':10}" + "".join(f"{step.value:12}" for step in steps), end="")
    print(f"{'result':14}{'runs':14}{'phase'}")
    for name in sites:
        entries = laptop.journal(rollout, name)
        kind = "embedded" if name in EMBEDDED else "cluster"
        cells = [cell([e.outcome for e in entries if e.step is step]) for step in steps]
        found = results[name]
        result = found.value if found else "pending"
        print(f"{name:10}{kind:10}" + "".join(f"{each:12}" for each in cells), end="")
        print(f"{result:14}{runs(fleet, name)}")
    print()


def cell(outcomes: Sequence[Outcome]) -> str:
    """`done 3×`: the last outcome, and how often the step was begun."""
    if not outcomes:
        return "-"
    begun = Counter(outcomes)[Outcome.INTENDED]
    return SIGNS[outcomes[-1]] + (f" {begun}×" if begun > 1 else "")


def runs(fleet: Fleet, name: str) -> str:
    """What runs on a site, seen from within."""
    if name in fleet.stopped:
        return "(no power)"
    app = fleet.inside(name).observe().app(APP)
    if app is None:
        return "nothing"
    alias = app.release.alias if app.release else "nothing"
    guard = f", guard has {app.guard_left_s:.0f} s" if app.guard_left_s is not None else ""
    return f"{alias:14}{app.phase.value}{guard}"


def judged(fleet: Fleet, rollout: str, kind: Kind, only: Iterable[str] = SITES) -> list[str]:
    """What is wrong at the end, told."""
    row = fleet.laptop.row(rollout)
    say(f"{rollout} is {row.state.value}" + (f": {row.reason}" if row.reason else ""))
    found = wrongs(fleet, fleet.laptop, rollout, kind, only=only)
    told = f"NOT RIGHT: {'; '.join(found)}" if found else "everything is as it must be"
    say(f"sites, servers, guards, leases, events and inventory looked through: {told}")
    return found


def act(fleet: Fleet, kind: Kind, last: Step) -> list[str]:
    """A release goes out; the engine is killed in every phase, with two sites offline."""
    fleet.reset()
    fleet.make(fleet.spoiled, kind)
    laptop, alias = fleet.laptop, fleet.alias_of(kind)
    for name in OFFLINE:
        fleet.cut(name)
    rollout = laptop.created(alias, replace(wish_for(kind), waves="10,100%"))
    say(f"{rollout}: {alias} ({kind.value}); {' and '.join(OFFLINE)} are offline")
    for step in (*FORWARD, last):
        laptop.killed_in(rollout, [step])
        say(f"kill -9 of the engine as soon as a cluster has begun {step.value}; rollout resume")
    fleet.mend(OFFLINE[0])
    say(f"{OFFLINE[0]} is back")
    laptop.drive(rollout)
    table(fleet, rollout)
    found = judged(fleet, rollout, kind)
    fleet.mend(OFFLINE[1])
    if laptop.results(rollout)[OFFLINE[1]] is None and laptop.row(rollout).state.value == "waiting":
        say(f"{OFFLINE[1]} is back as well; rollout resume")
        laptop.resume(rollout)
        table(fleet, rollout, [OFFLINE[1]])
    return found + judged(fleet, rollout, kind)


def cut_for_good(fleet: Fleet) -> list[str]:
    """The link goes after the switch, and never comes back."""
    fleet.reset()
    laptop = fleet.laptop
    wish = replace(FLEET_WISH, waves="100%", guard_s=GUARD_S, soak_s=60.0, observe_s=90.0)
    started = laptop.start(fleet.sound, CUT, wish)
    for name in CUT:
        laptop.reached(started.rollout, "observe intended", name)
    say(f"{started.rollout}: {', '.join(CUT)} run {fleet.sound} on trial, {GUARD_S:g} s each")
    for name in CUT:
        if name in fleet.links:
            fleet.cut(name)
    pid = laptop.operation(started).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    say("every link is cut, and the engine is killed")
    for name in CUT:
        until(lambda name=name: phase(fleet, name) is Phase.REVERTED, f"{name} has gone back")  # type: ignore[misc]
        app = fleet.inside(name).observe().app(APP)
        assert app is not None
        say(f"{name}, from within: {runs(fleet, name)} ({app.reason})")
    for name in CUT:
        fleet.mend(name)
    say("the links are back; rollout resume")
    laptop.drive(started.rollout)
    table(fleet, started.rollout, CUT)
    return judged(fleet, started.rollout, Kind.SOUND, only=CUT)


def phase(fleet: Fleet, name: str) -> Phase | None:
    """Of the app, seen from within."""
    app = fleet.inside(name).observe().app(APP)
    return app.phase if app else None


def main() -> int:
    """All three acts; 1 when something did not end right."""
    with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder)) as fleet:
        say(f"{len(SITES)} sites run {fleet.before}, {', '.join(EMBEDDED)} embedded")
        found = act(fleet, Kind.SOUND, Step.COMMIT)
        found += act(fleet, Kind.BLIND, Step.REVERT)
        found += cut_for_good(fleet)
    say("NOT RIGHT" if found else "it ended right, every time")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
