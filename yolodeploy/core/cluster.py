"""What a Kubernetes site holds of ours, and under which names: read from outside and inside alike.

Every app has a namespace of its own. In it are one record (what was asked for and how far that is),
one ConfigMap a kept release, and events; the site's mark is a Lease in a namespace of its own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.site import Intent

NAMESPACE = "yolodeploy"
MARK = "site"
RECORD = "yolodeploy-record"
GUARD = "yolodeploy-guard"
GUARD_JOB = "YOLODEPLOY_GUARD_JOB"
"""In a guard's environment: the number in the name of its Job."""

BESIDE = "yolodeploy-beside"
"""The Deployment beside the app's own, its Service, and what its pods are called."""

MIRROR = "yolodeploy-mirror"
MIRROR_FILE = "mirror.json"
MANAGER = "yolodeploy"
"""Our field manager: what it set is ours, everything else belongs to somebody else."""

PART_OF = "app.kubernetes.io/part-of"
NAME = "app.kubernetes.io/name"
OURS = "yolodeploy"
KIND = "yolodeploy.io/kind"
ASIDE = "yolodeploy.io/beside"
"""Only on pods beside the app's own."""

BLIND = "yolodeploy.io/blind"
"""On servers that get no settings: they know no Leases, and two of them would read each camera."""

OF_JOB = "batch.kubernetes.io/job-name"
"""On the pods of a Job, by Kubernetes itself."""

OF_JOB_UID = "batch.kubernetes.io/controller-uid"
"""Likewise; those of an earlier Job of the same name have another."""

RELEASE = "yolodeploy.io/release"
ALIAS = "yolodeploy.io/alias"
IMAGE = "yolodeploy.io/image"
AT = "yolodeploy.io/at"
FENCE = "yolodeploy.io/fence"
APPS = "yolodeploy.io/apps"
VRAM = "yolodeploy.io/vram-mb"
"""GPU memory that a pod declares, in MiB: `gpu share` reads it off the pods themselves."""

SITE_HISTORY = "yolodeploy-settings"
"""The versions of the site's settings, beside the site's mark."""

SITE_SETTINGS = "yolodeploy-site"
"""In an app's namespace: those in force (a ConfigMap), and the secrets that they name."""

SETTINGS_FILE = "settings.toml"
SETTINGS_FOLDER = "/etc/yolodeploy-site"
SECRETS_FOLDER = "/etc/yolodeploy-secrets"
ACCOUNT_VOLUME = "account"
"""The volume with which a server agrees with others who reads a camera."""

PLACE = "yolodeploy.io/place"
"""On a camera's Lease: how far a file or a folder has been read."""

SETUP = "yolodeploy-setup"
SCALER = "yolodeploy-scale"
"""Who writes `replicas` for us: another manager, so that applying a release leaves it alone."""

INSTANCE_PORT = 8001
EVENTS_KEPT = 200
RELEASES_KEPT = 20


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of one app, and what its guard made of it: `data["record"]` of the ConfigMap.

    `asking` counts what was asked for and tells one asking from the next. `boot` and `guard_until`
    are the guard's: seconds since boot `boot` of the machine that it runs on, None before it has
    begun; until then nothing is switched. `guard_ends_at` is the same in Unix seconds, to be shown.
    `settled` is its word that all is there, with the outage that it took.

    `turns`: the switch moves the traffic to pods that are there already, beside the old ones.
    `guarded_by` is the asking for which the guard was placed, where it is not this one.
    """

    intent: Intent
    asking: int
    fence: int
    boot: str = ""
    guard_until: float | None = None
    guard_ends_at: float | None = None
    settled: bool = False
    reverted: bool = False
    reason: str = ""
    outage_s: float = 0.0
    turns: bool | msgspec.UnsetType = msgspec.UNSET
    guarded_by: int | msgspec.UnsetType = msgspec.UNSET


class Target(msgspec.Struct, frozen=True):
    """What a record is as Deployments: `data["target"]`. None: the app shall not run.

    `beside` is the one of the release that is tried beside the main one, `service` the app's
    Service, `mirror` what tells the old servers to mirror.
    """

    release: dict[str, Any] | None
    previous: dict[str, Any] | None = None
    beside: dict[str, Any] | None = None
    service: dict[str, Any] | None = None
    mirror: str = ""


def short_digest(digest: str) -> str:
    """Ten digits: enough to tell one app's releases apart, short enough for any name."""
    return digest.removeprefix("sha256:")[:10]


def release_name(app: str, digest: str) -> str:
    """The ConfigMap of a release: its specification, and what its servers are told."""
    return f"{app}-{short_digest(digest)}"


def camera_lease(camera: str) -> str:
    """The Lease of who reads a camera."""
    return f"camera-{camera}"


def job_of(record: Record) -> int:
    """The number in the name of the guard's Job that a record is in the hands of."""
    return record.asking if record.guarded_by is msgspec.UNSET else record.guarded_by


known(Record, Target)
