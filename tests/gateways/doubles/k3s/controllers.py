"""What a server does by itself: nodes that fall silent, workloads, scheduling, manifests; one loop."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from . import objects, places, plain_yaml, scheduler, workloads
from .kinds import BY_KIND, LEASE, NODE
from .refused import Refused
from .said import say
from .store import Object, Store

TICK_S, NODE_GRACE_S = 0.25, 12.0


SILENT = "Kubelet stopped posting node status."
_SEEN: dict[str, tuple[Object, float]] = {}
UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}


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
        for step in (
            _nodes,
            workloads.jobs,
            workloads.daemons,
            workloads.deployments,
            workloads.orphans,
            scheduler.schedule,
        ):
            try:
                with store.lock:
                    step(store)
            # an object that this double does not understand must not end the rest
            except Exception as err:
                if repr(err) not in said:
                    said.add(repr(err))
                    say("error", f"{step.__name__.strip('_')}: {err!r}")
        _manifests(store, deployed)


def _nodes(store: Store) -> None:
    """By this clock: when a lease changed last, whatever the node's own clock says."""
    grace = float(places.fault("node_grace_s", NODE_GRACE_S))
    for node in store.under(NODE.registry()):
        name = node["metadata"]["name"]
        lease = store.get(LEASE.registry("kube-node-lease", name)) or {"spec": {}}
        seen = _SEEN.get(name)
        if seen is None or seen[0] != lease["spec"]:
            seen = _SEEN[name] = (lease["spec"], time.monotonic())
        silent = time.monotonic() - seen[1] > grace
        _judge(store, node, silent)


def _judge(store: Store, node: Object, silent: bool) -> None:
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    taints = node["spec"].get("taints") or []
    if silent and ready:
        for one in conditions:
            one.update(status="Unknown", reason="NodeStatusUnknown", message=SILENT)
    if (silent and ready) or (ready and UNREACHABLE in taints):
        node["spec"]["taints"] = [one for one in taints if one != UNREACHABLE]
        node["spec"]["taints"] += [UNREACHABLE] if silent else []
        store.put(NODE.registry("", node["metadata"]["name"]), node)


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
