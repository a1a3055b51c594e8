"""If these fail, an API server refuses a release on one site of many, or runs another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes.parts import Bench, release
from tests.sites.parts import APP
from yolodeploy.core.cluster import RELEASE
from yolodeploy.core.release import Release, ReleaseSpec, Serving
from yolodeploy.core.site import Intent
from yolodeploy.ops.shipped import shipped
from yolodeploy.sites.kubernetes.manifests import Manifests

IMAGE = f"edge.local/app@sha256:{7:064x}"
MANIFESTS = Manifests(shipped("k3s"))


def every(found: Release, strategy: str = "surge-free") -> list[Any]:
    app = found.spec.app
    return [
        *MANIFESTS.surroundings(app),
        MANIFESTS.config(found, "plant", IMAGE, 0.0),
        MANIFESTS.deployment(found, IMAGE, strategy),
        *MANIFESTS.guard(app, IMAGE, 7),
        MANIFESTS.prefetch(found.digest, app, IMAGE, "edge-1", 0),
    ]


@pytest.mark.parametrize("strategy", ["rolling", "surge-free", "recreate"])
@pytest.mark.parametrize("gpus", [0, 2])
def test_every_kubernetes_from_1_30_accepts_what_is_filled_in(strategy: str, gpus: int) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is absent")
    versions = [v for v in validator.utils.all_versions() if int(v.split(".")[1]) >= 30]
    for one in every(release(1, gpus=gpus), strategy):
        for version in versions:
            validator.validate(one, version, strict=True)


def test_a_release_is_filled_in_whole() -> None:
    found = release(3, gpus=1, cpu_millis=1500, memory_mb=700, vram_mb=900)
    deployment = MANIFESTS.deployment(found, IMAGE, "recreate")
    pod = deployment["spec"]["template"]["spec"]
    (server,) = pod["containers"]
    assert server["image"] == IMAGE
    amounts = {"cpu": "1500m", "memory": "700Mi", "nvidia.com/gpu": "1"}
    assert server["resources"] == {"requests": amounts, "limits": amounts}
    assert pod["runtimeClassName"] == "nvidia"
    assert deployment["spec"]["template"]["metadata"]["annotations"][RELEASE] == found.digest
    assert "replicas" not in deployment["spec"], "they belong to whoever scales"
    told = json.loads(MANIFESTS.config(found, "plant", IMAGE, 0.0)["data"]["serve.json"])
    assert told["release"] == found.digest
    assert told["vram_mb"] == 900
    assert (
        "runtimeClassName"
        not in MANIFESTS.deployment(release(3), IMAGE, "rolling")["spec"]["template"]["spec"]
    ), "a pod without a GPU would see them all"


def test_nothing_of_the_sample_is_left() -> None:
    """Two apps must not share a name by mistake."""
    spec = ReleaseSpec(app="weld-seam", image=f"sha256:{1:064x}", model=f"sha256:{2:064x}")
    text = yaml.safe_dump_all(every(Release(1, spec)))
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


def test_what_is_shown_is_what_is_applied(bench: Bench, v1: Release) -> None:
    shown = bench.site.objects(v1)
    bench.site.apply(Intent(app=APP, release=v1), bench.site.claim("ann", 60.0))
    plural = {"NetworkPolicy": "networkpolicies"}
    for one in shown:
        kind = plural.get(one["kind"], one["kind"].lower() + "s")
        space = one["metadata"].get("namespace", "")
        there = bench.double.kept[kind, space, one["metadata"]["name"]]
        for part in ("data", "spec"):
            had = dict(there.get(part) or {})
            had.pop("replicas", None)
            assert had == (one.get(part) or {}), f"{one['kind']}.{part}"


def test_the_image_stays_what_it_was_brought_as(bench: Bench, v1: Release, tmp_path: Path) -> None:
    """A rollback must not ask a registry that was named since for what the node has."""
    bench.commit(v1)
    bench.site._name_of = lambda digest: "elsewhere.example/app"
    (deployment,) = (one for one in bench.site.objects(v1) if one["kind"] == "Deployment")
    (server,) = deployment["spec"]["template"]["spec"]["containers"]
    assert server["image"] == f"edge.local/app@{v1.spec.image}"
