"""From sites as they are to a plan: who goes, who is left out and why, what it will move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil

import msgspec
from msgspec.structs import replace

from yolodeploy.core.errors import UsageError, YolodeployError
from yolodeploy.core.release import Release
from yolodeploy.core.site import AppState, Phase
from yolodeploy.core.waves import (
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
from yolodeploy.sites.interface import Site

AT_ONCE = 16
"""Sites that are asked at the same time how they are: one that does not answer takes seconds."""

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


def plan_rollout(
    release: Release,
    sites: Iterable[Site],
    wish: Wish,
    held: Callable[[str], str],
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
            lambda piece: [site_plan(site, release, held(site.name)) for site in piece], pieces
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
    if wish.windows and at is not None:
        looked_at = [_unless_shut(plan, opens, at, plan.outage_s + watched_s) for plan in looked_at]
    # an offline site keeps its place: it waits in its wave and catches up at `resume`
    going = [plan.site for plan in looked_at if plan.standing in (Standing.GO, Standing.OFFLINE)]
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
    )
    return plan if at is None else _timed(plan, opens, at)


def _unless_shut(plan: SitePlan, opens: Opens, at: float, need_s: float) -> SitePlan:
    """The plan of a site, which is blocked where no window is long enough for it."""
    if plan.standing is not Standing.GO or opens(plan.site, at, need_s) is not None:
        return plan
    error = UsageError("window.none_fits", site=plan.site, seconds=f"{need_s:g}")
    return replace(plan, standing=Standing.BLOCKED, reason=error.text())


def _timed(plan: Plan, opens: Opens, at: float) -> Plan:
    """The same with the earliest moment at which each site would be switched, by the minute.

    Waits for people, prefetching and turns within a wave come on top.
    """
    goes: dict[str, float] = {}
    begins = at
    for wave in plan.waves:
        ends = begins
        for site in wave:
            need_s = plan.need_s(site)
            moment = opens(site, begins, need_s) if plan.windows else begins
            if moment is not None:
                if moment > at:
                    goes[site] = ceil(moment / 60) * 60.0
                if plan.site(site).standing is Standing.GO:
                    ends = max(ends, moment + need_s)
        begins = ends + plan.between_s
    return replace(
        plan,
        sites=tuple(
            replace(site, goes_at=goes[site.site]) if site.site in goes else site
            for site in plan.sites
        ),
    )


def site_plan(site: Site, release: Release, held: str) -> SitePlan:
    """What the release means for one site as it is now."""
    try:
        state = site.observe()
        app = state.app(release.spec.app)
        lacking = site.lacking_bytes(release.spec)
        way = site.switching(release.spec)
        fault = site.settings_fault()
    except YolodeployError as error:
        # what a newer yolodeploy asked for does not pass: nothing could be brought back whole
        standing = Standing.BLOCKED if error.code == "site.newer" else Standing.OFFLINE
        return SitePlan(site=site.name, standing=standing, reason=error.text())
    kept = kept_release(app)
    settled = app is not None and app.phase is Phase.COMMITTED and app.release == release
    standing, reason = Standing.GO, ""
    if settled:
        standing, reason = Standing.CURRENT, held
    elif held:
        standing, reason = Standing.HELD, held
    elif fault is not None:
        standing, reason = Standing.BLOCKED, fault.text()
    elif way.blocked:
        standing, reason = Standing.BLOCKED, way.blocked
    holder = state.lease.fence.holder if state.lease and state.lease.until > state.at else ""
    if holder and not reason:
        reason = f"{holder} changes it now"
    return SitePlan(
        site=site.name,
        standing=standing,
        devices=len(state.devices),
        move_bytes=lacking,
        previous=kept.digest if kept is not None else "",
        strategy=way.strategy,
        outage_s=way.outage_s,
        reason=reason,
        holder=holder,
    )


def kept_release(app: AppState | None) -> Release | None:
    """The release to go back to: never one that is itself on trial."""
    if app is None:
        return None
    return app.previous if app.guard_left_s is not None else app.release
