"""From sites as they are to a plan: who goes, who is left out and why, what it will move."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.release import Release
from yolodeploy.core.site import AppState, Phase
from yolodeploy.core.waves import Plan, Scope, SitePlan, Standing, listed_waves, waves_of
from yolodeploy.sites.interface import Site


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks of a rollout; see `Plan` for units. `waves` or `lists`, not both."""

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


def plan_rollout(
    release: Release, sites: Iterable[Site], wish: Wish, held: Callable[[str], str]
) -> Plan:
    """Ask every site how it is and cut those that go into waves. Changes nothing.

    Raises:
        UsageError: `wave.*`, the waves asked for cannot be cut.
    """
    looked_at = tuple(site_plan(site, release, held(site.name)) for site in sites)
    # an offline site keeps its place: it waits in its wave and catches up at `resume`
    going = [plan.site for plan in looked_at if plan.standing in (Standing.GO, Standing.OFFLINE)]
    waves = listed_waves(going, wish.lists) if wish.lists else waves_of(going, wish.waves)
    return Plan(
        app=release.spec.app,
        release=release.digest,
        sites=looked_at,
        waves=waves,
        on_failure=wish.on_failure,
        concurrency=wish.concurrency,
        settle_s=wish.settle_s,
        observe_s=wish.observe_s,
        soak_s=wish.soak_s,
        guard_s=wish.guard_s,
        compare=wish.compare,
        accept_classes=wish.accept_classes,
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
        return SitePlan(site=site.name, standing=Standing.OFFLINE, reason=error.text())
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
    return SitePlan(
        site=site.name,
        standing=standing,
        devices=len(state.devices),
        move_bytes=lacking,
        previous=kept.digest if kept is not None else "",
        strategy=way.strategy,
        outage_s=way.outage_s,
        reason=reason,
    )


def kept_release(app: AppState | None) -> Release | None:
    """The release to go back to: never one that is itself on trial."""
    if app is None:
        return None
    return app.previous if app.guard_left_s is not None else app.release
