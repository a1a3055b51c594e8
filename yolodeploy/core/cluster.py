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
MANAGER = "yolodeploy"
"""Our field manager: what it set is ours, everything else belongs to somebody else."""

PART_OF = "app.kubernetes.io/part-of"
NAME = "app.kubernetes.io/name"
OURS = "yolodeploy"
KIND = "yolodeploy.io/kind"
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


class Target(msgspec.Struct, frozen=True):
    """What a record is as Deployments: `data["target"]`. None: the app shall not run."""

    release: dict[str, Any] | None
    previous: dict[str, Any] | None = None


def short_digest(digest: str) -> str:
    """Ten digits: enough to tell one app's releases apart, short enough for any name."""
    return digest.removeprefix("sha256:")[:10]


def release_name(app: str, digest: str) -> str:
    """The ConfigMap of a release: its specification, and what its servers are told."""
    return f"{app}-{short_digest(digest)}"


known(Record, Target)
