"""What `doctor` alone asks of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from yolodeploy.core.cluster import GUARD, NAME
from yolodeploy.core.errors import NotFound, Refused, Unreachable
from yolodeploy.core.rights import Rule
from yolodeploy.core.site import InstanceState
from yolodeploy.core.text import one_line
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.lists import PAGE
from yolodeploy.sites.kubernetes.objects import ListMetadata, Pod, Pods
from yolodeploy.sites.kubernetes.paths import NAMESPACES, NODES, PODS, USAGES, listing

_LISTS = {
    "nodes": NODES,
    "pods": PODS,
    "namespaces": NAMESPACES,
    "runtimeclasses": "/apis/node.k8s.io/v1/runtimeclasses",
}
_RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
NOT_TOLD = frozenset({"kubernetes.forbidden", "kubernetes.denied", "kubernetes.absent"})
"""What an account may not ask, or a cluster does not have."""

ANSWER_S = 3.0
_FAILS = ("kubernetes.broken", "kubernetes.busy")


class _Whole(msgspec.Struct, frozen=True):
    """A page of a list, its objects as they came."""

    items: tuple[dict[str, Any], ...] = ()
    metadata: ListMetadata = ListMetadata()


class _Version(msgspec.Struct, frozen=True, rename="camel"):
    git_version: str = ""


class _Reviewed(msgspec.Struct, frozen=True, rename="camel"):
    resource_rules: tuple[Rule, ...] | None = None
    incomplete: bool = False
    evaluation_error: str = ""


class _Review(msgspec.Struct, frozen=True):
    status: _Reviewed = _Reviewed()


class Examining:
    """One cluster's. Everything raises as `Connection.get`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def objects(self, kind: str) -> list[dict[str, Any]] | None:
        """All objects of a kind, whole; None where this account may not list them.

        Kinds: `nodes`, `pods`, `namespaces`, `runtimeclasses`.
        """
        query: dict[str, Any] = {"limit": PAGE}
        found: list[dict[str, Any]] = []
        while True:
            try:
                page = self._connection.get(_LISTS[kind], _Whole, **query)
            except (Refused, NotFound) as error:
                if error.code not in NOT_TOLD:
                    raise
                return None
            found += page.items
            if not page.metadata.goes_on:
                return found
            query["continue"] = page.metadata.goes_on

    def version(self) -> str:
        """The API server's: `v1.36.2+k3s1`."""
        return one_line(self._connection.get("/version", _Version).git_version, 40)

    def rights(self, namespace: str) -> Sequence[Rule]:
        """What this account may do in a namespace, the rights on all of the cluster with it.

        Raises:
            NotFound: `kubernetes.absent`, also where nobody knows all, as with an authoriser that
                is somewhere else.
        """
        asked = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        told = self._connection.send("POST", _RULES, asked, _Review).status
        if told.incomplete:
            reason = one_line(told.evaluation_error or "incomplete", 160)
            site = self._connection.site
            raise NotFound("kubernetes.absent", site=site, asked=_RULES, reason=reason)
        return told.resource_rules or ()

    def metrics_fault(self) -> str:
        """Why metrics-server, which is there, does not answer; empty where it does.

        Raises:
            NotFound: `kubernetes.absent`, there is none.
        """
        try:
            self._connection.call("GET", USAGES, tries=1)
        except Unreachable as error:
            if error.code not in _FAILS:
                raise
            return str(error.fields["reason"])
        return ""

    def silence_of(self, instance: InstanceState) -> str:
        """Why an instance does not answer through the API server; empty where it does, or is gone.

        Raises:
            Refused: `kubernetes.forbidden`.
        """
        try:
            self._connection.call("GET", f"{instance.url}/sketches", limit_s=ANSWER_S, tries=1)
        except NotFound:
            return ""
        except Unreachable as error:
            return str(error.fields["reason"])
        return ""

    def guards(self, app: str) -> list[Pod]:
        """The guards of an app that have not ended."""
        found = self._connection.get(
            listing("Pod", app), Pods, labelSelector=f"{NAME}={GUARD}"
        ).items
        return [pod for pod in found if pod.status.phase not in ("Succeeded", "Failed")]
