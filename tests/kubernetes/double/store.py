"""The objects of a double: versions, preconditions, server-side apply, selectors, dry runs, pages.

Whatever changes an object, a test's own hands too, is noticed: it gets a version and an entry in
the history, from which watches are fed.
"""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from tests.kubernetes.double.faults import No

Obj = dict[str, Any]
Key = tuple[str, str, str]
KINDS = {
    "deployments": "Deployment", "jobs": "Job", "pods": "Pod", "nodes": "Node", "leases": "Lease",
    "configmaps": "ConfigMap", "namespaces": "Namespace", "services": "Service", "roles": "Role",
    "serviceaccounts": "ServiceAccount", "networkpolicies": "NetworkPolicy",
    "rolebindings": "RoleBinding", "ingresses": "Ingress", "resourcequotas": "ResourceQuota",
    "persistentvolumeclaims": "PersistentVolumeClaim", "scaledobjects": "ScaledObject",
    "poddisruptionbudgets": "PodDisruptionBudget", "servicemonitors": "ServiceMonitor",
    "endpointslices": "EndpointSlice", "secrets": "Secret",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler", "storageclasses": "StorageClass",
}  # fmt: skip


class Change(NamedTuple):
    """Something that happened to an object."""

    number: int
    kind: str
    key: Key
    item: Obj


class Store:
    """Objects by plural, namespace and name. `floor` is the oldest version that is remembered."""

    def __init__(self) -> None:
        self.kept: dict[Key, Obj] = {}
        self.number = 100
        self.floor = 0
        self.history: list[Change] = []
        self._seen: dict[Key, bytes] = {}

    def put(self, plural: str, namespace: str, name: str, item: Obj) -> Obj:
        """Store an object with a version of its own."""
        self.number += 1
        before = self.kept.get((plural, namespace, name))
        item["metadata"] |= {"name": name, "resourceVersion": str(self.number)}
        if namespace:
            item["metadata"]["namespace"] = namespace
        item["metadata"].setdefault("creationTimestamp", stamp())
        item["metadata"].setdefault("uid", f"uid-{self.number}")
        if before is None or before.get("spec") != item.get("spec"):
            item["metadata"]["generation"] = item["metadata"].get("generation", 0) + 1
        self.kept[plural, namespace, name] = item
        return item

    def of(self, plural: str, namespace: str | None = None) -> list[Obj]:
        return [
            item
            for (kind, space, _), item in list(self.kept.items())
            if kind == plural and namespace in (None, space)
        ]

    def there(self, plural: str, space: str, name: str) -> Obj:
        if (plural, space, name) not in self.kept:
            raise No(404, f'{plural} "{name}" not found', "NotFound")
        return self.kept[plural, space, name]

    # history ---------------------------------------------------------------------------------

    def note(self) -> None:
        """Write down what has changed since the last look."""
        now = dict(self.kept)
        for key in [key for key in self._seen if key not in now]:
            self.number += 1
            gone = json.loads(self._seen.pop(key))
            gone["metadata"]["resourceVersion"] = str(self.number)
            self.history.append(Change(self.number, "DELETED", key, gone))
        for key, item in now.items():
            text = msgspec.json.encode(item)
            before = self._seen.get(key)
            if text == before:
                continue
            if before is not None and _version(item) == _version(json.loads(before)):
                self.number += 1  # somebody has changed it in its place
                item["metadata"]["resourceVersion"] = str(self.number)
                text = msgspec.json.encode(item)
            self._seen[key] = text
            kind = "ADDED" if before is None else "MODIFIED"
            self.history.append(Change(int(_version(item)), kind, key, json.loads(text)))

    def forget_history(self) -> None:
        """As etcd does after some minutes: older versions can neither be watched nor listed on."""
        self.note()
        self.history.clear()
        self.number += 1
        self.floor = self.number

    # reading ---------------------------------------------------------------------------------

    def listed(self, plural: str, space: str | None, query: Mapping[str, str]) -> Obj:
        """A list, or the page of it that `limit` and `continue` ask for."""
        self.note()
        items = [
            item for item in self.of(plural, space)
            if selected(item, query.get("labelSelector", ""))
        ]  # fmt: skip
        version, _, start = query.get("continue", f"{self.number} 0").partition(" ")
        if int(version) < self.floor:
            raise No(410, "The provided continue parameter is too old", "Expired")
        first = int(start)
        limit = int(query.get("limit", "0")) or len(items)
        metadata = {"resourceVersion": version}
        if len(items) > first + limit:
            metadata["continue"] = f"{version} {first + limit}"
        return {"metadata": metadata, "items": items[first : first + limit]}

    # writing ---------------------------------------------------------------------------------

    def demand_version(self, plural: str, space: str, name: str, body: Obj) -> None:
        wanted = body["metadata"].get("resourceVersion")
        if (
            wanted is not None
            and wanted != self.there(plural, space, name)["metadata"]["resourceVersion"]
        ):
            raise No(
                409, f'Operation cannot be fulfilled on {plural} "{name}": the object has been '
                "modified; please apply your changes to the latest version and try again",
                "Conflict",
            )  # fmt: skip

    def scaled(self, plural: str, space: str, name: str, replicas: int, manager: str) -> Obj:
        """What is written through `scale` belongs to whoever wrote it."""
        found = copy.deepcopy(self.there(plural, space, name))
        found["spec"]["replicas"] = replicas
        found["owners"][".spec.replicas"] = manager
        return self.put(plural, space, name, found)

    def created(self, plural: str, space: str, body: Obj) -> Obj:
        self._demand_namespace(space)
        body = copy.deepcopy(body)
        name = body["metadata"].get("name") or f"{body['metadata']['generateName']}{self.number}"
        if (plural, space, name) in self.kept:
            raise No(409, f'{plural} "{name}" already exists', "AlreadyExists")
        return self.stored(plural, space, name, body)

    def stored(self, plural: str, space: str, name: str, body: Obj) -> Obj:
        body.setdefault("status", (self.kept.get((plural, space, name)) or {}).get("status", {}))
        return self.put(plural, space, name, body)

    def merged(self, plural: str, space: str, name: str, body: Obj) -> Obj:
        """JSON merge patch of `data` alone: keys are added, null takes one away."""
        found = copy.deepcopy(self.there(plural, space, name))
        data = {**(found.get("data") or {}), **body["data"]}
        found["data"] = {key: value for key, value in data.items() if value is not None}
        return self.put(plural, space, name, found)

    def deleted(self, plural: str, space: str, name: str, body: Obj) -> Obj:
        found = self.there(plural, space, name)
        bound = body.get("preconditions") or {}
        self.demand_version(plural, space, name, {"metadata": bound})
        del self.kept[plural, space, name]
        return found

    def applied(
        self, plural: str, space: str, name: str, body: Obj, query: Mapping[str, str]
    ) -> Obj:
        """Of fields, only whole leaves are managed here; lists are leaves."""
        manager = query["fieldManager"]
        before = self.kept.get((plural, space, name))
        if before is None:
            self._demand_namespace(space)
        else:
            self.demand_version(plural, space, name, body)
            _demand_same(plural, name, before, body)
        owners = copy.deepcopy((before or {}).get("owners", {}))
        mine = leaves({key: value for key, value in body.items() if key in ("spec", "data")})
        for field, value in mine.items():
            owner = owners.get(field, manager)
            if owner != manager and leaves(before or {}).get(field) != value:
                if query.get("force") != "true":
                    raise No(
                        409, "Apply failed with 1 conflict: conflict with "
                        f'"{owner}" using apps/v1: {field}', "Conflict",
                    )  # fmt: skip
                owners[field] = manager
        if query.get("dryRun"):
            return body
        made = copy.deepcopy(body)
        made["owners"] = owners | {field: owners.get(field, manager) for field in mine}
        if plural == "services":
            made["spec"]["clusterIP"] = (before or {}).get("spec", {}).get("clusterIP", "10.43.0.7")
        if plural == "deployments":
            kept = (before or {}).get("spec", {}).get("replicas", 1)
            made["spec"].setdefault("replicas", kept)
        made["metadata"].pop("resourceVersion", None)
        if before is not None:
            made["metadata"] = before["metadata"] | made["metadata"]
            if {**made, "metadata": 0, "status": 0} == {**before, "metadata": 0, "status": 0}:
                return before  # nothing changes, and so does not the version
        return self.stored(plural, space, name, made)

    def _demand_namespace(self, space: str) -> None:
        if space and ("namespaces", "", space) not in self.kept:
            raise No(404, f'namespaces "{space}" not found', "NotFound")


