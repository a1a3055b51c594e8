"""If these fail, an account made from `k3s/account` cannot do its work, or can do more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from tests.kubernetes.double import CUSTOM, KINDS, METRICS
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP, until
from yolodeploy.core.app_setup import AppSetup, Autoscale, Exposed, Quota
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.kept_settings import VERSIONS_KEPT, KeptSettings
from yolodeploy.core.release import Release, Serving
from yolodeploy.core.site import Intent, Phase
from yolodeploy.ops.shipped import shipped

CAMERA = """\
[[cameras]]
name = "door"
url = "rtsp://10.0.3.17/1"
app = "{app}"
credentials_file = "{path}"
"""
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "WATCH": "watch"}


def needed(path: str, method: str) -> tuple[str, set[tuple[str, str]]]:
    """The namespace and the rights that a request needs."""
    core = path.startswith("/api/")
    group = "" if core else path.split("/")[2]
    parts = path.strip("/").split("/")[2 if core else 3 :]
    space, resource, verbs = _needed(parts, method)
    return space, {(f"{resource}.{group}", verb) for verb in verbs}


def _needed(parts: list[str], method: str) -> tuple[str, str, tuple[str, ...]]:
    space = ""
    if parts[0] == "namespaces" and len(parts) > 2:
        space, parts = parts[1], parts[2:]
    resource, name, *inside = [*parts, ""][: len(parts) + (len(parts) == 1)]
    if inside[:1] in (["proxy"], ["log"], ["scale"]):
        return space, f"{resource}/{inside[0]}", (VERBS.get(method, "get"),)
    if resource == "namespaces" and name:
        return name, resource, (VERBS.get(method, "get"),)
    if method == "GET":
        return space, resource, ("get" if name else "list",)
    # server-side apply of what is not there yet creates it
    return space, resource, ("patch", "create") if method == "PATCH" else (VERBS[method],)


def granted(file: Path, kind: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    objects: list[dict[str, Any]] = list(yaml.safe_load_all(file.read_text()))
    for one in objects:
        for rule in one.get("rules", ()) if one["kind"] == kind else ():
            found |= {
                (f"{resource}.{group}", verb)
                for group in rule["apiGroups"]
                for resource in rule["resources"]
                for verb in rule["verbs"]
            }
    return found


def used(bench: Bench, who: str, namespace: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for asker, method, path in bench.double.asked:
        # what an API group has may be asked by everybody: ClusterRole system:discovery
        if asker == who and path.startswith(("/api/", "/apis/")) and path not in (*CUSTOM, METRICS):
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
    until(lambda: not bench.double.of("pods"), "what has brought the image is gone")
    bench.commit(v1, fence)
    commit = bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    site.apply(commit, fence)
    bench.trial(v1, v2, 0.5, fence)
    bench.settled(v2, Phase.REVERTED)
    bench.trial(v1, None, 0.5, fence)  # goes back to nothing
    bench.settled(None, Phase.REVERTED)
    bench.commit(v2, fence)
    # one beside the other, each way, and the traffic there and back
    for way in Way:
        switch = bench.try_beside(v1, v2, Beside(way), fence, 3600.0)
        until(lambda: (app := bench.app()) and app.beside and app.settled, "one beside the other")
        if way is Way.BLUE_GREEN:
            site.apply(switch, fence)
            bench.settled(v1, Phase.TRIAL)
        if way is Way.SHADOW:
            site.compared(APP)
        bench.commit(v2, fence)
        until(lambda: all(j["status"].get("succeeded") for j in bench.double.of("jobs")), "ended")
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
    # every way of setting an app up, and none of it any more
    bench.double.apis |= set(CUSTOM)
    full = AppSetup(
        autoscale=Autoscale(1, 2, rps=20.0), exposed=Exposed("a.example"), quota=Quota(pods=9),
        metrics_from="monitoring", engines="claim",
    )  # fmt: skip
    for setup in (full, AppSetup(autoscale=Autoscale(1, 2)), AppSetup(replicas=2), AppSetup()):
        site.setups.check(APP, setup)
        site.setups.put(APP, site.setups.kept(APP).then(setup), fence)
    spec = msgspec.structs.replace(v1.spec, serving=Serving(engine="tensorrt"))
    site.apply(Intent(app=APP, release=Release(3, spec)), fence)
    site.setups.put(APP, site.setups.kept(APP).then(AppSetup(replicas=2)), fence)
    # cameras: the running pods are replaced, secrets are brought and taken away
    for number in range(VERSIONS_KEPT + 2):
        secret = f"door-{number}"
        text = CAMERA.format(app=APP, path=site.secret_path(secret))
        site.finish_settings(
            site.keep_settings(KeptSettings(text=text), {secret: b"a:b"}, fence), fence
        )
    site.keep_settings(KeptSettings(text=""), {}, fence)  # the last one is taken out
    site.claim("bob", 60.0, take_over=True)
    site.release_lease(site.claim("bob", 60.0))

    account = shipped("k3s") / "account"
    mark = granted(account / "own.yaml", "Role")
    assert used(bench, "operator", "yolodeploy") == mark
    cluster = granted(account / "nodes.yaml", "ClusterRole")
    assert used(bench, "operator", "") | used(bench, "operator", "default") == cluster
    # what the operator gives to a guard and to servers, she must have
    roles = (shipped("k3s") / "guard" / name for name in ("role.yaml", "beside/role.yaml"))
    guard = {right for file in roles for right in granted(file, "Role")}
    mine = granted(account / "app.yaml", "ClusterRole")
    cameras = granted(shipped("k3s") / "serve" / "cameras" / "role.yaml", "Role")
    assert guard | cameras <= mine
    assert mine == used(bench, "operator", APP) | guard | cameras
    # its Service is there, and it says which one it has seen: it makes none
    assert guard == used(bench, "guard", APP) - {("services.", "create")}
    named = {resource.partition(".")[0] for resource, _ in mine | mark | cluster}
    assert {resource.partition("/")[0] for resource in named} <= set(KINDS)
