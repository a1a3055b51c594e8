"""Jobs, daemon sets and deployments (kube-controller-manager in short): one pod of a job at a time."""

from __future__ import annotations

import calendar
import hashlib
import json
import time

from . import objects
from .kinds import BY_KIND, JOB, NODE, POD
from .objects import now
from .refused import Refused
from .scheduler import refusals
from .store import Object, Store

_DAEMONS, _DEPLOYMENTS = BY_KIND["DaemonSet"], BY_KIND["Deployment"]


def _new_pod(owner: Object, template: Object, name: str) -> Object:
    metadata = json.loads(json.dumps(template.get("metadata") or {}))
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    metadata.update(generateName=f"{name}-", ownerReferences=[reference])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": json.loads(json.dumps(template["spec"])),
    }


def _owned(store: Store, owner: Object) -> list[Object]:
    uid = owner["metadata"]["uid"]
    return [
        pod
        for pod in store.under(POD.registry(owner["metadata"]["namespace"]))
        if any(one["uid"] == uid for one in pod["metadata"].get("ownerReferences") or [])
    ]


def _create(store: Store, owner: Object, pod: Object) -> None:
    try:
        objects.create(store, POD, owner["metadata"]["namespace"], pod)
    except Refused as err:
        condition = {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": str(err),
        }
        _tell(store, owner, {"conditions": [condition]})


def _tell(store: Store, owner: Object, status: Object) -> None:
    kind = BY_KIND[owner["kind"]]
    path = kind.registry(owner["metadata"]["namespace"], owner["metadata"]["name"])
    found = store.get(path)
    if found is not None and found.get("status") != {**(found.get("status") or {}), **status}:
        found["status"] = {**(found.get("status") or {}), **status}
        store.put(path, found)


def jobs(store: Store) -> None:
    """A pod where one is missing, and the verdict."""
    for job in store.under(JOB.registry()):
        conditions = job.get("status", {}).get("conditions") or []
        if any(one["type"] in ("Complete", "Failed") for one in conditions) or job["spec"].get(
            "suspend"
        ):
            _forget_late(store, job)
            continue
        found = _owned(store, job)
        failed = [pod for pod in found if pod["status"].get("phase") == "Failed"]
        well = [pod for pod in found if pod["status"].get("phase") == "Succeeded"]
        status: Object = {
            "startTime": job.get("status", {}).get("startTime", now()),
            "failed": len(failed),
            "succeeded": len(well),
            "active": len(found) - len(failed) - len(well),
        }
        limit = job["spec"].get("activeDeadlineSeconds")
        began = job["metadata"]["creationTimestamp"]
        if len(well) >= int(job["spec"].get("completions", 1)):
            _end_job(
                status,
                "Complete",
                "CompletionsReached",
                "Reached expected number of succeeded pods",
            )
        elif len(failed) > int(job["spec"].get("backoffLimit", 6)):
            _end_job(
                status,
                "Failed",
                "BackoffLimitExceeded",
                "Job has reached the specified backoff limit",
            )
        elif limit and _age_s(began) > limit:
            _end_job(
                status,
                "Failed",
                "DeadlineExceeded",
                "Job was active longer than specified deadline",
            )
            for pod in found:
                objects.delete(store, POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
        elif not status["active"]:
            pod = _new_pod(job, job["spec"]["template"], job["metadata"]["name"])
            labels = pod["metadata"].setdefault("labels", {})
            labels.update(
                {
                    "batch.kubernetes.io/job-name": job["metadata"]["name"],
                    "job-name": job["metadata"]["name"],
                }
            )
            _create(store, job, pod)
        _tell(store, job, status)


def _end_job(status: Object, kind: str, reason: str, message: str) -> None:
    status["conditions"] = [{"type": kind, "status": "True", "reason": reason, "message": message}]
    status["completionTime"] = now()


def _age_s(stamp: str) -> float:
    return time.time() - calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))


def _forget_late(store: Store, job: Object) -> None:
    limit, ended = (
        job["spec"].get("ttlSecondsAfterFinished"),
        job.get("status", {}).get("completionTime"),
    )
    if limit is not None and ended and _age_s(ended) > limit:
        objects.delete(store, JOB, job["metadata"]["namespace"], job["metadata"]["name"])


