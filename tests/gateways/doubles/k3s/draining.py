"""kubectl's verbs for nodes: taint, cordon, uncordon, drain."""

from __future__ import annotations

import sys
import time
from typing import Any
from urllib.parse import quote

from . import waiting
from .kinds import NODE, POD, Kind
from .request import Cluster, Object, Options, Wrong, targets


def taint(cluster: Cluster, options: Options, words: list[str]) -> None:
    """KEY=VALUE:EFFECT sets, KEY:EFFECT- and KEY- take away."""
    changes = [word for word in words[1:] if ":" in word or word.endswith("-")]
    for kind, one in targets(cluster, options, [word for word in words if word not in changes]):
        taints = list(one["spec"].get("taints") or [])
        for change in changes:
            pair, _, effect = (
                change.removesuffix("-").rpartition(":")
                if ":" in change
                else (change.removesuffix("-"), "", "")
            )
            key, _, value = pair.partition("=")
            same = [one for one in taints if one["key"] == key and effect in ("", one["effect"])]
            if change.endswith("-") and not same:
                raise Wrong(f'error: taint "{change.removesuffix("-")}" not found')
            if (
                same
                and not change.endswith("-")
                and not options.get("overwrite")
                and same[0].get("value", "") != value
            ):
                raise Wrong(
                    f"error: node {one['metadata']['name']} already has {key} taint(s) with same effect(s) and --overwrite is false"
                )
            taints = [one for one in taints if one not in same]
            if not change.endswith("-"):
                taints.append({"key": key, "effect": effect, **({"value": value} if value else {})})
        cluster.wants(
            "PATCH",
            kind.url("", one["metadata"]["name"]),
            {"spec": {"taints": taints}},
            "application/merge-patch+json",
        )
        print(
            f"node/{one['metadata']['name']} {'untainted' if changes[-1].endswith('-') else 'tainted'}"
        )


def set_cordon(cluster: Cluster, node: Object, wanted: bool) -> None:
    """Cordon or uncordon, and say it."""
    name = node["metadata"]["name"]
    word = "cordoned" if wanted else "uncordoned"
    if bool(node["spec"].get("unschedulable")) == wanted:
        print(f"node/{name} already {word}")
        return
    change = {"spec": {"unschedulable": wanted or None}}
    cluster.wants("PATCH", NODE.url("", name), change, "application/merge-patch+json")
    print(f"node/{name} {word}")


def _nodes(cluster: Cluster, options: Options, words: list[str]) -> list[tuple[Kind, Object]]:
    """Those that are named; never all because none was."""
    if not words and "selector" not in options:
        raise Wrong("error: USAGE: drain NODE [flags]")
    return targets(cluster, options, ["nodes", *(word.removeprefix("node/") for word in words)])


def cordons(wanted: bool) -> Any:
    """The verb that cordons, or the other."""

    def done(cluster: Cluster, options: Options, words: list[str]) -> None:
        for _, node in _nodes(cluster, options, words):
            set_cordon(cluster, node, wanted)

    return done


def drain(cluster: Cluster, options: Options, words: list[str]) -> None:
    """Leaves the node cordoned when it fails, as kubectl does."""
    for _, node in _nodes(cluster, options, words):
        name = node["metadata"]["name"]
        set_cordon(cluster, node, True)
        found = cluster.wants(
            "GET", f"{POD.root}/pods?fieldSelector={quote('spec.nodeName=' + name)}"
        )["items"]
        going = []
        for pod in found:
            owners = [one["kind"] for one in pod["metadata"].get("ownerReferences") or []]
            about = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            if "DaemonSet" in owners:
                if not options.get("ignore-daemonsets"):
                    raise Wrong(
                        f'error: unable to drain node "{name}" due to error: cannot delete DaemonSet-managed Pods '
                        f"(use --ignore-daemonsets to ignore): {about}, continuing command..."
                    )
                continue
            if pod["status"].get("phase") in ("Succeeded", "Failed"):
                going.append(pod)
                continue
            if not owners and not options.get("force"):
                raise Wrong(
                    f'error: unable to drain node "{name}" due to error: cannot delete Pods that declare no '
                    f"controller (use --force to override): {about}, continuing command..."
                )
            if any(
                "emptyDir" in one for one in pod["spec"].get("volumes") or []
            ) and not options.get("delete-emptydir-data"):
                raise Wrong(
                    f'error: unable to drain node "{name}" due to error: cannot delete Pods with local storage '
                    f"(use --delete-emptydir-data to override): {about}, continuing command..."
                )
            going.append(pod)
        _evict(cluster, name, going, options.seconds("timeout", 0), options)
        print(f"node/{name} drained")


def _evict(
    cluster: Cluster, node: str, going: list[Object], limit_s: float, options: Options
) -> None:
    """Evict until all have gone; a disruption budget is asked again every so often (kubectl: every 5 s)."""
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
            time.sleep(waiting.LOOK_S)
            if limit_s and time.monotonic() > deadline:
                raise Wrong(_late(node, pod, limit_s))
    for pod in going:
        left = max(deadline - time.monotonic(), 0.01) if limit_s else 0.0
        try:
            waiting.until_gone(cluster, [(POD, pod)], left)
        except Wrong:
            raise Wrong(_late(node, pod, limit_s)) from None


def _late(node: str, pod: Object, limit_s: float) -> str:
    return (
        f'error: unable to drain node "{node}" due to error: error when waiting for pod "{pod["metadata"]["name"]}" in '
        f'namespace "{pod["metadata"]["namespace"]}" to terminate: global timeout reached: {limit_s:.0f}s, '
        "continuing command..."
    )
