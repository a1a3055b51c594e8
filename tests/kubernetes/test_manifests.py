"""If these fail, an API server refuses a release on one site of many, or runs another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kubernetes.double import CUSTOM, KINDS
from tests.kubernetes.parts import Bench, release
from tests.kubernetes.standard import refusals
from tests.shipped.schemas import fits
from tests.sites.parts import APP
from yolodeploy.core.app_setup import AppSetup, Autoscale, Exposed, KeptSetup, Quota
from yolodeploy.core.beside import Way
from yolodeploy.core.capacity import Switching
from yolodeploy.core.cluster import RELEASE
from yolodeploy.core.release import Release, ReleaseSpec, Resources, Serving
from yolodeploy.core.site import Intent
from yolodeploy.ops.shipped import shipped
from yolodeploy.sites.kubernetes.egress import Outside, Place
from yolodeploy.sites.kubernetes.manifests import Manifests
from yolodeploy.sites.kubernetes.options import Scaler

IMAGE = f"edge.local/app@sha256:{7:064x}"
MANIFESTS = Manifests(shipped("k3s"))


kubernetes_validate = pytest.importorskip("kubernetes_validate")
PLACES = (Place("10.0.3.17", 554), Place("fd00::1", 322), Place("broker.plant", 1883))
OUTSIDE = Outside(PLACES, looks=True)
MINORS = sorted(
    minor
    for minor in {int(one.split(".")[1]) for one in kubernetes_validate.utils.all_versions()}
    if minor >= 30
)
SCALERS: tuple[Scaler, ...] = ("keda", "adapter", "cpu")
WAYS = st.builds(
    Switching,
    strategy=st.sampled_from(["rolling", "surge-free", "recreate"]),
    at_once=st.integers(1, 1000),
)
NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
SETUPS = st.builds(
    AppSetup,
    replicas=st.none() | st.integers(0, 1000),
    autoscale=st.none()
    | st.builds(
        Autoscale,
        least=st.integers(1, 3),
        most=st.integers(3, 1000),
        rps=st.none() | st.floats(0.001, 1e6),
    )
    | st.builds(Autoscale, least=st.just(1), most=st.just(9), queue_ms=st.floats(0.001, 1e6)),
    exposed=st.none()
    | st.builds(Exposed, st.just("a.example"), NAMES | st.just(""), NAMES | st.just("")),
    quota=st.none() | st.builds(Quota, *[st.none() | st.integers(0, 10**6)] * 4),
    asked_from=st.lists(NAMES, max_size=2).map(tuple),
    metrics_from=NAMES | st.just(""),
    spot=st.booleans(),
    engines=st.sampled_from(["", "pod", "claim"]),
    storage_class=NAMES | st.just(""),
    shared=st.booleans(),
)
SPECS = st.builds(
    ReleaseSpec,
    app=NAMES,
    image=st.just(f"sha256:{1:064x}"),
    model=st.just(f"sha256:{2:064x}"),
    serving=st.builds(Serving, engine=st.sampled_from([msgspec.UNSET, "tensorrt", "cuda"])),
    resources=st.builds(
        Resources,
        cpu_millis=st.integers(1, 256_000),
        memory_mb=st.integers(16, 1 << 20),
        gpus=st.integers(0, 16),
        vram_mb=st.integers(0, 1 << 20),
        mig=st.sampled_from([msgspec.UNSET, "1g.10gb"]),
    ),
)


def every(
    found: Release,
    way: Switching | None = None,
    setup: AppSetup | None = None,
    scaler: Scaler = "cpu",
    tried: Way = Way.CANARY,
) -> list[Any]:
    app, setup = found.spec.app, setup or AppSetup()
    return [
        *MANIFESTS.surroundings(app, setup, OUTSIDE),
        *MANIFESTS.options(app, setup, scaler, 1),
        MANIFESTS.config(found, "plant", IMAGE, 0.0),
        MANIFESTS.deployment(found, IMAGE, way or Switching("surge-free"), setup, looks=True),
        MANIFESTS.beside(found, IMAGE, tried, 2, setup),
        *MANIFESTS.around_beside(app),
        *MANIFESTS.guard(app, IMAGE, 7, ("edge-2",), beside=True),
        MANIFESTS.prefetch(found.digest, app, IMAGE, "edge-1"),
    ]


@pytest.mark.parametrize("minor", MINORS)
@settings(max_examples=12, deadline=None)
@given(SPECS, WAYS, SETUPS, st.sampled_from(SCALERS), st.sampled_from(Way))
def test_every_kubernetes_from_1_30_accepts_what_is_filled_in(
    minor: int, spec: ReleaseSpec, way: Switching, setup: AppSetup, scaler: Scaler, tried: Way
) -> None:
    objects = every(Release(1, spec), way, setup, scaler, tried)
    for one in objects:
        if one["kind"] not in ("ScaledObject", "ServiceMonitor"):  # docs/testing.md: never checked
            fits(one, f"1.{minor}.0")
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(set(names)) == len(names), "one would be written over the other"


@settings(max_examples=60, deadline=None)
@given(SPECS, WAYS, SETUPS, st.sampled_from(Way))
def test_no_namespace_that_enforces_restricted_refuses_a_pod(
    spec: ReleaseSpec, way: Switching, setup: AppSetup, tried: Way
) -> None:
    templates = [
        one["spec"]["template"]["spec"]
        for one in every(Release(1, spec), way, setup, tried=tried)
        if one["kind"] in ("Deployment", "Job")
    ]
    assert len(templates) == 4
    for pod in templates:
        assert list(refusals(pod)) == []
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
        mounts = {each["name"] for each in pod["containers"][0].get("volumeMounts", ())}
        assert mounts == {volume["name"] for volume in pod.get("volumes", ())}


def test_the_standard_refuses_what_it_is_there_for() -> None:
    """Else the test above says nothing."""
    bad = {
        "hostPID": True,
        "volumes": [{"name": "v", "hostPath": {}}],
        "containers": [{"securityContext": {"privileged": True, "capabilities": {"add": ["X"]}}}],
    }
    assert set(refusals(bad)) == {
        "hostPID", "volume hostPath", "privileged", "allowPrivilegeEscalation", "runAsNonRoot",
        "seccompProfile", "capabilities.drop", "capabilities.add",
    }  # fmt: skip


def test_a_release_is_filled_in_whole() -> None:
    found = release(3, gpus=1, cpu_millis=1500, memory_mb=700, vram_mb=900)
    deployment = MANIFESTS.deployment(found, IMAGE, Switching("recreate"))
    pod = deployment["spec"]["template"]["spec"]
    (server,) = pod["containers"]
    assert server["image"] == IMAGE
    amounts = {"cpu": "1500m", "memory": "700Mi", "nvidia.com/gpu": "1"}
    assert server["resources"] == {"requests": amounts, "limits": amounts}
    assert pod["runtimeClassName"] == "nvidia"
    notes = deployment["spec"]["template"]["metadata"]["annotations"]
    assert notes[RELEASE] == found.digest
    assert notes["yolodeploy.io/vram-mb"] == "900", "gpu share asks pods what they take"
    assert {"key": "nvidia.com/gpu", "operator": "Exists"} in pod["tolerations"]
    assert "replicas" not in deployment["spec"], "they belong to whoever scales"
    told = json.loads(MANIFESTS.config(found, "plant", IMAGE, 0.0)["data"]["serve.json"])
    assert told["release"] == found.digest
    assert told["vram_mb"] == 900
    assert (
        "runtimeClassName"
        not in MANIFESTS.deployment(release(3), IMAGE, Switching("rolling"))["spec"]["template"][
            "spec"
        ]
    ), "a pod without a GPU would see them all"


def test_a_release_beside_another_is_found_by_whom_it_shall_be() -> None:
    """Else the first Deployment takes its pods for its own, or a shadow answers people."""
    found = release(3, gpus=1)
    main = MANIFESTS.deployment(found, IMAGE, Switching("rolling"), looks=True)
    config = MANIFESTS.config(found, "plant", IMAGE, 0.0)["data"]
    around = {one["kind"]: one for one in MANIFESTS.surroundings(APP, AppSetup(), OUTSIDE)}
    own = {one["kind"]: one["spec"] for one in MANIFESTS.around_beside(APP)}
    service = around["Service"]["spec"]["selector"]
    (policy,) = around["NetworkPolicy"]["spec"]["podSelector"]["matchExpressions"]
    for way in Way:
        made = MANIFESTS.beside(found, IMAGE, way, 2)
        labels = made["spec"]["template"]["metadata"]["labels"]
        selector = made["spec"]["selector"]["matchLabels"]
        assert selector.items() <= labels.items()
        assert not selector.items() <= main["spec"]["template"]["metadata"]["labels"].items()
        assert (service.items() <= labels.items()) == (way is Way.CANARY)
        assert (own["Service"]["selector"].items() <= labels.items()) == (way is not Way.CANARY)
        assert labels[policy["key"]] in policy["values"], "nobody else may ask it"
        pod = made["spec"]["template"]["spec"]
        assert pod["runtimeClassName"] == "nvidia"
        (volume,) = (one["configMap"] for one in pod["volumes"] if "configMap" in one)
        (item,) = volume["items"]
        told = json.loads(config[item["key"]])
        assert told["release"] == found.digest
        assert not {"settings", "account", "mirror"} & set(told), "a camera has one reader"
    assert json.loads(config["serve.json"])["mirror"].startswith("/etc/yolodeploy-mirror/")


def test_nothing_of_the_sample_is_left() -> None:
    """Two apps must not share a name by mistake."""
    spec = ReleaseSpec(app="weld-seam", image=f"sha256:{1:064x}", model=f"sha256:{2:064x}")
    full = AppSetup(
        autoscale=Autoscale(1, 3, rps=5.0),
        exposed=Exposed("a.example", "key"),
        quota=Quota(pods=3),
        metrics_from="monitoring",
        engines="claim",
    )
    for scaler in SCALERS:
        text = yaml.safe_dump_all(every(Release(1, spec), None, full, scaler))
        assert APP not in text
    assert "fill-in.invalid" not in text


def test_classes_cannot_become_yaml() -> None:
    """Names of classes come out of a model, which may be anybody's."""
    hostile = ('crack"}\n---\nkind: Pod', "{{ lookup('pipe','id') }}", "$(id)", "裂纹", "a: b")
    spec = ReleaseSpec(
        app=APP, image=f"sha256:{1:064x}", model=f"sha256:{2:064x}", classes=hostile,
        serving=Serving(conf=0.5),
    )  # fmt: skip
    text = yaml.safe_dump_all(every(Release(1, spec)), allow_unicode=True)
    read = list(yaml.safe_load_all(text))
    assert len(read) == len(every(Release(1, spec)))
    (config,) = (one for one in read if one["kind"] == "ConfigMap")
    assert json.loads(config["data"]["release.json"])["spec"]["classes"] == list(hostile)


