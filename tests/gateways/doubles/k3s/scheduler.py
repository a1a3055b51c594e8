"""Which pod goes to which node (kube-scheduler in short): selectors, taints, GPUs."""

from __future__ import annotations

from . import gpus, objects
from .kinds import NODE, POD
from .store import Object, Store

UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def refusals(spec: Object, node: Object, ignore: tuple[str, ...] = ()) -> str:
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


def schedule(store: Store) -> None:
    """Bind each pod that has no node, or say why there is none."""
    pods = store.under(POD.registry())
    nodes = store.under(NODE.registry())
    for pod in pods:
        if pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
            continue
        reasons: dict[str, int] = {}
        chosen = None
        for node in nodes:
            reason = refusals(pod["spec"], node) or _lacks(pod, node, pods)
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
