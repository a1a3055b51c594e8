"""If these fail, a person is told nothing of use, or a broken cluster takes the others with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kubernetes.double import Answers, Cluster
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP, until
from yolodeploy.core.errors import UsageError, YolodeployError
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent
from yolodeploy.sites.kubernetes.access import Access
from yolodeploy.sites.kubernetes.connection import Connection

CANNOT = (
    'deployments.apps "brake-disc" is forbidden: User "system:serviceaccount:yolodeploy:operator" '
    'cannot patch resource "deployments" in API group "apps" in the namespace "brake-disc"'
)
QUOTA = 'pods "x" is forbidden: exceeded quota: gpus, requested: 1, used: 1, limited: 1'
FAULTS = {
    "certificate rotated": (401, "Unauthorized", "kubernetes.unauthorized", True),
    "a verb is missing": (403, CANNOT, "kubernetes.forbidden", False),
    "quota": (403, QUOTA, "kubernetes.denied", False),
    "too old": (410, "too old resource version", "kubernetes.too_old", False),
    "too much to do": (429, "slow down", "kubernetes.busy", True),
    "broken": (500, "etcdserver: request timed out", "kubernetes.broken", True),
    "a proxy's page": (502, "<html>\x1b[31mBad\ngateway", "kubernetes.broken", True),
    "invalid": (422, "spec.replicas: must be positive", "kubernetes.invalid", False),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_refusal_is_one_line_with_a_remedy(name: str, bench: Bench) -> None:
    status, message, code, retryable = FAULTS[name]
    body = message if message.startswith("<") else json.dumps({"message": message})
    bench.double.__dict__["fault"] = lambda method, path: (status, body.encode())
    with pytest.raises(YolodeployError) as told:
        bench.site.observe()
    assert told.value.code == code
    assert told.value.retryable is retryable
    for language in ("en", "zh"):
        text = told.value.text(language)
        assert "<" not in text.replace("<html>", "")
        assert text.isprintable()
        assert told.value.remedy(language)


def test_the_missing_right_is_named(bench: Bench) -> None:
    answer = json.dumps({"message": CANNOT}).encode()
    bench.double.__dict__["fault"] = lambda method, path: (403, answer)
    with pytest.raises(YolodeployError) as told:
        bench.site.observe()
    assert told.value.fields["verb"] == "patch"
    assert told.value.fields["resource"] == "deployments.apps"
    assert told.value.fields["namespace"] == APP


def test_an_app_of_somebody_else_does_not_hide_ours(bench: Bench, v1: Release) -> None:
    """An account has rights in the namespaces of its apps alone."""
    bench.commit(v1)
    bench.double.kept["leases", "yolodeploy", "site"]["metadata"]["annotations"][
        "yolodeploy.io/apps"
    ] = f"{APP},wheel"
    answer = json.dumps({"message": CANNOT}).encode()
    bench.double.__dict__["fault"] = lambda method, path: (
        (403, answer) if "/namespaces/wheel/" in path else None
    )
    state = bench.site.observe()
    assert [app.app for app in state.apps] == [APP]
    assert len(bench.site.sketches()) == len(state.instances) == 1
    assert bench.site.watch(0)
    bench.site.apply(Intent(app=APP, release=v1), bench.site.claim("bob", 9.0, take_over=True))


def test_a_cluster_that_is_gone_is_unreachable(bench: Bench) -> None:
    bench.double.__exit__()
    with pytest.raises(YolodeployError) as told:
        bench.site.observe()
    assert told.value.code == "kubernetes.silent"
    assert told.value.exit_code == 3


def test_an_answer_without_end_is_cut_off(bench: Bench) -> None:
    bench.double.__dict__["fault"] = lambda method, path: (200, b"[" * (2 << 20))
    with pytest.raises(YolodeployError) as told:
        bench.site.connection.call("GET", "/api/v1/nodes", largest=1 << 20)
    assert told.value.code == "kubernetes.too_large"
    with pytest.raises(YolodeployError) as told:
        bench.site.observe()
    assert told.value.code == "kubernetes.garbage"


@pytest.mark.parametrize("garbage", ["noise", "ten megabytes", "negative"])
def test_garbage_measurements_are_no_measurements(garbage: str, bench: Bench, v1: Release) -> None:
    """What a broken server says must reach neither gates nor the inventory."""
    from tests.kubernetes.double import report

    told = {
        "noise": b"\xc1\xff", "ten megabytes": b"x" * (10 << 20),
        "negative": report(Answers(requests=4)).replace(b"\xa8requests\x04", b"\xa8requests\xff"),
    }[garbage]  # fmt: skip
    bench.commit(v1)
    bench.double.answers[v1.digest] = Answers(sketches=told)
    (bad,) = bench.site.sketches()
    assert (bad.epochs, bad.device, bool(bad.fault)) == ((), "edge-1", True)
    bench.double.answers[v1.digest] = Answers(requests=4)
    (good,) = bench.site.sketches()
    assert (good.site, good.device, good.app) == ("plant", "edge-1", APP)
    assert good.release == v1.digest


def test_a_pod_says_why_it_is_not_ready(bench: Bench, v1: Release, v2: Release) -> None:
    fence = bench.commit(v1)
    bench.double.crash(APP, v1.digest)
    until(lambda: bench.reasons() == ["CrashLoopBackOff, ended with OOMKilled (137)"], "it is told")
    (instance,) = bench.site.observe().instances
    assert instance.restarts == 1
    bench.double.missing.add(v2.spec.image)
    with pytest.raises(YolodeployError) as told:
        bench.site.prefetch(v2.spec)
    assert told.value.code == "kubernetes.not_pulled"
    assert told.value.fields["device"] == "edge-1"
    bench.site.apply(Intent(app=APP, release=v2), fence)


def test_an_image_without_a_base_is_told_as_one(bench: Bench, v1: Release) -> None:
    """It is there, so what is wrong with it must not read as a bad link."""
    bench.double.without_base.add(v1.spec.image)
    with pytest.raises(YolodeployError) as told:
        bench.site.prefetch(v1.spec)
    assert told.value.code == "kubernetes.not_run"
    assert '"python": executable file not found' in told.value.text()
    assert "--base" in told.value.remedy()


def test_a_record_that_somebody_broke_is_told(bench: Bench, v1: Release) -> None:
    bench.commit(v1)
    whole = bench.double.kept["configmaps", APP, "yolodeploy-record"]["data"]["record"]
    bench.double.kept["configmaps", APP, "yolodeploy-record"]["data"]["record"] = "{"
    with pytest.raises(YolodeployError) as told:
        bench.site.observe()
    assert told.value.code == "kubernetes.record"
    # its remedy deletes the record, which one of a newer yolodeploy must be spared
    for known, newer in (
        ('"image":', '"colour":"red","image":'),
        ('"kind":"errors"', '"kind":"x"'),
    ):
        text = whole.replace(known, newer)
        bench.double.kept["configmaps", APP, "yolodeploy-record"]["data"]["record"] = text
        with pytest.raises(YolodeployError) as told:
            bench.site.observe()
        assert text != whole
        assert told.value.code == "site.newer"


def test_a_mark_that_somebody_deleted_is_made_again(bench: Bench, v1: Release, v2: Release) -> None:
    """Its apps would be forgotten, and a fence of long ago would be good again."""
    bench.commit(v1)
    old = bench.site.claim("bob", 60.0, take_over=True)
    del bench.double.kept["leases", "yolodeploy", "site"]
    assert bench.settled(v1)
    fence = bench.site.claim("cleo", 60.0)
    assert fence.number > old.number
    bench.commit(v2, fence)


def test_objects_deleted_underneath_come_back(bench: Bench, v1: Release) -> None:
    fence = bench.commit(v1)
    del bench.double.kept["deployments", APP, APP]
    bench.site.apply(Intent(app=APP, release=v1), fence)
    bench.settled(v1)


BROKEN = {
    "absent": None, "empty": "", "noise": "\x00\x01", "not yaml": "a: [", "a list": "- 1",
    "no clusters": "apiVersion: v1\nkind: Config\n",
    "a number": "current-context: 7\ncontexts: 3\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_kubeconfig_that_is_none_is_told(name: str, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    if (text := BROKEN[name]) is not None:
        file.write_text(text)
    with pytest.raises(UsageError) as told:
        Connection("plant", Access(file, "here")).call("GET", "/version")
    assert told.value.code == "kubernetes.kubeconfig"
    assert told.value.text().isprintable()


@pytest.mark.parametrize("context", ["here", "a#b", "arn:aws:eks:eu:1:cluster/厂", "x y%"])
def test_a_location_names_any_file_and_context(context: str, tmp_path: Path) -> None:
    access = Access(tmp_path / "odd #%1 name", context)
    assert Access.of(access.location) == access


def test_one_gpu_is_switched_without_a_surge(connected: Callable[[Cluster], Bench]) -> None:
    """The default of Kubernetes would wait for a second GPU for ever."""
    from tests.kubernetes.parts import release

    with Cluster(gpus=1) as double:
        bench = connected(double)
        first, second = release(1, gpus=1), release(2, gpus=1)
        assert bench.site.switching(first.spec).strategy == "rolling"
        fence = bench.commit(first)
        way = bench.site.switching(second.spec)
        assert way.strategy == "surge-free"
        assert way.outage_s > 0
        commit = bench.trial(second, first, 3600.0, fence)
        bench.settled(second)
        bench.site.apply(commit, fence)
        assert bench.site.switching(release(3).spec).strategy == "rolling", "it wants no GPU"