def _demand_same(plural: str, name: str, before: Obj, body: Obj) -> None:
    """The pods of a Job stay what they were asked to be, and so does a claim but for its size."""
    if plural == "jobs" and before["spec"]["template"] != body["spec"]["template"]:
        raise No(
            422, f'Job.batch "{name}" is invalid: spec.template: Invalid value: '
            "core.PodTemplateSpec{...}: field is immutable", "Invalid",
        )  # fmt: skip
    if plural == "persistentvolumeclaims":
        was, now = ({**one["spec"], "resources": 0} for one in (before, body))
        if was != now:
            raise No(
                422, f'PersistentVolumeClaim "{name}" is invalid: spec: Forbidden: spec is '
                "immutable after creation except resources.requests and volumeAttributesClassName "
                "for bound claims", "Invalid",
            )  # fmt: skip


_TERM = re.compile(r"([^,=\s]+)(?:=([^,]*)| in \(([^)]*)\))")


def selected(item: Obj, selector: str) -> bool:
    """Whether an object's labels are those of `a=b,c in (d,e)`."""
    labels = item["metadata"].get("labels") or {}
    return all(
        labels.get(label) in (several.split(",") if several else [one])
        for label, one, several in _TERM.findall(selector)
    )


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for key, item in value.items():
            found |= leaves(item, f"{path}.{key}")
        return found
    return {path: value}


def stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _version(item: Obj) -> str:
    return str(item["metadata"]["resourceVersion"])
