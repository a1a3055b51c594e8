"""Whether a namespace's quota has room for one more small pod, and which one has none.

A Job whose pod a quota refuses says so in an event alone, which no account of ours may read.
"""

from __future__ import annotations

from collections.abc import Sequence

from yolodeploy.core.release import Resources
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.notation import quantity
from yolodeploy.sites.kubernetes.objects import Quota, Quotas, QuotaScope
from yolodeploy.sites.kubernetes.paths import listing
from yolodeploy.sites.kubernetes.room import GUARD, left_of

_NOT_OURS = frozenset({"BestEffort", "Terminating", "PriorityClass", "CrossNamespacePodAffinity"})
"""What no pod of ours is: all ask for CPU and memory, and name no class.

To quotas the deadline of a Job is none of its pods: those are `NotTerminating`, too.
"""


def quotas_of(connection: Connection, app: str) -> Sequence[Quota]:
    """The quotas of an app's namespace that hold for our pods."""
    found = connection.get(listing("ResourceQuota", app), Quotas).items
    return [quota for quota in found if all(map(_is_ours, _scopes(quota)))]


def full_quota(connection: Connection, app: str) -> str:
    """The quota that leaves no room for a guard or a pull; empty where each does."""
    gpu = Resources().gpu_resource
    full = (quota for quota in quotas_of(connection, app) if not left_of(quota, gpu).fits(GUARD))
    return next(map(_figures, full), "")


def _scopes(quota: Quota) -> list[QuotaScope]:
    named = [QuotaScope(scope_name=name, operator="Exists") for name in quota.spec.scopes or ()]
    selector = quota.spec.scope_selector
    return [*named, *(selector.match_expressions or () if selector else ())]


def _is_ours(scope: QuotaScope) -> bool:
    without = scope.operator in ("NotIn", "DoesNotExist")
    return without or scope.scope_name not in _NOT_OURS


def _figures(quota: Quota) -> str:
    """`quota plant is full: pods 9 of 9`."""
    hard, used = quota.status.hard or {}, quota.status.used or {}
    by_share = sorted(
        hard, key=lambda name: quantity(used.get(name)) / (quantity(hard[name]) or 1), reverse=True
    )
    figures = ", ".join(f"{name} {used.get(name, 0)} of {hard[name]}" for name in by_share[:3])
    return f"quota {quota.metadata.name} is full: {figures}"
