"""If these fail, an account made from `k3s/access` cannot do its work, or can do more than that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.kubernetes.double import KINDS
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP, until
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent, Phase
from yolodeploy.ops.shipped import shipped

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "WATCH": "watch"}


def needed(path: str, method: str) -> tuple[str, set[tuple[str, str]]]:
    """The namespace and the rights that a request needs."""
    parts = path.strip("/").split("/")[2 if path.startswith("/api/") else 3 :]
    space = ""
    if parts[0] == "namespaces" and len(parts) > 2:
        space, parts = parts[1], parts[2:]
    resource, name, *inside = [*parts, ""][: len(parts) + (len(parts) == 1)]
    if inside[:1] in (["proxy"], ["log"]):
        return space, {(f"{resource}/{inside[0]}", VERBS.get(method, "get"))}
    if resource == "namespaces" and name:
        return name, {(resource, VERBS.get(method, "get"))}
    if method == "GET":
        return space, {(resource, "get" if name else "list")}
    # server-side apply of what is not there yet creates it
    verbs = ("patch", "create") if method == "PATCH" else (VERBS[method],)
    return space, {(resource, verb) for verb in verbs}


def granted(file: Path, kind: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    objects: list[dict[str, Any]] = list(yaml.safe_load_all(file.read_text()))
    for one in objects:
        for rule in one.get("rules", ()) if one["kind"] == kind else ():
            found |= {(each, verb) for each in rule["resources"] for verb in rule["verbs"]}
    return found


def used(bench: Bench, who: str, namespace: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for asker, method, path in bench.double.asked:
        if asker == who and path.startswith(("/api/", "/apis/")):
            space, rights = needed(path, method)
            if space == namespace:
                found |= rights
    return found


def test_an_account_has_what_a_rollout_takes_and_no_more(
    bench: Bench, v1: Release, v2: Release
) -> None:
    site = bench.site
    fence = site.claim("ann", 60.0)
    site.prefetch(v1.spec)
    assert bench.double.of("pods") == []
    bench.commit(v1, fence)
    commit = bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    site.apply(commit, fence)
    bench.trial(v1, v2, 0.5, fence)
    bench.settled(v2, Phase.REVERTED)
    bench.trial(v1, None, 0.5, fence)  # goes back to nothing
    bench.settled(None, Phase.REVERTED)
    bench.commit(v2, fence)
    (instance,) = site.observe().instances
    site.detect(instance, b"picture")
    assert site.sketches()
    assert list(site.logs())
    until(lambda: site.observe() and bench.double.streams.watching >= 2, "a watch of each")
    assert site.switching(v2.spec)
    assert site.releases(APP)
    # the history has grown beyond what is kept
    for number in range(220):
        labels = {"yolodeploy.io/kind": "event"}
        bench.double.put("configmaps", APP, f"e{number}", {"metadata": {"labels": labels}})
    site.apply(Intent(app=APP, release=None), fence)
    site.claim("bob", 60.0, take_over=True)
    site.release_lease(site.claim("bob", 60.0))

    access = shipped("k3s") / "access"
    mark = granted(access / "site.yaml", "Role")
    assert used(bench, "operator", "yolodeploy") == mark
    cluster = granted(access / "nodes.yaml", "ClusterRole")
    assert used(bench, "operator", "") == cluster
    # what the operator gives to a guard, she must have
    guard = granted(shipped("k3s") / "guard" / "role.yaml", "Role")
    assert guard <= granted(access / "app.yaml", "Role")
    assert granted(access / "app.yaml", "Role") == used(bench, "operator", APP) | guard
    assert guard == used(bench, "guard", APP)
    assert {resource.partition("/")[0] for resource, _ in guard | mark | cluster} <= set(KINDS)
