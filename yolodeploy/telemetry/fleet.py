"""The fleet as metrics: what the inventory knows of sites, devices, apps and latency.

How many series that is, is bounded: of each of the `MOST_…` kinds no more are told, and
`yolodeploy_fleet_left_out` says how many were not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from yolodeploy.core.site import Phase
from yolodeploy.inventory.devices import DeviceRow, list_devices
from yolodeploy.inventory.releases import list_releases
from yolodeploy.inventory.rollouts import list_rollouts
from yolodeploy.inventory.rollups import Measured
from yolodeploy.inventory.sites import SiteRow, list_sites
from yolodeploy.inventory.status import SiteApp, list_site_apps
from yolodeploy.telemetry.exposition import Family, Sample, histogram_samples

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.latency import Group
    from yolodeploy.telemetry.totals import Totals

MOST_SITES = 10_000
MOST_DEVICES = 10_000
MOST_APPS = 10_000
MOST_FLEETS = 100
"""Releases by source (http, camera, shadow): each has up to nine stages of 19 lines."""

_Labels = dict[str, str]


def families(inventory: Inventory, totals: Totals, now: float) -> list[Family]:
    """All metrics at `now` (Unix seconds), all of one moment."""
    with inventory.snapshot():
        sites = list_sites(inventory)
        devices = list_devices(inventory)
        apps = list_site_apps(inventory)
        rollouts = list_rollouts(inventory, unfinished=True, limit=None)
        aliases = {row.digest: row.release.alias for row in list_releases(inventory)}
        counts = totals.read(inventory, now)
    fleets = _fleets(counts, aliases)
    busiest = sorted(fleets, key=lambda name: (-fleets[name].requests, name))[:MOST_FLEETS]
    return [
        *_sites(sites[:MOST_SITES]),
        *_devices(devices[:MOST_DEVICES]),
        *_apps(apps[:MOST_APPS], aliases),
        _gauge(
            "rollouts", "Rollouts that have not ended, by state",
            ((state, sum(row.state.value == state for row in rollouts))
             for state in sorted({row.state.value for row in rollouts})), "state",
        ),
        *_measured({name: fleets[name] for name in sorted(busiest)}),
        _gauge(
            "left_out", "What the bounds of this endpoint left out",
            (("sites", max(len(sites) - MOST_SITES, 0)),
             ("devices", max(len(devices) - MOST_DEVICES, 0)),
             ("apps", max(len(apps) - MOST_APPS, 0)),
             ("releases", max(len(fleets) - MOST_FLEETS, 0))), "what",
        ),
    ]  # fmt: skip


def _gauge(
    name: str, text: str, values: Iterator[tuple[str, float]] | tuple[tuple[str, float], ...],
    label: str,
) -> Family:  # fmt: skip
    samples = [Sample("", {label: key}, value) for key, value in values]
    return Family(f"yolodeploy_fleet_{name}", "gauge", text, samples)


def _sites(rows: list[SiteRow]) -> Iterator[Family]:
    reachable = ((row.name, float(row.reachable)) for row in rows if row.reachable is not None)
    seen = ((row.name, row.observed_at) for row in rows if row.observed_at is not None)
    backed_up = ((row.name, row.backed_up_at) for row in rows if row.backed_up_at is not None)
    yield _gauge("site_reachable", "Whether a site answered when asked last", reachable, "site")
    yield _gauge("site_seen_timestamp_seconds", "When a site answered last", seen, "site")
    yield _gauge("site_backup_timestamp_seconds", "When a site was backed up", backed_up, "site")
    tried = [row.tried_at for row in rows if row.tried_at is not None]
    yield Family(
        "yolodeploy_fleet_collected_timestamp_seconds",
        "gauge",
        "When any site was asked last",
        [Sample("", {}, max(tried))] if tried else [],
    )


def _devices(rows: list[DeviceRow]) -> Iterator[Family]:
    named = [(row, {"site": row.site, "device": row.name}) for row in rows]
    seen = [(row, name) for row, name in named if row.ready is not None]
    for name, text, values in (
        ("device_ready", "Whether a device is ready, as its site saw it last",
         [Sample("", labels, float(bool(row.ready))) for row, labels in seen]),
        ("device_cpu_ratio", "Processors in use by its servers; 1 is one of them",
         [Sample("", labels, row.cpu_percent / 100) for row, labels in seen
          if row.cpu_percent is not None]),
        ("device_memory_bytes", "Memory in use by its servers",
         [Sample("", labels, row.memory_mb * 1e6) for row, labels in seen
          if row.memory_mb is not None]),
    ):  # fmt: skip
        yield Family(f"yolodeploy_fleet_{name}", "gauge", text, values)
    there = [({**labels, "app": app.app}, app) for row, labels in named for app in row.apps]
    for name, kind, text, field in (
        ("instances", "gauge", "Servers of an app on a device", "instances"),
        ("instances_ready", "gauge", "Those that are ready", "ready"),
        ("restarts", "counter", "How often servers were started again", "restarts"),
    ):
        samples = [Sample("", labels, getattr(app, field)) for labels, app in there]
        yield Family(f"yolodeploy_fleet_{name}", kind, text, samples)


def _apps(rows: list[SiteApp], aliases: Mapping[str, str]) -> Iterator[Family]:
    def labels(row: SiteApp) -> _Labels:
        return {"site": row.site, "app": row.app}

    yield Family(
        "yolodeploy_fleet_app_release", "gauge", "1 for the release that a site was asked to run",
        [Sample("", {**labels(row), "release": _alias(row.release, aliases)}, 1)
         for row in rows if row.release],
    )  # fmt: skip
    for name, text, values in (
        ("app_settled", "Whether a site is where it was asked to be",
         [Sample("", labels(row), float(row.settled)) for row in rows]),
        ("app_reverted", "Whether the guard has taken a release back",
         [Sample("", labels(row), float(row.phase == Phase.REVERTED.value)) for row in rows]),
        ("app_outage_seconds", "How long the last switch left an app without answers",
         [Sample("", labels(row), row.outage_s) for row in rows]),
    ):  # fmt: skip
        yield Family(f"yolodeploy_fleet_{name}", "gauge", text, values)


def _measured(fleets: Mapping[tuple[str, ...], Measured]) -> Iterator[Family]:
    requests: list[Sample] = []
    failures: list[Sample] = []
    seconds: list[Sample] = []
    for name, counts in fleets.items():
        labels = dict(zip(("app", "release", "source"), name, strict=True))
        requests.append(Sample("", labels, counts.requests))
        failures.append(Sample("", labels, counts.failures))
        for stage, sketch in sorted(counts.stages.items()):
            seconds += histogram_samples({**labels, "stage": stage}, sketch)
    yield Family("yolodeploy_fleet_requests", "counter", "Requests that were answered", requests)
    yield Family("yolodeploy_fleet_failures", "counter", "Those that failed", failures)
    yield Family(
        "yolodeploy_fleet_stage_seconds", "histogram", "Time of requests by stage", seconds
    )


def _fleets(
    counts: Mapping[Group, Measured], aliases: Mapping[str, str]
) -> dict[tuple[str, ...], Measured]:
    """By app, alias and kind of source: cameras are one, or each would have series of its own."""
    found: dict[tuple[str, ...], Measured] = {}
    for (app, release, source), more in counts.items():
        name = (app, _alias(release, aliases), source.partition(":")[0])
        found[name] = found.get(name, Measured(0, 0, {})).plus(more)
    return found


def _alias(digest: str, aliases: Mapping[str, str]) -> str:
    return aliases.get(digest) or digest.removeprefix("sha256:")[:12]