def _template_number(owner: Object) -> str:
    return hashlib.sha256(
        json.dumps(owner["spec"]["template"], sort_keys=True).encode()
    ).hexdigest()[:10]


def _renewed(store: Store, owner: Object, found: list[Object]) -> list[Object]:
    """Those of the present template; the others begin to end."""
    number = _template_number(owner)
    for pod in found:
        if (
            pod["metadata"]["labels"].get("pod-template-hash") != number
            and "deletionTimestamp" not in pod["metadata"]
        ):
            objects.delete(store, POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
    return [pod for pod in found if pod["metadata"]["labels"].get("pod-template-hash") == number]


def _from_template(owner: Object) -> Object:
    pod = _new_pod(owner, owner["spec"]["template"], owner["metadata"]["name"])
    pod["metadata"].setdefault("labels", {})["pod-template-hash"] = _template_number(owner)
    return pod


def _ready(pods: list[Object]) -> int:
    return sum(
        any(
            one["type"] == "Ready" and one["status"] == "True"
            for one in pod["status"].get("conditions", [])
        )
        for pod in pods
    )


def daemons(store: Store) -> None:
    """One pod on each node that it fits."""
    for owner in store.under(_DAEMONS.registry()):
        everything = _owned(store, owner)
        found = _renewed(store, owner, everything)
        wanted = [
            node
            for node in store.under(NODE.registry())
            if _daemon_fits(owner["spec"]["template"]["spec"], node)
        ]
        names = {node["metadata"]["name"] for node in wanted}
        for pod in found:
            if pod["spec"].get("nodeName") not in names or pod["status"].get("phase") in (
                "Failed",
                "Succeeded",
            ):
                objects.delete(store, POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
        there = {pod["spec"].get("nodeName") for pod in everything}
        for name in sorted(names - there):
            pod = _from_template(owner)
            pod["spec"]["nodeName"] = name
            _create(store, owner, pod)
        current = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
        _tell(
            store,
            owner,
            {
                "desiredNumberScheduled": len(names),
                "currentNumberScheduled": len(current),
                "numberReady": _ready(current),
                "numberAvailable": _ready(current),
                "updatedNumberScheduled": len(current),
                "observedGeneration": owner["metadata"].get("generation", 1),
            },
        )


def _daemon_fits(spec: Object, node: Object) -> bool:
    """Daemons do not mind cordons and silence."""
    return not refusals(spec, node, ignore=("node.kubernetes.io/",))


def deployments(store: Store) -> None:
    """As many pods as replicas; the old ones end first."""
    for owner in store.under(_DEPLOYMENTS.registry()):
        found = _renewed(store, owner, _owned(store, owner))
        well = [
            pod
            for pod in found
            if "deletionTimestamp" not in pod["metadata"]
            and pod["status"].get("phase") not in ("Failed", "Succeeded")
        ]
        wanted = int(owner["spec"].get("replicas", 1))
        for _ in range(wanted - len(well)):
            _create(store, owner, _from_template(owner))
        for pod in well[wanted:]:
            objects.delete(store, POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
        ready = _ready(well)
        available = {"type": "Available", "status": "True" if ready >= wanted else "False"}
        _tell(
            store,
            owner,
            {
                "replicas": len(well),
                "readyReplicas": ready,
                "availableReplicas": ready,
                "updatedReplicas": len(well),
                "conditions": [available],
                "observedGeneration": owner["metadata"].get("generation", 1),
            },
        )


def orphans(store: Store) -> None:
    """Pods whose owner is gone, or whose node is."""
    uids = {
        one["metadata"]["uid"]
        for kind in (JOB, _DAEMONS, _DEPLOYMENTS)
        for one in store.under(kind.registry())
    }
    nodes = {one["metadata"]["name"] for one in store.under(NODE.registry())}
    for pod in store.under(POD.registry()):
        owners = pod["metadata"].get("ownerReferences") or []
        name = pod["spec"].get("nodeName")
        if name and name not in nodes:
            objects.delete(store, POD, pod["metadata"]["namespace"], pod["metadata"]["name"], 0)
        elif (
            owners
            and not any(one["uid"] in uids for one in owners)
            and "deletionTimestamp" not in pod["metadata"]
        ):
            objects.delete(store, POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
