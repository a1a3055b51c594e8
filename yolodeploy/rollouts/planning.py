"""From sites as they are to a plan: who goes, who is left out and why, what it will move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import Any

import msgspec
from msgspec.structs import replace

from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.errors import UsageError, YolodeployError
from yolodeploy.core.release import Release
from yolodeploy.core.sentences import Sentence, sentence, sentence_of
from yolodeploy.core.site import AppState, Phase
from yolodeploy.core.waves import (
    BESIDE_FOR_S,
    EXPIRES_S,
    Plan,
    Scope,
    SitePlan,
    Standing,
    approvals_after,
    listed_waves,
    tolerated,
    waves_of,
)
from yolodeploy.rollouts.directly import why_directly
from yolodeploy.sites.interface import Planned

AT_ONCE = 16
"""Sites that are asked at the same time how they are: one that does not answer takes seconds."""

GOING = (Standing.GO, Standing.OFFLINE)
"""Those that waves have: an offline site keeps its place, waits there, catches up at `resume`."""

Opens = Callable[[str, float, float], float | None]
"""When a site may be changed: its name, from when on, for how many seconds; None: never."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks of a rollout; see `Plan` for units. `waves` or `lists`, not both.

    `approve_after` names waves (`1,2`, `each`), `max_failed` a count or a share of the sites
    (`2`, `5%`); empty for neither.
    """

    waves: str = "1,25%,100%"
    lists: tuple[tuple[str, ...], ...] = ()
    on_failure: Scope = Scope.ROLLOUT
    concurrency: int = 4
    settle_s: float = 120.0
    observe_s: float = 60.0
    soak_s: float = 5.0
    guard_s: float = 300.0
    compare: bool = True
    accept_classes: bool = False
    between_s: float = 0.0
    approve_after: str = ""
    windows: bool = True
    wave_concurrency: tuple[int, ...] = ()
    jitter_s: float = 0.0
    seed: int = 0
    max_failed: str = ""
    expires_s: float = EXPIRES_S
    beside: Beside | None = None
    beside_for_s: float = BESIDE_FOR_S

    def guarded(self) -> Wish:
        """With a guard that lasts until the release is judged, and a minute more, at least."""
        least_s = self.settle_s + self.observe_s + 60
        return msgspec.structs.replace(self, guard_s=max(self.guard_s, least_s))


def plan_rollout(
    release: Release,
    sites: Iterable[Planned],
    wish: Wish,
    held: Callable[[str], Sentence | None],
    opens: Opens = lambda site, at, need_s: at,
    at: float | None = None,
) -> Plan:
    """Ask every site how it is and cut those that go into waves. Changes nothing.

    `at` is now (Unix seconds), for when each site would go; without it nothing is said of that.

    Raises:
        UsageError: `wave.*`, the waves asked for cannot be cut.
    """
    asked = list(sites)
    # in pieces: a hundred thousand calls through a pool would cost more than what they do
    size = max(len(asked) // (AT_ONCE * 8), 1)
    pieces = [asked[start : start + size] for start in range(0, len(asked), size)]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = pool.map(
            lambda piece: [
                site_plan(site, release, held(site.name), wish.beside) for site in piece
            ],
            pieces,
        )
        looked_at = [plan for piece in found for plan in piece]
    return cut(release, looked_at, wish, opens, at)


def cut(
    release: Release,
    looked_at: Sequence[SitePlan],
    wish: Wish,
    opens: Opens,
    at: float | None,
) -> Plan:
    """The plan for sites that were looked at: waves, approvals, and when each would go."""
    watched_s = max(wish.observe_s, wish.soak_s)
    if wish.beside is not None:
        watched_s += wish.beside_for_s + wish.observe_s
    if wish.windows and at is not None:
        looked_at = [_unless_shut(plan, opens, at, plan.outage_s + watched_s) for plan in looked_at]
    going = [plan.site for plan in looked_at if plan.standing in GOING]
    _demand_going(wish.lists, looked_at, release)
    waves = listed_waves(going, wish.lists) if wish.lists else waves_of(going, wish.waves)
    plan = Plan(
        app=release.spec.app,
        release=release.digest,
        sites=tuple(looked_at),
        waves=waves,
        on_failure=wish.on_failure,
        concurrency=wish.concurrency,
        settle_s=wish.settle_s,
        observe_s=wish.observe_s,
        soak_s=wish.soak_s,
        guard_s=wish.guard_s,
        compare=wish.compare,
        accept_classes=wish.accept_classes,
        between_s=wish.between_s,
        approvals=approvals_after(wish.approve_after, len(waves)),
        windows=wish.windows,
        wave_concurrency=wish.wave_concurrency,
        jitter_s=wish.jitter_s,
        seed=wish.seed,
        max_failed=tolerated(wish.max_failed, len(going)) if wish.max_failed else None,
        expires_s=wish.expires_s,
        beside=wish.beside,
        beside_for_s=wish.beside_for_s if wish.beside is not None else 0.0,
    )
    return plan if at is None else _timed(plan, opens, at)


def _unless_shut(plan: SitePlan, opens: Opens, at: float, need_s: float) -> SitePlan:
    """The plan of a site, which is blocked where no window is long enough for it."""
    if plan.standing is not Standing.GO or opens(plan.site, at, need_s) is not None:
        return plan
    error = UsageError("window.none_fits", site=plan.site, seconds=f"{need_s:g}")
    return replace(plan, standing=Standing.BLOCKED, **_why(reason=sentence_of(error)))


def _timed(plan: Plan, opens: Opens, at: float) -> Plan:
    """The same with the earliest moment at which each site would be switched, by the minute.

    Waits for people, prefetching and turns within a wave come on top.
    """
    goes: dict[str, float] = {}
    begins = at
    for wave in plan.waves:
        ends = begins
        for site in wave:
            need_s = plan.trying_s + plan.need_s(site)
            moment = opens(site, begins, need_s) if plan.windows else begins
            if moment is not None:
                if moment > at:
                    goes[site] = ceil(moment / 60) * 60.0
                if plan.site(site).standing is Standing.GO:
                    ends = max(ends, moment + plan.least_s(site))
        begins = ends + plan.between_s
    return replace(
        plan,
        sites=tuple(
            replace(site, goes_at=goes[site.site]) if site.site in goes else site
            for site in plan.sites
        ),
    )


def site_plan(
    site: Planned, release: Release, held: Sentence | None, beside: Beside | None = None
) -> SitePlan:
    """What the release means for one site as it is now."""
    try:
        state = site.observe()
        app = state.app(release.spec.app)
        lacking = site.lacking_bytes(release.spec)
        way = site.switching(release.spec)
        fault = site.settings_fault()
        kept = kept_release(app)
        directly = why_directly(site, beside.way, way, release, kept) if beside else None
    except YolodeployError as error:
        # what a newer yolodeploy asked for does not pass: nothing could be brought back whole
        standing = Standing.BLOCKED if error.code == "site.newer" else Standing.OFFLINE
        return SitePlan(site=site.name, standing=standing, **_why(reason=sentence_of(error)))
    settled = app is not None and app.phase is Phase.COMMITTED and app.release == release
    standing = Standing.GO
    reason: Sentence | None = None
    if settled:
        standing, reason = Standing.CURRENT, held
    elif held:
        standing, reason = Standing.HELD, held
    elif fault is not None:
        standing, reason = Standing.BLOCKED, sentence_of(fault)
    elif way.blocked:
        standing, reason = Standing.BLOCKED, way.blocked
    holder = state.lease.fence.holder if state.lease and state.lease.until > state.at else ""
    if holder and not reason:
        reason = sentence("plan.leased", holder=holder)
    if beside and beside.way is Way.CANARY and not (directly or reason):
        gets = round(way.share_for(beside.percent))
        if gets != beside.percent:
            reason = sentence("plan.canary_gets", percent=gets)
    return SitePlan(
        site=site.name,
        standing=standing,
        devices=len(state.devices),
        move_bytes=lacking,
        previous=kept.digest if kept is not None else "",
        strategy=way.strategy,
        outage_s=way.outage_s,
        holder=holder,
        at_once=way.at_once,
        **_why(reason=reason, directly=directly, engine=way.engine),
    )


def _demand_going(
    lists: Iterable[Iterable[str]], looked_at: Iterable[SitePlan], release: Release
) -> None:
    """Whether all that waves name would move: a canary that stays would make the next wave one.

    Raises:
        UsageError: `wave.left_out`.
    """
    named = {name for wave in lists for name in wave}
    for plan in looked_at:
        if plan.site in named and plan.standing not in GOING:
            reason = plan.said.get("reason") or sentence("plan.runs_already", release=release.alias)
            raise UsageError("wave.left_out", site=plan.site, reason=reason)


def _why(**told: Sentence | None) -> dict[str, Any]:
    """The fields of a plan that say something: in English, and for readers of any language."""
    said = {name: each for name, each in told.items() if each is not None}
    return {**{name: each.text() for name, each in said.items()}, "said": said}


def kept_release(app: AppState | None) -> Release | None:
    """The release to go back to: never one that is itself on trial."""
    if app is None:
        return None
    return app.previous if app.guard_left_s is not None else app.release
