"""What a server does by itself: nodes that fall silent, scheduling, jobs, daemon sets, deployments, manifests.

Short forms of kube-controller-manager and kube-scheduler: one loop, no back-off, one pod of a job at a time.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from . import gpus, objects, places, plain_yaml
from .kinds import BY_KIND, JOB, LEASE, NODE, POD
from .objects import now
from .refused import Refused
from .said import say
from .store import Object, Store

TICK_S, NODE_GRACE_S = 0.25, 12.0
UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}
UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_DAEMONS, _DEPLOYMENTS = BY_KIND["DaemonSet"], BY_KIND["Deployment"]


def start(store: Store) -> None:
    """In a thread of its own."""
    threading.Thread(target=_loop, args=(store,), daemon=True).start()


def _loop(store: Store) -> None:
    deployed: dict[Path, float] = {}
    revision, looked = -1, 0.0
    said: set[str] = set()
    while True:
        time.sleep(TICK_S)
        # nothing changed: only silence and deadlines can ask for something
        if store.revision == revision and time.monotonic() - looked < 1.0:
            continue
        revision, looked = store.revision, time.monotonic()
        for step in (_nodes, _jobs, _daemons, _deployments, _orphans, _schedule):
            try:
                with store.lock:
                    step(store)
            except (
                Exception
            ) as err:  # an object that this double does not understand must not end the rest
                if repr(err) not in said:
                    said.add(repr(err))
                    say("error", f"{step.__name__.strip('_')}: {err!r}")
        _manifests(store, deployed)


def _nodes(store: Store) -> None:
    grace = float(places.fault("node_grace_s", NODE_GRACE_S))
    for node in store.under(NODE.registry()):
        name = node["metadata"]["name"]
        lease = store.get(LEASE.registry("kube-node-lease", name))
        silent = lease is None or time.time() - lease["spec"]["renewTime"] > grace
        ready = next(
            (one for one in node.get("status", {}).get("conditions", []) if one["type"] == "Ready"),
            None,
        )
        if silent and ready and ready["status"] == "True":
            for one in node["status"]["conditions"]:
                one.update(
                    status="Unknown",
                    reason="NodeStatusUnknown",
                    message="Kubelet stopped posting node status.",
                )
            node["spec"]["taints"] = [*(node["spec"].get("taints") or []), UNREACHABLE]
            store.put(NODE.registry("", name), node)


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


def _jobs(store: Store) -> None:
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
    import calendar

    return time.time() - calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))


def _forget_late(store: Store, job: Object) -> None:
    limit, ended = (
        job["spec"].get("ttlSecondsAfterFinished"),
        job.get("status", {}).get("completionTime"),
    )
    if limit is not None and ended and _age_s(ended) > limit:
        objects.delete(store, JOB, job["metadata"]["namespace"], job["metadata"]["name"])


def _template_number(owner: Object) -> str:
    import hashlib

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


def _daemons(store: Store) -> None:
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
    return not _refusals(spec, node, ignore=("node.kubernetes.io/",))


def _deployments(store: Store) -> None:
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


def _orphans(store: Store) -> None:
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


def _refusals(spec: Object, node: Object, ignore: tuple[str, ...] = ()) -> str:
    """Why a pod does not go to a node; nothing where it does."""
    labels = node["metadata"].get("labels") or {}
    for key, value in (spec.get("nodeSelector") or {}).items():
        if labels.get(key) != value:
            return "node(s) didn't match Pod's node affinity/selector"
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get(
        "nodeSelectorTerms"
    )
    if terms and not any(objects.matches(term, labels) for term in terms):
        return "node(s) didn't match Pod's node affinity/selector"
    taints = list(node["spec"].get("taints") or [])
    taints += [UNSCHEDULABLE] if node["spec"].get("unschedulable") else []
    for taint in taints:
        if taint["key"].startswith(ignore) if ignore else False:
            continue
        if taint["effect"] != "PreferNoSchedule" and not any(
            _tolerates(one, taint) for one in spec.get("tolerations") or []
        ):
            return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    return ""


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (
        taint.get("value") or ""
    )


def _schedule(store: Store) -> None:
    pods = store.under(POD.registry())
    nodes = store.under(NODE.registry())
    for pod in pods:
        if pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
            continue
        reasons: dict[str, int] = {}
        chosen = None
        for node in nodes:
            reason = _refusals(pod["spec"], node) or _lacks(pod, node, pods)
            if not reason:
                chosen = node
                break
            reasons[reason] = reasons.get(reason, 0) + 1
        path = POD.registry(pod["metadata"]["namespace"], pod["metadata"]["name"])
        if chosen:
            pod["spec"]["nodeName"] = chosen["metadata"]["name"]
            pod["status"] = {
                "phase": "Pending",
                "conditions": [{"type": "PodScheduled", "status": "True"}],
            }
            store.put(path, pod)
            continue
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        text = f"0/{len(nodes)} nodes are available: {told}."
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": text,
        }
        if pod["status"].get("conditions") != [condition]:
            pod["status"] = {"phase": "Pending", "conditions": [condition]}
            store.put(path, pod)


def _lacks(pod: Object, node: Object, pods: list[Object]) -> str:
    """GPUs: what is asked for against what others have not taken. A pod that is ending still holds its own."""
    has = node.get("status", {}).get("allocatable", {})
    for key, count in gpus.asked(pod).items():
        taken = sum(
            gpus.asked(one).get(key, 0)
            for one in pods
            if one["spec"].get("nodeName") == node["metadata"]["name"]
            and one["status"].get("phase") not in ("Succeeded", "Failed")
        )
        if count > int(has.get(key, 0)) - taken:
            return f"Insufficient {key}"
    return ""


def _manifests(store: Store, deployed: dict[Path, float]) -> None:
    """server/manifests/*.yaml is applied when it changes (docs.k3s.io: installation/packaged-components)."""
    for path in sorted(places.MANIFESTS.glob("**/*.y*ml")):
        since = path.stat().st_mtime
        if deployed.get(path) == since:
            continue
        deployed[path] = since
        try:
            for one in plain_yaml.documents(path.read_text()):
                put(store, one)
        except (ValueError, KeyError, Refused) as err:
            say("error", f"Failed to process config: failed to process {path}: {err}")


def put(store: Store, given: dict[str, Any]) -> None:
    """Create or change one object, whatever it is."""
    kind = BY_KIND[given["kind"]]
    namespace = given["metadata"].get("namespace", "default") if kind.namespaced else ""
    with store.lock:
        if store.get(kind.registry(namespace, given["metadata"]["name"])) is None:
            objects.create(store, kind, namespace, given)
        else:
            old = objects.read(store, kind, namespace, given["metadata"]["name"])
            objects.replace(
                store, kind, namespace, given["metadata"]["name"], objects.merged(old, given)
            )
