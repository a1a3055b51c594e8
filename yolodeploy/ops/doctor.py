"""The action `doctor`: what is wrong here before it bites, each with the command that mends it.

A check yields errors instead of raising them; their text and remedy are those of the catalogue.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy import __version__
from yolodeploy.core.errors import Corrupt, Failed, Refused, YolodeployError
from yolodeploy.core.versions import is_later
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.releases import list_releases
from yolodeploy.inventory.sites import list_sites
from yolodeploy.inventory.status import list_site_apps
from yolodeploy.ops.connect import K3S, connect
from yolodeploy.ops.controller_state import controller_state
from yolodeploy.ops.expiry import fault, soon
from yolodeploy.ops.one_controller import is_running
from yolodeploy.ops.pending import Turn, pending_rollouts
from yolodeploy.ops.settings import settings
from yolodeploy.ops.site_settings import left_unfinished
from yolodeploy.provision.play import SERVER

if TYPE_CHECKING:
    from yolodeploy.core.site import StageReport
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home

BACKUP_DAYS = 7
FREE_MB = 1000  # a base image with its layers unpacked wants about that much


class Diagnosis(NamedTuple):
    """One check and what it found; empty when all is well."""

    check: str
    findings: tuple[YolodeployError, ...]


def examine(home: Home) -> list[Diagnosis]:
    """Every check, in the order in which things depend on each other.

    One that cannot be made, for what an earlier one found already, is left out.
    """
    made: list[Diagnosis] = []
    for name, check in CHECKS.items():
        found = _caught(check, home)
        told = {error.text() for diagnosis in made for error in diagnosis.findings}
        if not found or {error.text() for error in found} - told:
            made.append(Diagnosis(name, tuple(found)))
    return made


def _caught(
    check: Callable[[Home], Iterator[YolodeployError]], home: Home
) -> list[YolodeployError]:
    found = []
    try:
        for error in check(home):
            found.append(error)
    except YolodeployError as error:
        found.append(error)
    return found


def _home(home: Home) -> Iterator[YolodeployError]:
    home.create()
    if not os.access(home.root, os.W_OK):
        yield Failed("home.not_created", path=home.root, reason="read-only")
    free_mb = shutil.disk_usage(home.root).free / 1e6
    if free_mb < FREE_MB:
        yield Failed("doctor.disk", path=home.root, free=round(free_mb), wanted=FREE_MB)


def _settings(_home: Home) -> Iterator[YolodeployError]:
    settings()
    yield from ()


def _engine(_home: Home) -> Iterator[YolodeployError]:
    missing = [name for name in ("onnxruntime", "numpy", "cv2", "uvicorn") if not find_spec(name)]
    if missing:
        yield Refused("image.needs_serve", package=", ".join(missing))


def _inventory(home: Home) -> Iterator[YolodeployError]:
    from yolodeploy.inventory.upkeep import check

    if not home.inventory.exists():
        return
    for finding in check(home.inventory):
        yield Corrupt("inventory.corrupt", path=home.inventory, reason=finding.detail)


def _sites(home: Home) -> Iterator[YolodeployError]:
    if not home.inventory.exists():
        return
    with open_inventory(home.inventory) as inventory:
        for row in list_sites(inventory):
            if row.kind == K3S:
                yield from _expiring(home, row)
                yield from _gateways(inventory, row)
                continue
            try:
                site = connect(home, row)
                state = site.observe()
                wrong = site.settings_fault() or left_unfinished(site, state)
                reports = site.sketches()
            except YolodeployError as error:
                yield error
                continue
            if wrong is not None:
                yield wrong
            yield from _expiring(home, row._replace(cluster=state.cluster))
            for resource in state.cluster.unseen if state.cluster else ():
                yield Refused("doctor.unseen", site=row.name, resource=resource)
            yield from _later(row.name, reports)
            for device in state.devices:
                if not device.ready:
                    yield Failed(
                        "doctor.device", site=row.name, device=device.name, reason=device.reason
                    )


def _expiring(home: Home, row: SiteRow) -> Iterator[YolodeployError]:
    now = time.time()
    for expiry in soon(home, row, now):
        yield fault(expiry, row, now)


def _later(site: str, reports: Sequence[StageReport]) -> Iterator[YolodeployError]:
    """Servers of a later version than ours; an earlier one is what its image holds, and is fine."""
    found = {(r.device, r.app, r.version) for r in reports if is_later(r.version, __version__)}
    for device, app, theirs in sorted(found):
        told = {"site": site, "device": device, "app": app, "theirs": theirs, "ours": __version__}
        yield Refused("doctor.server_version", **told)


def _controller(home: Home) -> Iterator[YolodeployError]:
    """Whether the controller of this home is well, where one runs; and of our version."""
    if home.inventory.exists() and is_running(home):
        yield from controller_state(home).faults


def _gateways(inventory: Inventory, row: SiteRow) -> Iterator[YolodeployError]:
    """What is known of a site's gateways without asking them; `doctor SITE` does."""
    devices = list_devices(inventory, row.name)
    servers = sum(device.gateway.role == SERVER for device in devices)
    if devices and servers % 2 == 0:
        yield Failed("doctor.site_servers", site=row.name, servers=servers)
    unproved = [device.name for device in devices if device.gateway.proved_at is None]
    if unproved:
        yield Failed("doctor.site_unproved", site=row.name, devices=", ".join(unproved))
    if row.k3s_version:
        days = (time.time() - (row.backed_up_at or 0)) // 86400
        if days >= BACKUP_DAYS:
            told = round(days) if row.backed_up_at else "-"
            yield Failed("doctor.site_backup", site=row.name, days=told)


def _images(home: Home) -> Iterator[YolodeployError]:
    """The images of the releases that sites run or would go back to."""
    from yolodeploy.oci.checks import verify
    from yolodeploy.oci.layout import Layout

    if not home.inventory.exists():
        return
    with read_inventory(home.inventory) as inventory:
        used = {name for app in list_site_apps(inventory) for name in (app.release, app.previous)}
        releases = [row.release for row in list_releases(inventory) if row.digest in used]
    for release in releases:
        for finding in verify(Layout(home.layout), release.spec.image):
            yield Corrupt("doctor.image", release=release.alias, reason=finding.text)


def _rollouts(home: Home) -> Iterator[YolodeployError]:
    """Those that nobody drives, but for what a controller is about to drive, or waits with."""
    if not home.inventory.exists():
        return
    left = {Turn.DRIVEN, Turn.NOW, Turn.LATER} if is_running(home) else {Turn.DRIVEN}
    with read_inventory(home.inventory) as inventory:
        for item in pending_rollouts(inventory, at=time.time()):
            if item.turn not in left:
                yield Refused("doctor.rollout", rollout=item.row.id, state=item.row.state.value)


CHECKS: dict[str, Callable[[Home], Iterator[YolodeployError]]] = {
    "home folder": _home,
    "settings": _settings,
    "inference engine": _engine,
    "inventory": _inventory,
    "sites and devices": _sites,
    "images in use": _images,
    "rollouts": _rollouts,
    "controller": _controller,
}
