"""Whether a namespace's quota has room for one more small pod, and which one has none.

A Job whose pod a quota refuses says so in an event alone, which no account of ours may read.
"""

from __future__ import annotations

from collections.abc import Sequence

from yolodeploy.core.release import Resources
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.notation import quantity
from yolodeploy.sites.kubernetes.objects import Quota, Quotas
from yolodeploy.sites.kubernetes.paths import listing
from yolodeploy.sites.kubernetes.room import GUARD, left_of


def quotas_of(connection: Connection, app: str) -> Sequence[Quota]:
    """All quotas of an app's namespace."""
    return connection.get(listing("ResourceQuota", app), Quotas).items


def full_quota(connection: Connection, app: str) -> str:
    """The quota that leaves no room for a guard or a pull; empty where each does."""
    gpu = Resources().gpu_resource
    full = (quota for quota in quotas_of(connection, app) if not left_of(quota, gpu).fits(GUARD))
    return next(map(_figures, full), "")


def _figures(quota: Quota) -> str:
    """`quota plant is full: pods 9 of 9`."""
    hard, used = quota.status.hard or {}, quota.status.used or {}
    by_share = sorted(
        hard, key=lambda name: quantity(used.get(name)) / (quantity(hard[name]) or 1), reverse=True
    )
    figures = ", ".join(f"{name} {used.get(name, 0)} of {hard[name]}" for name in by_share[:3])
    return f"quota {quota.metadata.name} is full: {figures}"
