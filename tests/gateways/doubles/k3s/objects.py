"""What the API does to objects: create, change, delete, and what it refuses."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any

from . import admission
from .kinds import BY_KIND, LEASE, NODE, POD, Kind
from .refused import Refused
from .store import Object, Store

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_ROLE_NAME = re.compile(r"[^/%]+")  # those of RBAC may hold colons
_LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def now() -> str:
    """In the API's form."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _group(kind: Kind) -> str:
    return kind.plural if kind.group == "v1" else f"{kind.plural}.{kind.group.split('/')[0]}"


def missing(kind: Kind, name: str) -> Refused:
    """The answer for what is not there."""
    return Refused(404, "NotFound", f'{_group(kind)} "{name}" not found')


def read(store: Store, kind: Kind, namespace: str, name: str) -> Object:
    """One that must be there."""
    found = store.get(kind.registry(namespace, name))
    if found is None:
        raise missing(kind, name)
    return found


def create(store: Store, kind: Kind, namespace: str, given: Object, *, dry: bool = False) -> Object:
    """A new one."""
    metadata = given.setdefault("metadata", {})
    if kind.namespaced:
        metadata["namespace"] = namespace
        if store.get(BY_KIND["Namespace"].registry("", namespace)) is None:
            raise Refused(404, "NotFound", f'namespaces "{namespace}" not found')
    if "generateName" in metadata and "name" not in metadata:
        metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
    name = str(metadata.get("name", ""))
    if store.get(kind.registry(namespace, name)) is not None:
        raise Refused(409, "AlreadyExists", f'{_group(kind)} "{name}" already exists')
    _check(kind, given)
    if kind is POD:
        admission.check(store, namespace, given)
    metadata.update(uid=str(uuid.uuid4()), creationTimestamp=now(), generation=1)
    given.setdefault("apiVersion", kind.group)
    given.setdefault("kind", kind.kind)
    if kind is POD:
        given["spec"].setdefault("restartPolicy", "Always")
        given.setdefault("status", {"phase": "Pending"})
    if kind.kind == "Namespace":
        metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = name
        given["status"] = {"phase": "Active"}
    return given if dry else store.put(kind.registry(namespace, name), given)


