"""The same scenarios on any real cluster: `KUBECONFIG=… pytest -m cluster tests/kubernetes`.

Its nodes may be simulated: then pods turn ready and answer nothing, and no guard runs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import yaml

from tests.kubernetes.parts import release
from tests.sites.parts import until
from yolodeploy.core.app_setup import AppSetup, Autoscale, Exposed, KeptSetup, Quota
from yolodeploy.core.cluster import Target
from yolodeploy.core.errors import Failed, NotFound, Refused
from yolodeploy.core.kept_settings import KeptSettings
from yolodeploy.core.release import Release
from yolodeploy.core.site import Guard, Intent, Phase
from yolodeploy.ops.shipped import shipped
from yolodeploy.sites.kubernetes import records
from yolodeploy.sites.kubernetes.access import Access
from yolodeploy.sites.kubernetes.paths import listing, place, place_of
from yolodeploy.sites.kubernetes.quotas import full_quota
from yolodeploy.sites.kubernetes.site import KubernetesSite
from yolodeploy.sites.kubernetes.switching import deployment_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
APP = "yolodeploy-test"


@pytest.fixture
def site(kubeconfig: Path, tmp_path: Path) -> Iterator[KubernetesSite]:
    """The cluster, without what an earlier run has left."""
    context = yaml.safe_load(kubeconfig.read_text())["current-context"]
    found = KubernetesSite(
        "plant", Access(kubeconfig, context), tmp_path / "images", shipped("k3s"),
        lambda digest: "edge.local/app",
    )  # fmt: skip
    clear(found)
    yield found
    clear(found)


def clear(site: KubernetesSite) -> None:
    with suppress(NotFound):
        site.connection.call("DELETE", place("Namespace", "", APP))
    deadline = time.monotonic() + 240  # pods on a busy node take their time to end
    while not gone(site):
        assert time.monotonic() < deadline, "the namespace is still there"
        time.sleep(0.5)


def gone(site: KubernetesSite) -> bool:
    status, _ = site.connection.ask("GET", place("Namespace", "", APP))
    return status == 404


def app_release(number: int) -> Release:
    found = release(number, cpu_millis=50, memory_mb=32)
    return Release(number, msgspec.structs.replace(found.spec, app=APP))


def test_leases_fences_and_records(site: KubernetesSite) -> None:
    ann = site.claim("ann", 60.0, take_over=True)
    assert site.claim("ann", 60.0) == ann
    with pytest.raises(Refused, match="ann"):
        site.claim("bob", 60.0)
    first, second = app_release(1), app_release(2)
    site.apply(Intent(app=APP, release=first), ann)
    site.apply(Intent(app=APP, release=first), ann)
    hers = records.read(site.connection, APP)
    assert hers is not None
    bob = site.claim("bob", 60.0, take_over=True)
    with pytest.raises(Refused) as told:
        records.write(site.connection, hers.record, hers, Target(None))
    assert told.value.code == "kubernetes.changed"
    with pytest.raises(Refused) as told:
        site.apply(Intent(app=APP, release=second), ann)
    assert told.value.code == "site.fenced"
    site.apply(Intent(app=APP, release=second), bob)
    assert [each.number for each in site.releases(APP)] == [2, 1]
    codes = [event.code for event in site.watch(0) if event.detail.startswith(f"{APP}: ")]
    assert codes.count("release.asked") == 2
    site.release_lease(bob)
    assert site.observe().lease is None


def test_a_field_that_somebody_edited_is_named(site: KubernetesSite) -> None:
    fence = site.claim("ann", 60.0, take_over=True)
    site.apply(Intent(app=APP, release=app_release(1)), fence)
    body = {"spec": {"minReadySeconds": 60}}
    site.connection.call(
        "PATCH", place("Deployment", APP, APP), {"fieldManager": "kubectl-edit"}, body,
        content_type="application/merge-patch+json",
    )  # fmt: skip
    with pytest.raises(Refused) as told:
        site.apply(Intent(app=APP, release=app_release(2)), fence)
    assert told.value.code == "kubernetes.conflict"
    assert told.value.fields["manager"] == "kubectl-edit"
    assert "minReadySeconds" in told.value.fields["fields"]


def test_a_trial_whose_guard_cannot_start_switches_nothing(site: KubernetesSite) -> None:
    """No registry has the image, so the guard waits for it, and the old release stays."""
    fence = site.claim("ann", 60.0, take_over=True)
    first, second = app_release(1), app_release(2)
    site.apply(Intent(app=APP, release=first), fence)
    trial = Intent(app=APP, release=second, previous=first, guard=Guard(60.0))
    site.apply(trial, fence)
    complained = until(
        lambda: [i.reason for i in site.observe().instances if i.reason.startswith("guard: ")],
        "the guard's trouble is told",
    )
    assert complained
    time.sleep(2)
    app = site.observe().app(APP)
    assert app is not None
    assert app.phase is Phase.SWITCHING
    mine = [i for i in site.observe().instances if i.app == APP]
    assert {i.release for i in mine if i.device} <= {first.digest}
    site.apply(Intent(app=APP, release=None), fence)
    until(lambda: not [i for i in site.observe().instances if i.release == first.digest], "gone")


def test_cameras_come_and_go(site: KubernetesSite) -> None:
    """What servers get for their first camera, and that it goes with the last."""
    if site.settings():
        pytest.skip("this cluster has cameras of its own")

    def volumes() -> set[str]:
        found = deployment_of(site.connection, APP)
        assert found is not None
        return {volume.name for volume in found.spec.template.spec.volumes or ()}

    fence = site.claim("ann", 60.0, take_over=True)
    site.apply(Intent(app=APP, release=app_release(1)), fence)
    text = (
        f'[[cameras]]\nname = "door"\nurl = "rtsp://10.0.3.17/1"\napp = "{APP}"\n'
        f'credentials_file = "{site.secret_path("door-1")}"\n'
    )
    try:
        kept = site.keep_settings(KeptSettings(text=text), {"door-1": b"a:b"}, fence)
        assert site.settings()[0].unfinished
        site.finish_settings(kept, fence)
        assert not site.settings()[0].unfinished
        assert "account" in volumes()
        for kind, name in (("Secret", "yolodeploy-site"), ("Role", "yolodeploy-cameras")):
            assert site.connection.ask("GET", place(kind, APP, name))[0] == 200
        site.finish_settings(site.keep_settings(KeptSettings(text=""), {}, fence), fence)
        assert "account" not in volumes()
        assert [each.text for each in site.settings()] == ["", text]
    finally:
        history = place("ConfigMap", "yolodeploy", "yolodeploy-settings")
        with suppress(NotFound):
            site.connection.call("DELETE", history)
    site.apply(Intent(app=APP, release=None), fence)
    site.release_lease(fence)


def test_an_app_is_set_up_and_back(site: KubernetesSite) -> None:
    """What the double takes without a schema, an API server has to take with one."""
    fence = site.claim("ann", 60.0, take_over=True)
    full = AppSetup(
        replicas=2,
        exposed=Exposed("a.example", "key", "traefik"),
        quota=Quota(gpus=1, cpu_millis=500, memory_mb=500, pods=9),
        asked_from=("default",),
        spot=True,
    )
    site.setups.put(APP, KeptSetup().then(full), fence)
    found = app_release(1)
    site.apply(Intent(app=APP, release=found), fence)
    assert site.setups.counted(APP)[0] == 2
    there = {item["kind"] for item in site.objects(found)}
    assert {"PodDisruptionBudget", "Ingress", "ResourceQuota"} <= there
    for item in site.objects(found):
        site.connection.apply(place_of(item), item)  # printed and applied by hand: the same
    # an autoscaler takes the number over, and gives it back
    path = place("HorizontalPodAutoscaler", APP, APP)
    scaled = msgspec.structs.replace(full, replicas=None, autoscale=Autoscale(2, 3))
    site.setups.put(APP, site.setups.kept(APP).then(scaled), fence)
    assert site.connection.ask("GET", path)[0] == 200
    undone = site.setups.kept(APP).undone()
    assert undone is not None
    site.setups.put(APP, undone, fence)
    assert site.connection.ask("GET", path)[0] == 404
    site.setups.put(APP, site.setups.kept(APP).then(AppSetup(replicas=1)), fence)
    assert site.setups.counted(APP)[0] == 1
    assert site.connection.ask("GET", place("Ingress", APP, APP))[0] == 404
    site.apply(Intent(app=APP, release=None), fence)
    site.release_lease(fence)


def limited(site: KubernetesSite, pods: int) -> None:
    """Somebody gives the namespace a quota, and it is counted."""
    body = {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "plant"},
        "spec": {"hard": {"pods": str(pods)}},
    }  # fmt: skip
    site.connection.call("POST", listing("ResourceQuota", APP), body=body)
    until(lambda: full_quota(site.connection, APP), "the quota is counted")


def pulls(site: KubernetesSite) -> list[str]:
    """The Jobs that bring an image."""
    found = json.loads(site.connection.call("GET", listing("Job", APP)))
    names = [job["metadata"]["name"] for job in found["items"]]
    return [name for name in names if "prefetch" in name]


def test_a_full_quota_is_told_before_the_pull_and_before_the_guard(site: KubernetesSite) -> None:
    """A Job says nowhere that it has no pod, and would be waited for for hours."""
    fence = site.claim("ann", 60.0, take_over=True)
    first, second = app_release(1), app_release(2)
    site.apply(Intent(app=APP, release=first), fence)
    limited(site, 0)
    with pytest.raises(Refused) as told:
        site.prefetch(second.spec)
    assert told.value.code == "kubernetes.denied"
    assert "quota plant is full: pods" in told.value.text()
    assert not pulls(site), "the next try would find it"
    fence = site.claim("ann", 60.0)
    site.apply(Intent(app=APP, release=second, previous=first, guard=Guard(60.0)), fence)
    until(
        lambda: [i for i in site.observe().instances if i.reason.startswith("guard: quota plant")],
        "why there is no guard is told",
    )
    site.apply(Intent(app=APP, release=None), fence)


def test_an_image_that_no_node_gets_is_told_with_the_node(site: KubernetesSite) -> None:
    """On nodes that pull; simulated ones have every image."""
    fence = site.claim("ann", 60.0, take_over=True)
    site.apply(Intent(app=APP, release=app_release(1)), fence)
    devices = {device.name for device in site.observe().devices if device.ready}
    try:
        site.prefetch(app_release(2).spec)
    except Failed as error:
        assert error.code == "kubernetes.not_pulled"
        assert error.fields["device"] in devices
        assert "@sha256" not in error.fields["reason"], "the cause, and not what everybody knows"
    assert not pulls(site)
    site.apply(Intent(app=APP, release=None), site.claim("ann", 60.0))