def test_what_is_shown_is_what_is_applied(bench: Bench) -> None:
    """Whoever reads `release show --site`, or applies it by hand, must not miss anything."""
    bench.double.apis |= set(CUSTOM)
    found = Release(4, msgspec.structs.replace(release(4).spec, serving=Serving(engine="tensorrt")))
    setup = AppSetup(
        autoscale=Autoscale(1, 2, rps=9.0),
        exposed=Exposed("a.example", "key"),
        quota=Quota(pods=9),
        metrics_from="monitoring",
    )
    fence = bench.site.claim("ann", 60.0)
    bench.site.setups.put(APP, KeptSetup(setup), fence)
    shown = bench.site.objects(found)
    bench.site.apply(Intent(app=APP, release=found), fence)
    plurals = {kind: plural for plural, kind in KINDS.items()}
    for one in shown:
        space = one["metadata"].get("namespace", "")
        there = bench.double.kept[plurals[one["kind"]], space, one["metadata"]["name"]]
        for part in ("data", "spec"):
            had = dict(there.get(part) or {})
            for theirs in ("replicas", "clusterIP"):
                had.pop(theirs, None)
            assert had == (one.get(part) or {}), f"{one['kind']}.{part}"
        assert one["metadata"]["labels"].items() <= there["metadata"]["labels"].items()
    names = {(plurals[one["kind"]], one["metadata"]["name"]) for one in shown}
    made = {
        (plural, name) for plural, space, name in bench.double.kept
        if space == APP and plural != "pods" and not name.startswith("yolodeploy-")
    }  # fmt: skip
    assert made == {name for name in names if name[0] != "namespaces"}


def test_the_image_stays_what_it_was_brought_as(bench: Bench, v1: Release, tmp_path: Path) -> None:
    """A rollback must not ask a registry that was named since for what the node has."""
    bench.commit(v1)
    bench.site._images._name_of = lambda digest: "elsewhere.example/app"
    (deployment,) = (one for one in bench.site.objects(v1) if one["kind"] == "Deployment")
    (server,) = deployment["spec"]["template"]["spec"]["containers"]
    assert server["image"] == f"edge.local/app@{v1.spec.image}"
