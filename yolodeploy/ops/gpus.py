"""The actions on GPUs: how they are shared and who uses them, and sharing them otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from yolodeploy.core.errors import Failed, NotFound, YolodeployError
from yolodeploy.core.gpu_sharing import Claim, Sharing, misfits, possible, shares
from yolodeploy.core.text import one_line
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.operations import list_operations
from yolodeploy.inventory.releases import list_releases
from yolodeploy.inventory.sites import list_sites
from yolodeploy.inventory.status import list_site_apps
from yolodeploy.ops.gpu_reports import REPORT, GpuReport, report_of
from yolodeploy.ops.operations import batches
from yolodeploy.ops.play_hosts import site_of_hosts
from yolodeploy.ops.play_progress import HOST, STEP
from yolodeploy.ops.plays import start_play
from yolodeploy.ops.provisioning import lock_in_force
from yolodeploy.ops.sites import find_device

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.devices import DeviceRow
    from yolodeploy.ops.home import Home
    from yolodeploy.provision.play import Secrets

SHOW, SHARE = "show-gpu.yml", "share-gpu.yml"
CPU = "cpu"


class Seen(NamedTuple):
    """A device with GPUs, and what was seen there: a report, or why there is none.

    `declared` is what releases of the site's apps say of GPU memory, for pods that do not: MiB.
    """

    row: DeviceRow
    report: GpuReport | None
    error: YolodeployError | None = None
    declared: Mapping[str, int] = MappingProxyType({})

    @property
    def where(self) -> str:
        """The site and the name."""
        return f"{self.row.site}/{self.row.name}"


class Change(NamedTuple):
    """What a way of sharing would make of a device. `ends` are pods, `refusals` why not."""

    seen: Seen
    sharing: Sharing
    shares: int
    share_mb: int
    ends: int
    refusals: tuple[YolodeployError, ...]


def gpu_devices(home: Home, words: Sequence[str]) -> list[DeviceRow]:
    """The devices with GPUs that sites and devices by name mean; all of k3s sites by default.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_device`, `ops.unknown_device`,
            `gpu.no_device`.
        Refused: `ops.ambiguous_device`, `play.no_hosts`, `gpu.cpu_only`.
    """
    with read_inventory(home.inventory) as inventory:
        found = [row for word in words for row in _of_word(inventory, word)]
        if not words:
            found = [row for row in list_devices(inventory) if _has_gpu(row)]
    if not found:
        raise NotFound("gpu.no_device", words=", ".join(words) or "-")
    unique = {(row.site, row.name): row for row in found}
    return [unique[key] for key in sorted(unique)]


def _of_word(inventory: Inventory, word: str) -> list[DeviceRow]:
    if word in {row.name for row in list_sites(inventory)}:
        site_of_hosts(inventory, word)
        return [row for row in list_devices(inventory, word) if _has_gpu(row)]
    row = find_device(inventory, word)
    site_of_hosts(inventory, row.site)
    if not _has_gpu(row):
        raise Failed("gpu.cpu_only", device=row.name)
    return [row]


def _has_gpu(row: DeviceRow) -> bool:
    return row.gateway.profile not in ("", CPU)


def look(home: Home, devices: Iterable[DeviceRow], secrets: Secrets) -> list[Seen]:
    """Ask devices how they share their GPUs, site by site; one that is silent stops no other.

    Raises:
        Everything of `start_play`.
    """
    found: list[Seen] = []
    for site, rows in groupby(devices, key=lambda row: row.site):
        asked = list(rows)
        names = [row.name for row in asked]
        operation = start_play(home, site, SHOW, devices=names, secrets=secrets)
        reports, reasons = _heard(home, operation)
        seen = [_seen(row, reports.get(row.name), reasons.get(row.name, "-")) for row in asked]
        with read_inventory(home.inventory) as inventory:
            declared = declared_on(inventory, site)
        found += [one._replace(declared=declared) for one in seen]
    return found


def _heard(home: Home, operation: str) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """The reports of a play by host, and why hosts have none."""
    reports: dict[str, Mapping[str, Any]] = {}
    reasons: dict[str, str] = {}
    for events in batches(home, operation):
        for event in events:
            told = event.fields
            report = told.get("report")
            if event.code == STEP and isinstance(report, dict) and report.get("report") == REPORT:
                reports[str(told["host"])] = report
            elif event.code == HOST:
                reasons[str(told["host"])] = one_line(str(told.get("reason") or "-"))
    return reports, reasons


def _seen(row: DeviceRow, told: Mapping[str, Any] | None, reason: str) -> Seen:
    try:
        if told is None:
            raise Failed("gpu.not_seen", device=row.name, reason=reason)
        report = report_of(row.name, told)
        if report.error or report.node.error:
            raise Failed("gpu.not_seen", device=row.name, reason=report.error or report.node.error)
    except YolodeployError as error:
        return Seen(row, None, error)
    return Seen(row, report)


def plan(home: Home, seen: Iterable[Seen], sharing: Sharing) -> list[Change]:
    """What a way of sharing would make of each device, and why it must not."""
    with read_inventory(home.inventory) as inventory:
        return [_change(one, sharing, declared_on(inventory, one.row.site)) for one in seen]


def _change(seen: Seen, sharing: Sharing, declared: Mapping[str, int]) -> Change:
    if seen.report is None:
        return Change(seen, sharing, 0, 0, 0, (seen.error,) if seen.error else ())
    name, cards = seen.row.name, seen.report.cards
    claims = seen.report.claims(declared)
    try:
        possible(name, sharing, cards, seen.row.gateway.profile)
    except YolodeployError as error:
        return Change(seen, sharing, 0, 0, 0, (error,))
    each = shares(sharing, cards)
    ends = 0 if seen.report.running == str(sharing) else len(seen.report.node.pods)
    refusals = tuple(misfits(name, sharing, cards, claims))
    return Change(seen, sharing, len(each), min(each, default=0), ends, refusals)


def declared_on(inventory: Inventory, site: str) -> dict[str, int]:
    """The GPU memory that the releases of a site's apps declare, in MiB by app.

    An app that the site has not told of yet is taken by its newest release.
    """
    rows = [row.release for row in list_releases(inventory)]  # newest first
    found = {release.spec.app: release.spec.resources.vram_mb for release in reversed(rows)}
    of_digest = {release.digest: release.spec for release in rows}
    for running in list_site_apps(inventory, site):
        if running.release in of_digest:
            found[running.app] = of_digest[running.release].resources.vram_mb
    return found


def start_share(home: Home, site: str, changes: Iterable[Change], secrets: Secrets) -> str:
    """Share the GPUs of a site's devices so; the operation.

    Raises:
        Everything of `start_play` and `lock_in_force`.
    """
    wanted = {change.seen.row.name: str(change.sharing) for change in changes}
    variables = {"share_gpu": wanted, "site_lock": lock_of_site(home, site)}
    return start_play(home, site, SHARE, variables=variables, devices=list(wanted), secrets=secrets)


def lock_of_site(home: Home, site: str) -> dict[str, Any]:
    """The lock by which the site was provisioned last; else the one that is in force here.

    Raises:
        NotFound: `lock.absent`.
        Corrupt: `lock.invalid`.
    """
    with read_inventory(home.inventory) as inventory:
        for row in list_operations(inventory, limit=1000):
            variables = row.arguments.get("variables")
            if row.arguments.get("site") == site and row.arguments.get("playbook") == "site.yml":
                lock = variables.get("site_lock") if isinstance(variables, dict) else None
                if isinstance(lock, dict):
                    return lock
    found: dict[str, Any] = msgspec.to_builtins(lock_in_force(home))
    return found


def users(claims: Iterable[Claim]) -> list[str]:
    """Who uses a device: `brake-disc 2 × 3000 MiB`."""
    return [
        f"{one.app} {one.pods}" + (f" × {one.vram_mb} MiB" if one.vram_mb else "") for one in claims
    ]
