"""What must hold when a rollout has come to an end, or to where only offline sites are left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator

from tests.fleet.fleet import CLUSTERS, SITES, Fleet, Laptop
from tests.fleet.plants import Kind
from tests.sites.parts import APP, LIMIT_S
from yolodeploy.core.site import AppState, Phase, SiteState
from yolodeploy.core.steps import SiteResult
from yolodeploy.core.waves import Scope
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.events import query_events
from yolodeploy.inventory.rollouts import RolloutRow, RolloutState
from yolodeploy.inventory.sites import list_sites
from yolodeploy.inventory.status import list_site_apps
from yolodeploy.ops.connect import connect_all
from yolodeploy.telemetry.collect import collect_all

BAD = {SiteResult.REVERTED, SiteResult.INCONCLUSIVE, SiteResult.REFUSED}
ENOUGH = 10_000


def wrongs(
    fleet: Fleet,
    laptop: Laptop,
    rollout: str,
    kind: Kind,
    *,
    rollouts: int = 1,
    only: Iterable[str] = SITES,
) -> list[str]:
    """Everything that is not as it must be, in words; empty when all is well.

    `rollouts` is how many there were of the release: each commits it once, and not again.
    """
    collected(laptop)
    row, results = laptop.row(rollout), laptop.results(rollout)
    return [
        *state_wrongs(row, results, kind),
        *(
            f"{name}: {told}"
            for name in only
            for told in site_wrongs(fleet, laptop, row, name, results.get(name))
        ),
        *inventory_wrongs(fleet, laptop, rollouts),
    ]


def collected(laptop: Laptop) -> None:
    """One round of the collector, as the dashboard makes it."""
    with open_inventory(laptop.home.inventory) as inventory:
        sites, refused = connect_all(laptop.home, list_sites(inventory))
        assert not refused
        # eighteen of them answer from this very process: on a busy machine none of them is offline
        collect_all(sites, inventory, now=time.time, deadline_s=LIMIT_S)


def state_wrongs(
    row: RolloutRow, results: dict[str, SiteResult | None], kind: Kind
) -> Iterator[str]:
    """The rollout's state says what became of its sites."""
    moving = [results[name] for wave in row.plan.waves for name in wave]
    bad = [result for result in moving if result in BAD]
    if row.holder is not None:
        yield f"{row.holder} still drives it"
    if row.state is RolloutState.RUNNING:
        yield "the rollout still runs"
    if row.state is RolloutState.DONE and set(moving) != {SiteResult.COMMITTED}:
        yield f"done, and yet {Counter(moving)}"
    if row.state is RolloutState.WAITING and None not in moving:
        yield f"it waits for nobody: {Counter(moving)}"
    if row.state in (RolloutState.FAILED, RolloutState.INCONCLUSIVE) and not bad:
        yield f"{row.state.value} and yet no site is: {Counter(moving)}"
    if kind is not Kind.SOUND and SiteResult.COMMITTED in moving:
        yield f"a release that {kind.value} was committed: {results}"
    whole = row.plan.on_failure is Scope.ROLLOUT and row.state is RolloutState.FAILED
    if whole and SiteResult.COMMITTED in moving:
        yield f"failed as a whole, and yet {Counter(moving)}"


def site_wrongs(
    fleet: Fleet, laptop: Laptop, row: RolloutRow, name: str, result: SiteResult | None
) -> Iterator[str]:
    """The site runs what the journal says, alone, and nobody's trial goes unguarded."""
    if name in fleet.stopped:
        return  # without power it runs nothing
    state = fleet.inside(name).observe()
    app = state.app(APP)
    if app is None:
        yield "it does not know the app any more"
        return
    digest = app.release.digest if app.release else ""
    begins = app.phase is Phase.SWITCHING and digest == row.release
    if app.phase is Phase.TRIAL or (begins and result is not SiteResult.COMMITTED):
        yield from trial_wrongs(fleet, name, app)
    if name in fleet.offline and result is None:
        if row.state not in (RolloutState.WAITING, RolloutState.FAILED, RolloutState.INCONCLUSIVE):
            yield f"offline and without a result, and yet the rollout is {row.state.value}"
        return
    wanted = row.release if result is SiteResult.COMMITTED else laptop.digest(fleet.before)
    yield from settled_wrongs(state, app, wanted)
    if name not in fleet.offline:
        if result is None:
            yield "it has no result"
        if state.lease is not None:
            yield f"{state.lease.fence.holder} still has its lease"


def trial_wrongs(fleet: Fleet, name: str, app: AppState) -> Iterator[str]:
    if app.guard_left_s is None:
        yield f"{app.release.alias if app.release else 'nothing'} is on trial without a guard"
    if name in CLUSTERS and not fleet.plants[name].on_guard():
        yield "its guard is dead"
    if name not in fleet.offline:
        yield "a trial that nobody ended"


def settled_wrongs(state: SiteState, app: AppState, wanted: str) -> Iterator[str]:
    """One committed release, the one that is wanted, and no process of another."""
    runs = app.release.digest if app.release else ""
    if app.phase is not Phase.COMMITTED:
        yield f"it is {app.phase.value} ({app.reason})"
    if not app.settled:
        yield "it is not settled"
    if runs != wanted:
        yield f"it runs {runs[:19]} and not {wanted[:19]}"
    instances = [(item.release, item.ready) for item in state.instances if item.app == APP]
    if instances != [(wanted, True)]:
        yield f"its servers are {instances}"


def inventory_wrongs(fleet: Fleet, laptop: Laptop, rollouts: int) -> Iterator[str]:
    """The inventory counts the sites as they are, and tells each event once."""
    with read_inventory(laptop.home.inventory) as inventory:
        reachable = {row.name for row in list_sites(inventory) if row.reachable}
        seen = {row.site: row for row in list_site_apps(inventory)}
        told = query_events(inventory, limit=ENOUGH)
    if reachable != set(SITES) - fleet.offline:
        yield f"reachable are {sorted(reachable)}, offline {sorted(fleet.offline)}"
    for name in sorted(reachable):
        site = fleet.inside(name)
        app = site.observe().app(APP)
        now = (app.phase.value, app.release.digest if app.release else "") if app else ()
        if (seen[name].phase, seen[name].release) != now:
            yield f"{name}: the inventory has {seen[name]}"
        happened = Counter((each.code, each.detail, each.at) for each in site.watch(0))
        noted = Counter((each.code, each.detail, each.at) for each in told if each.site == name)
        # what was noticed from outside (falling silent, coming back) is no event of the site's
        if missing := happened - noted:
            yield f"{name}: not told: {list(missing)[:3]}"
        if twice := [key for key, times in noted.items() if key in happened and times > 1]:
            yield f"{name}: told twice: {twice[:3]}"
        yield from (f"{name}: {each}" for each in too_often(happened, rollouts))


def too_often(happened: Counter[tuple[str, str, float]], rollouts: int) -> Iterator[str]:
    """No release is committed a second time by whoever resumed."""
    times = Counter(told for code, told, _ in happened.elements() if code == "release.committed")
    yield from (f"{told}: committed {n} times" for told, n in times.items() if n > rollouts)
