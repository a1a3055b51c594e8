"""The actions on how apps are set up on clusters: scale, expose, place, limit, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from yolodeploy.core.app_setup import AppSetup, Autoscale, KeptSetup, checked_setup
from yolodeploy.core.errors import NotFound, Refused, UsageError, YolodeployError
from yolodeploy.core.names import checked_name
from yolodeploy.inventory.catalog import get_app
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.releases import list_releases
from yolodeploy.inventory.sites import get_site, list_sites
from yolodeploy.ops.connect import EMBEDDED, connect

if TYPE_CHECKING:
    from yolodeploy.core.release import Release
    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home
    from yolodeploy.sites.kubernetes.site import KubernetesSite

Edit = Callable[[KeptSetup], KeptSetup | None]
"""What a change makes of a setup; None where there is nothing to go back to."""

LEASE_S = 60.0


class SetUp(NamedTuple):
    """An app on one site: how it is set up, what is there, or why nobody knows.

    `scaler` is what an autoscaler asks there; `holds` how many instances the site has room for.
    """

    app: str
    site: str
    setup: AppSetup = AppSetup()
    scaler: str = ""
    wanted: int | None = None
    ready: int | None = None
    holds: int | None = None
    error: YolodeployError | None = None


def show(home: Home, app: str, sites: Sequence[str]) -> list[SetUp]:
    """How an app is set up on sites, by default on all clusters.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_app`, `inventory.unknown_site`.
        UsageError: `name.invalid`.
    """
    rows, release = _found(home, app, sites)
    return [_each(home, row, lambda site: _seen(site, app, release)) for row in rows]


def change(
    home: Home, app: str, sites: Sequence[str], edit: Edit, *, dry_run: bool = False
) -> list[SetUp]:
    """Set an app up in another way on sites; one that refuses or is silent stops no other.

    Raises:
        As `show`.
    """
    rows, release = _found(home, app, sites)

    def changed(site: KubernetesSite) -> SetUp:
        return _changed(site, app, release, edit, dry_run=dry_run)

    return [_each(home, row, changed) for row in rows]


def undone(kept: KeptSetup) -> KeptSetup | None:
    """As it was before the last change, whichever command made it."""
    return kept.undone()


def edited(**parts: Any) -> Edit:
    """Parts of a setup said anew."""

    def edit(kept: KeptSetup) -> KeptSetup:
        return kept.then(msgspec.structs.replace(kept.setup, **parts))

    return edit


def counted(
    replicas: int | None,
    least: int | None,
    most: int | None,
    *,
    rps: float | None = None,
    queue_ms: float | None = None,
    prometheus: str | None = None,
) -> Edit:
    """The number of instances said anew, or between which an autoscaler chooses.

    Raises:
        UsageError: `setup.address`.
    """
    parts: dict[str, Any] = {"replicas": replicas, "autoscale": None}
    if least is not None or most is not None:
        parts["autoscale"] = Autoscale(least or 1, most or least or 1, rps, queue_ms)
    if prometheus is not None:
        parts["prometheus"] = checked_address(prometheus)

    def edit(kept: KeptSetup) -> KeptSetup:
        return kept.then(msgspec.structs.replace(kept.setup, **parts), scaled=True)

    return edit


def checked_address(address: str) -> str:
    """The address of a Prometheus.

    Raises:
        UsageError: `setup.address`.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise UsageError("setup.address", address=address)
    return address


def _found(home: Home, app: str, names: Sequence[str]) -> tuple[list[SiteRow], Release | None]:
    """The sites that are meant, and the newest release of the app."""
    checked_name("app", app)
    with read_inventory(home.inventory) as inventory:
        get_app(inventory, app)
        if names:
            rows = [get_site(inventory, name) for name in dict.fromkeys(names)]
        else:
            rows = [row for row in list_sites(inventory) if row.kind != EMBEDDED]
        newest = next((row.release for row in list_releases(inventory, app)), None)
    return rows, newest


def _each(home: Home, row: SiteRow, ask: Callable[[KubernetesSite], SetUp]) -> SetUp:
    from yolodeploy.sites.kubernetes.site import KubernetesSite

    try:
        site = connect(home, row)
        if not isinstance(site, KubernetesSite):
            raise Refused("ops.no_objects", site=row.name)
        return ask(site)
    except YolodeployError as error:
        return SetUp("", row.name, error=error)


def _seen(site: KubernetesSite, app: str, newest: Release | None) -> SetUp:
    setup = site.setups.of(app)
    release = _running(site, app) or newest
    holds = site.fitting.holds(release.spec, setup) if release else None
    wanted, ready = site.setups.counted(app)
    return SetUp(app, site.name, setup, _asks(site, setup), wanted, ready, holds)


def _changed(
    site: KubernetesSite,
    app: str,
    newest: Release | None,
    edit: Edit,
    *,
    dry_run: bool,
) -> SetUp:
    from yolodeploy.ops.rollout_run import new_holder

    kept = site.setups.kept(app)
    wanted = edit(kept)
    if wanted is None:
        raise NotFound("setup.nothing_earlier", site=site.name, app=app)
    setup = checked_setup(wanted.setup)
    site.setups.check(app, setup)
    release = _running(site, app) or newest
    if release is not None:
        _demand_room(site, release, setup)
    if not dry_run:
        fence = site.claim(new_holder("app"), LEASE_S)
        try:
            site.setups.put(app, wanted, fence)
        finally:
            site.release_lease(fence)
        return _seen(site, app, newest)
    return _seen(site, app, newest)._replace(setup=setup, scaler=_asks(site, setup))


def _demand_room(site: KubernetesSite, release: Release, setup: AppSetup) -> None:
    """What a person says of the number must be possible; an autoscaler stops where room ends.

    Raises:
        Refused: `setup.too_many`, `setup.over_quota`.
    """
    asked, spec = setup.replicas or 0, release.spec
    holds = site.fitting.holds(spec, setup)
    fields = {"site": site.name, "release": release.alias, "asked": asked}
    if holds is not None and asked > max(holds, 1):
        raise Refused("setup.too_many", **fields, holds=holds)
    quota = setup.quota
    if quota is None:
        return
    each = spec.resources
    for resource, limit, one in (
        ("pods", quota.pods, 1),
        ("GPUs", quota.gpus, each.gpus),
        ("CPU", quota.cpu_millis, each.cpu_millis),
        ("memory", quota.memory_mb, each.memory_mb),
    ):
        if limit is not None and asked * one > limit:
            raise Refused(
                "setup.over_quota", **fields, app=spec.app, resource=resource, limit=limit
            )


def _running(site: KubernetesSite, app: str) -> Release | None:
    from yolodeploy.sites.kubernetes import records

    kept = records.read(site.connection, app)
    return kept.record.intent.release if kept else None


def _asks(site: KubernetesSite, setup: AppSetup) -> str:
    return site.setups.scaler(setup) if setup.autoscale else ""
