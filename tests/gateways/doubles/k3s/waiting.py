"""kubectl's verbs that wait: wait, rollout status, and the end of a deletion."""

from __future__ import annotations

import re
import time
from typing import Any

from .printing import path_values
from .request import Cluster, Options, Wrong, label, targets

LOOK_S = 0.3
Object = dict[str, Any]


def _until(limit_s: float, held: Any) -> bool:
    """Whether it held in time; no limit where it is 0."""
    deadline = time.monotonic() + limit_s
    while not held():
        if limit_s and time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True


def until_gone(cluster: Cluster, found: list[tuple[Any, Object]], limit_s: float) -> None:
    """Until none of them, by its uid, is there."""
    for kind, one in found:
        path = kind.url(one["metadata"].get("namespace", ""), one["metadata"]["name"])

        def gone(path: str = path, uid: str = one["metadata"]["uid"]) -> bool:
            status, answer = cluster.ask("GET", path)
            return status == 404 or (status < 400 and answer["metadata"]["uid"] != uid)

        if not _until(limit_s, gone):
            raise Wrong(
                f"error: timed out waiting for the condition on {kind.plural}/{one['metadata']['name']}"
            )


def wait(cluster: Cluster, options: Options, words: list[str]) -> None:
    """wait --for=condition=X[=false], --for=delete, --for=jsonpath='{…}'=value."""
    wanted = str(options["for"])
    limit_s = options.seconds("timeout", 30)
    if wanted == "delete":
        options["ignore-not-found"] = True
        until_gone(cluster, targets(cluster, options, words), limit_s)
        return
    found = targets(cluster, options, words)
    if not found:
        raise Wrong("error: no matching resources found")
    for kind, one in found:
        path = kind.url(one["metadata"].get("namespace", ""), one["metadata"]["name"])
        if not _until(limit_s, lambda path=path: _holds(cluster.wants("GET", path), wanted)):
            raise Wrong(
                f"error: timed out waiting for the condition on {kind.plural}/{one['metadata']['name']}"
            )
        print(f"{label(kind, one['metadata']['name'])} condition met")


def _holds(one: Object, wanted: str) -> bool:
    if wanted.startswith("jsonpath="):
        path, _, value = wanted.removeprefix("jsonpath=").rpartition("=")
        return value in [str(found) for found in path_values(one, path.strip("'\"").strip("{}"))]
    match = re.fullmatch(r"condition=([^=]+)(?:=(.+))?", wanted)
    assert match is not None, wanted
    status = (match[2] or "true").lower()
    conditions = (one.get("status") or {}).get("conditions") or []
    return any(
        c["type"].lower() == match[1].lower() and c["status"].lower() == status for c in conditions
    )


def rollout(cluster: Cluster, options: Options, words: list[str]) -> None:
    """rollout status|restart of daemon sets and deployments."""
    for kind, one in targets(cluster, options, words[1:]):
        name = one["metadata"]["name"]
        path = kind.url(one["metadata"]["namespace"], name)
        if words[0] == "restart":
            stamp = {
                "kubectl.kubernetes.io/restartedAt": time.strftime(
                    "%Y-%m-%dT%H:%M:%SZ", time.gmtime()
                )
            }
            change = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
            cluster.wants("PATCH", path, change, "application/merge-patch+json")
            print(f"{label(kind, name)} restarted")
            continue
        if words[0] != "status":
            raise Wrong(f"error: rollout {words[0]} is not here")
        if not _until(
            options.seconds("timeout", 0), lambda path=path: _rolled(cluster.wants("GET", path))
        ):
            raise Wrong("error: timed out waiting for the condition")
        print(
            f'{"daemon set" if kind.kind == "DaemonSet" else "deployment"} "{name}" successfully rolled out'
        )


def _rolled(one: Object) -> bool:
    status = one.get("status") or {}
    if status.get("observedGeneration") != one["metadata"].get("generation"):
        return False
    if one["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled")
        return wanted is not None and wanted == status.get("numberReady") == status.get(
            "updatedNumberScheduled"
        )
    return (
        status.get("readyReplicas", 0)
        == status.get("updatedReplicas", 0)
        == one["spec"].get("replicas", 1)
    )