def replace(
    store: Store, kind: Kind, namespace: str, name: str, given: Object, *, dry: bool = False
) -> Object:
    """Change one; what nobody may change stays."""
    old = read(store, kind, namespace, name)
    wanted = given.get("metadata", {}).get("resourceVersion")
    if wanted and wanted != old["metadata"]["resourceVersion"]:
        text = f'Operation cannot be fulfilled on {_group(kind)} "{name}": the object has been modified; please apply '
        raise Refused(409, "Conflict", text + "your changes to the latest version and try again")
    for key in ("uid", "creationTimestamp", "namespace", "name", "generation", "deletionTimestamp"):
        if key in old["metadata"]:
            given["metadata"][key] = old["metadata"][key]
    _check(kind, given)
    if kind.kind == "Job" and given["spec"].get("template") != old["spec"].get("template"):
        raise Refused(
            422, "Invalid", f'Job.batch "{name}" is invalid: spec.template: field is immutable'
        )
    if given.get("spec") != old.get("spec"):
        given["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1
    given["metadata"].pop("resourceVersion", None)
    old["metadata"].pop("resourceVersion", None)
    if given == old or dry:
        return read(store, kind, namespace, name) if given == old else given
    return store.put(kind.registry(namespace, name), given)


def merged(old: Any, change: Any) -> Any:
    """A JSON merge patch (RFC 7386); the strategic one is read as this, whole lists and all."""
    if not isinstance(change, dict):
        return change
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def delete(
    store: Store, kind: Kind, namespace: str, name: str, grace_s: int | None = None
) -> Object:
    """A pod that runs somewhere only begins to end; the rest goes at once."""
    found = read(store, kind, namespace, name)
    if kind is POD and found["spec"].get("nodeName") and grace_s != 0:
        if "deletionTimestamp" not in found["metadata"]:
            found["metadata"]["deletionTimestamp"] = now()
            found["metadata"]["deletionGracePeriodSeconds"] = 30 if grace_s is None else grace_s
            store.put(kind.registry(namespace, name), found)
        return found
    store.delete(kind.registry(namespace, name))
    if kind is NODE:
        store.delete(LEASE.registry("kube-node-lease", name))
    if kind.kind == "Namespace":
        for inner in (one for one in BY_KIND.values() if one.namespaced):
            for each in store.under(inner.registry(name)):
                store.delete(inner.registry(name, each["metadata"]["name"]))
    return found


def evict(store: Store, namespace: str, name: str) -> Object:
    """Delete a pod unless a disruption budget forbids it."""
    pod = read(store, POD, namespace, name)
    for budget in store.under(BY_KIND["PodDisruptionBudget"].registry(namespace)):
        selector = budget["spec"].get("selector", {})
        if matches(selector, pod["metadata"].get("labels", {})) and not _may_go(
            store, namespace, budget["spec"]
        ):
            text = "Cannot evict pod as it would violate the pod's disruption budget."
            raise Refused(429, "TooManyRequests", text)
    return delete(store, POD, namespace, name)


def _may_go(store: Store, namespace: str, spec: Object) -> bool:
    pods = [
        pod
        for pod in store.under(POD.registry(namespace))
        if matches(spec["selector"], pod["metadata"].get("labels", {}))
    ]
    well = [
        pod
        for pod in pods
        if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
    ]
    if "minAvailable" in spec:
        return len(well) - 1 >= int(spec["minAvailable"])
    return len(pods) - len(well) < int(spec.get("maxUnavailable", 1))


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """A label selector as objects have it."""
    for one in selector.get("matchExpressions") or []:
        has, value = one["key"] in labels, labels.get(one["key"])
        held = {
            "Exists": has,
            "DoesNotExist": not has,
            "In": value in one.get("values", []),
            "NotIn": value not in one.get("values", []),
        }
        if not held[one["operator"]]:
            return False
    return all(
        labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()
    )


def selected(text: str, labels: dict[str, str]) -> bool:
    """A label selector as it is typed: a=b,c!=d,e,!f,g in (h,i)."""
    for part in re.split(r",(?![^(]*\))", text):
        within = re.fullmatch(r"\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*", part)
        if within:
            values = [value.strip() for value in within[3].split(",")]
            if (labels.get(within[1]) in values) != (within[2] == "in"):
                return False
            continue
        match = re.fullmatch(r"\s*(!?)([^=!\s]+)\s*(?:(!?)==?\s*(\S*))?\s*", part)
        if match is None:
            raise Refused(400, "BadRequest", f"unable to parse requirement: {part!r}")
        if match[4] is None:
            if (match[2] in labels) == bool(match[1]):
                return False
        elif (labels.get(match[2]) == match[4]) == bool(match[3]):
            return False
    return True


def _check(kind: Kind, given: Object) -> None:
    metadata = given["metadata"]
    name = str(metadata.get("name", ""))
    allowed = _ROLE_NAME if "rbac" in kind.group else _NAME
    if not allowed.fullmatch(name):
        text = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
        raise Refused(
            422,
            "Invalid",
            f'{kind.kind} "{name}" is invalid: metadata.name: Invalid value: "{name}": {text}',
        )
    for key, value in (metadata.get("labels") or {}).items():
        if (
            not isinstance(value, str)
            or not _LABEL.fullmatch(value)
            or not _LABEL.fullmatch(key.rpartition("/")[2])
        ):
            raise Refused(
                422,
                "Invalid",
                f"metadata.labels: Invalid value: {json.dumps(value)} of {json.dumps(key)}",
            )
    spec = given.get("spec") or {}
    template = spec.get("template", {}).get("spec") or {}
    for container in [*(spec.get("containers") or []), *(template.get("containers") or [])]:
        limits = (container.get("resources") or {}).get("limits") or {}
        for key, value in limits.items():
            if "/" in key and not re.fullmatch(r"\d+", str(value)):
                raise Refused(
                    422, "Invalid", f'limits[{key}]: Invalid value: "{value}": must be an integer'
                )
