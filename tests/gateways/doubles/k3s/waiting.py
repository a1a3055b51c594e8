"""kubectl's verbs that wait: wait, rollout status, and the ends of delete and drain."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any

from .kinds import POD

if TYPE_CHECKING:
    from .kubectl import Cluster, Options

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
    from .kubectl import Wrong

    for kind, one in found:
        path = kind.url(one["metadata"].get("namespace", ""), one["metadata"]["name"])

        def gone(path: str = path, uid: str = one["metadata"]["uid"]) -> bool:
            status, answer = cluster.ask("GET", path)
            return status == 404 or (status < 400 and answer["metadata"]["uid"] != uid)

        if not _until(limit_s, gone):
            raise Wrong(
                f"error: timed out waiting for the condition on {kind.plural}/{one['metadata']['name']}"
            )


def evict(
    cluster: Cluster, node: str, going: list[Object], limit_s: float, options: Options
) -> None:
    """Evict until all have gone; a disruption budget is asked again every so often (kubectl: every 5 s)."""
    from .kubectl import Wrong

    deadline = time.monotonic() + limit_s
    for pod in going:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        print(f"evicting pod {namespace}/{name}")
        path = POD.url(namespace, name)
        while True:
            if options.get("disable-eviction"):
                status, answer = cluster.ask("DELETE", path)
            else:
                status, answer = cluster.ask(
                    "POST", path + "/eviction", {"kind": "Eviction", "apiVersion": "policy/v1"}
                )
            if status in (200, 201, 404):
                break
            sys.stderr.write(
                f'error when evicting pods/"{name}" -n "{namespace}" (will retry after 5s): {answer["message"]}\n'
            )
            if status != 429:
                raise Wrong(
                    f'error: unable to drain node "{node}" due to error: {answer["message"]}'
                )
            time.sleep(LOOK_S)
            if limit_s and time.monotonic() > deadline:
                raise Wrong(_late(node, pod, limit_s))
    for pod in going:
        left = max(deadline - time.monotonic(), 0.01) if limit_s else 0.0
        try:
            until_gone(cluster, [(POD, pod)], left)
        except Wrong:
            raise Wrong(_late(node, pod, limit_s)) from None


def _late(node: str, pod: Object, limit_s: float) -> str:
    return (
        f'error: unable to drain node "{node}" due to error: error when waiting for pod "{pod["metadata"]["name"]}" in '
        f'namespace "{pod["metadata"]["namespace"]}" to terminate: global timeout reached: {limit_s:.0f}s, '
        "continuing command..."
    )


def wait(cluster: Cluster, options: Options, words: list[str]) -> None:
    """wait --for=condition=X[=false], --for=delete, --for=jsonpath='{…}'=value."""
    from .kubectl import Wrong, label, targets

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
    from .printing import path_values

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
    from .kubectl import Wrong, label, targets

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
